"""What goes wrong with a simulated device, and when."""
