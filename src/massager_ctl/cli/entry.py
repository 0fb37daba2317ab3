"""Where the process begins. `stop` is answered before anything else is loaded (R6)."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run `massager-ctl`; returns the exit code."""
    _open_closed_streams()
    try:
        return _answer()
    except KeyboardInterrupt:  # before the command had begun
        sys.stderr.write("\n")
        return 130


def _open_closed_streams() -> None:
    """A descriptor that was closed from the start leads nowhere from now on, and so never to a device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115  pathlib is slow


def _answer() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == ["stop"]:
        from massager_ctl.surfaces.control.client import stop_quickly

        code = stop_quickly(arguments[1:])
        if code is not None:
            return code
    from massager_ctl.cli.root import run_command_line

    return run_command_line(arguments)


if __name__ == "__main__":
    sys.exit(main())
