"""A dumb device that obeys lines, on a pseudo-terminal or on TCP: `L40` sets a level, `OFF` ends it. No dead-man.

It understands what `tests.support.ascii_massager` and T-Code say."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
import tty
from pathlib import Path
from typing import Final

TELLS: Final = {
    b"WHO": b"I AM A1\n",
    b"D0": b"A board of someone's own\n",
    b"D1": b"TCode v0.3\n",
    b"D2": b"V0 0 9999 Vibration\n",
}

ANSWER: Final = b"=0\n"


class Peer:
    """Reads whole lines in a thread. `path` or `port` is where it is reached."""

    def __init__(
        self, kind: str, *, answers: bool = False, answers_to: dict[bytes, bytes] | None = None
    ) -> None:
        """`answers_to`: what it answers to other lines."""
        self.answers_to = {**TELLS, **(answers_to or {})}
        self.lines: list[tuple[float, bytes]] = []
        self.level = 0
        self.levels: list[tuple[float, int]] = []
        """Each time that it was sent one, and which."""
        self.answers = answers
        self.reads = threading.Event()
        self.reads.set()
        self._ending = False
        self._listener: socket.socket | None = None
        self._line: socket.socket | None = None
        self._fd = self._slave = -1
        self.path = ""
        self.port = 0
        if kind == "pty":
            self._fd, self._slave = os.openpty()
            tty.setraw(self._slave)
            self.path = os.ttyname(self._slave)
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
        self.address = f"serial:{self.path}" if kind == "pty" else f"tcp:127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._ending:
            return
        self._ending = True
        self.reads.set()
        self._thread.join(5)
        for number in (self._fd, self._slave):
            if number >= 0:
                os.close(number)
        for sock in (self._listener, self._line):
            if sock is not None:
                sock.close()

    @property
    def heard(self) -> list[bytes]:
        return [line for _, line in self.lines]

    @property
    def stops(self) -> int:
        return self.heard.count(b"OFF")

    def wait_for(self, line: bytes, seconds: float = 10.0, count: int = 1) -> float:
        """When the line came for the `count`-th time, monotonic seconds."""
        until = time.monotonic() + seconds
        while self.heard.count(line) < count:
            assert time.monotonic() < until, (line, self.heard)
            time.sleep(0.005)
        return [at for at, one in self.lines if one == line][count - 1]

    def _run(self) -> None:
        if self._listener is not None:
            self._listener.settimeout(0.05)
            while self._line is None and not self._ending:
                with contextlib.suppress(TimeoutError):
                    self._line, _ = self._listener.accept()
                    self._fd = self._line.detach()
        waiting = b""
        while not self._ending:
            self.reads.wait()
            if not select.select([self._fd], [], [], 0.02)[0]:
                continue
            try:
                data = os.read(self._fd, 4096)
            except OSError:
                return
            if not data:
                return
            waiting += data
            *whole, waiting = waiting.split(b"\n")
            for line in whole:
                self._obey(line)

    def _set(self, level: int) -> None:
        self.level = level
        self.levels.append((time.monotonic(), level))

    def _obey(self, line: bytes) -> None:
        self.lines.append((time.monotonic(), line))
        if line in (b"OFF", b"DSTOP"):
            self._set(0)
        elif line.startswith(b"L"):
            self._set(int(line[1:]))
        elif line.startswith(b"V0"):
            self._set(int(line[2:].partition(b"I")[0]))
        if line in self.answers_to:
            os.write(self._fd, self.answers_to[line])
        elif self.answers and line == b"OFF":
            os.write(self._fd, ANSWER)


def lives(pid: int) -> bool:
    """Whether a process runs; one that no one has fetched yet does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
