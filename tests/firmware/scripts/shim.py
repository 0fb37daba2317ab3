"""What `shim` gives on MicroPython, a line each: a number that came in only now, and an array with its type."""

from __future__ import annotations

import sys

from massager_fw import shim

print(shim.const(int(sys.argv[1])))
print(shim.ints([int(word) for word in sys.argv[1:]]))
