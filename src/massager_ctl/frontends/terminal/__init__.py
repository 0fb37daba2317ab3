"""The terminal: keys, the display of `run`, and manual control."""
