"""The link protocol: converts between bytes and messages, without I/O."""
