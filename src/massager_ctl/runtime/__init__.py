"""Owns devices on this machine; the composition root."""
