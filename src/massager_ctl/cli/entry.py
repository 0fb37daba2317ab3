"""The entry point. `stop` is handled before anything else is loaded (R6)."""

from __future__ import annotations

import os
import signal
import sys

ELSEWHERE = """\
error: massager-ctl runs on Linux and macOS, and this system is neither
  On Windows it runs in WSL 2; usbipd-win brings a USB port there.
"""


def main() -> int:
    """Run `massager-ctl`; returns the exit code."""
    _open_closed_streams()
    try:
        import fcntl
        import termios
    except ImportError:
        sys.stderr.write(ELSEWHERE)
        return 2
    del fcntl, termios
    _take_early_signals()
    try:
        return _answer()
    except KeyboardInterrupt:  # before the command had begun
        sys.stderr.write("\n")
        return 130


def _open_closed_streams() -> None:
    """Open the null device on standard descriptors that are closed, so that they never refer to a device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115  pathlib is slow


def _take_early_signals() -> None:
    """Exit on SIGTERM from the start: the first process of a container would ignore it.

    Commands that own a device replace this handler before they open it.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)


def _leave(*_: object) -> None:
    raise SystemExit(0 if sys.argv[1:2] == ["serve"] else 130)


def _answer() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == ["stop"]:
        from massager_ctl.frontends.socket.stop import stop_quickly

        code = stop_quickly(arguments[1:])
        if code is not None:
            return code
    from massager_ctl.cli.root import run_command_line

    return run_command_line(arguments)


if __name__ == "__main__":
    sys.exit(main())
