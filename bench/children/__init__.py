"""The other process of a measurement: devices of ours, and bare descriptors."""
