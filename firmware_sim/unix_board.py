"""Starts the firmware on MicroPython's unix port in real time: firmware/boards/unix, on a PTY and on TCP.

The PTY is made here, as MicroPython cannot make one; from then on no byte passes through this process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tty
from pathlib import Path
from typing import Final

from firmware_sim.unix_port import MicroPythonError, boards, command, environment

_PATIENCE_S: Final = 10.0


class UnixBoard:
    """One running board. `path` is its serial port, `tcp` its `HOST:PORT`, if it was asked for them."""

    def __init__(self, path: Path | None = None, tcp: str | None = None) -> None:
        """Raises MicroPythonError if it cannot be started."""
        words = ["--hands", "stdin"]
        self.path = path
        self.tcp = None if tcp is None else _free(tcp)
        master: int | None = None
        if path is not None:
            master = _open(path)
            words += ["--pty-fd", str(master)]
        if self.tcp is not None:
            words += ["--tcp", self.tcp]
        try:
            self.process = subprocess.Popen(
                command(boards() / "unix" / "main.py", *words),
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=() if master is None else (master,),
            )
        except BaseException:
            self._remove()
            raise
        finally:
            if master is not None:
                os.close(master)
        self._wait(len(words) // 2 - 1)

    def _wait(self, lines: int) -> None:
        assert self.process.stdout is not None
        for _ in range(lines):
            if not self.process.stdout.readline().startswith("ready"):
                self.close()
                raise MicroPythonError("the board did not start: see what it wrote above")

    def hand(self, letter: str) -> None:
        """A hand acts on the button: p presses it, r lets go, o opens its cable."""
        assert self.process.stdin is not None
        self.process.stdin.write(letter)
        self.process.stdin.flush()

    def close(self) -> None:
        """End it; its links go down."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(_PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self._remove()

    def _remove(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> UnixBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(path: Path) -> int:
    """The master side of a new PTY, with a link at `path` to the other."""
    if path.exists() or path.is_symlink():
        raise MicroPythonError(f"{path} is there already: remove it, or name another path")
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        path.symlink_to(os.ttyname(slave))
    except OSError as error:
        os.close(master)
        raise MicroPythonError(f"cannot make {path}: {error.strerror}") from error
    finally:
        os.close(slave)
    os.set_blocking(master, False)
    return master


def _free(address: str) -> str:
    """`address` with a port that is free where it names port 0, as MicroPython cannot say which it took."""
    host, _, port = address.rpartition(":")
    host = host or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65_535:
        raise MicroPythonError(f"{address!r} is not a HOST:PORT, such as 127.0.0.1:7777")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise MicroPythonError(f"cannot listen on {address}: {error.strerror}") from error
        return f"{host}:{probe.getsockname()[1]}"
