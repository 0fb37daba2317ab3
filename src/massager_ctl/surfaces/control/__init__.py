"""The control socket: how any terminal on this machine reaches whatever owns a device."""
