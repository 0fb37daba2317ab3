"""How bytes reach the simulated device: in memory, over a PTY, over TCP."""
