"""The safety rules on the host's side; pure, time is an argument."""
