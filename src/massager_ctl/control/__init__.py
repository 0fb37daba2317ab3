"""Controls one device: its sessions, its setpoints and its stops."""
