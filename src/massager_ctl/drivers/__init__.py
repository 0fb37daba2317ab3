"""A device's dialect over a transport."""
