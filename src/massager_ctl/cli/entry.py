"""Where the process begins. `stop` is answered before anything else is loaded (R6)."""

from __future__ import annotations

import sys


def main() -> int:
    """Run `massager-ctl`; returns the exit code."""
    try:
        return _answer()
    except KeyboardInterrupt:  # before the command had begun
        sys.stderr.write("\n")
        return 130


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
