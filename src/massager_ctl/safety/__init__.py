"""The rules R1 to R24 on the host's side, pure."""
