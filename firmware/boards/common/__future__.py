"""`__future__` for MicroPython, which does not evaluate annotations anyway."""

annotations = None
