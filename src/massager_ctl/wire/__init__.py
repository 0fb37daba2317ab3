"""The link protocol, pure: bytes in, messages out."""
