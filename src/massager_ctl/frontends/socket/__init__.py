"""The control socket: how any terminal on this machine reaches the program that owns a device."""
