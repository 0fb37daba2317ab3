"""A board that waits for Python: the prompt of MicroPython's unix port, on a PTY, over a littlefs on a NOR flash."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import threading
import tty
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
ON_UNIX: Final = HERE / "on_unix"

needs_micropython: Final = pytest.mark.skipif(
    find_spec("micropython_unix") is None,
    reason="there is no wheel of MicroPython's unix port for this machine",
)


def micropython(*arguments: str) -> list[str]:
    """The command that runs MicroPython."""
    found = shutil.which("micropython", path=str(Path(sys.executable).parent))
    return [*([found] if found else [sys.executable, "-m", "micropython_unix"]), *arguments]


class Cable:
    """Joins a descriptor to a serial port, whose name is `port`, until it is pulled."""

    def __init__(self, board: int) -> None:
        self._board = board
        self._end, self._port = pty.openpty()
        tty.setraw(self._port)
        self.port = os.ttyname(self._port)
        self._pulled, self._pull = os.pipe()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        other = {self._board: self._end, self._end: self._board}
        while True:
            ready, _, _ = select.select([self._pulled, *other], [], [])
            if self._pulled in ready:
                return
            for source in ready:
                with contextlib.suppress(OSError):
                    os.write(other[source], os.read(source, 4096))

    def pull(self) -> None:
        """The port is gone, in the middle of whatever goes on."""
        os.write(self._pull, b".")
        self._thread.join()
        for descriptor in (self._port, self._end, self._pulled, self._pull):
            os.close(descriptor)


@contextlib.contextmanager
def relayed(board: int) -> Generator[str]:
    """The port at the end of a cable."""
    cable = Cable(board)
    try:
        yield cable.port
    finally:
        cable.pull()


class UnixBoard:
    """One board with its cable. Killing it is what pulling the plug does: its flash stays as it was."""

    def __init__(self, flash: Path, blocks: int) -> None:
        self._board, inner = pty.openpty()
        tty.setraw(inner)
        self._process = subprocess.Popen(
            micropython("-i", str(ON_UNIX / "with_flash.py"), str(flash), str(blocks)),
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self._cable = Cable(self._board)
        self.port = self._cable.port

    def pull_cable(self) -> None:
        """The port is gone in the middle of whatever goes on, and the board loses its power."""
        if self._process.returncode is not None:
            return
        self._cable.pull()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._board)


@contextlib.contextmanager
def unix_board(flash: Path, blocks: int = 212) -> Generator[UnixBoard]:
    """A board over the flash in a file, which outlives it."""
    board = UnixBoard(flash, blocks)
    try:
        yield board
    finally:
        board.pull_cable()
