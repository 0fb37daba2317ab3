"""The floor: reads from a descriptor and writes the same bytes back, with nothing in between."""

from __future__ import annotations

import os
import sys

from bench.processes import ready


def main() -> None:
    fd = int(sys.argv[2])
    ready("here")
    while data := os.read(fd, 4096):
        os.write(fd, data)


if __name__ == "__main__":
    main()
