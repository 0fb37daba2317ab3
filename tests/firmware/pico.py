"""A Pico in the tests: what the installer put on its flash boots on the unix port, with stand-ins for the hardware."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
import tty
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Final

from massager_ctl.flash.boards import Sources, find_board
from massager_ctl.flash.build import build
from massager_ctl.flash.install import install
from massager_ctl.flash.manifest import Build
from massager_ctl.flash.repl import open_repl
from tests.firmware.unix_board import ON_UNIX, micropython, unix_board

BLOCKS: Final = 192


def unix_sources(folder: Path) -> Sources:
    """The files of the pico_w, described as what the unix port is."""
    folder.mkdir(parents=True, exist_ok=True)
    board = Path(shutil.copytree(find_board("pico_w").folder, folder / "board"))
    described: dict[str, Any] = json.loads((board / "board.json").read_text())
    described |= {"arch": "x64", "platform": "linux", "machines": ["linux"]}
    (board / "board.json").write_text(json.dumps(described))
    return find_board(str(board))


def built(folder: Path, *changes: tuple[str, str], start: Sequence[tuple[str, str]] = ()) -> Build:
    """A build for the unix port, with changes of the text of the pins, and of the board's `start.py`."""
    sources = unix_sources(folder)
    pins = folder / "pins.py"
    pins.write_text(_changed(sources.pins, changes))
    program = folder / "board" / "start.py"
    program.write_text(_changed(program, start))
    return build(sources, pins, folder / "out")[0]


def _changed(path: Path, changes: Sequence[tuple[str, str]]) -> str:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


class Pico:
    """One board that runs, with its USB as a PTY, its hands and its log."""

    def __init__(
        self, folder: Path, flash: Path, pins: str, *, stepped: bool = False, **hands: float
    ) -> None:
        """`stepped`: its time goes on only in `listen` and `wait`, so that a busy machine changes nothing."""
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._stepped = stepped
        self._pipes: list[int] = []
        self._now_us = 0
        for name in ("clock", "reached"):
            (folder / name).unlink(missing_ok=True)
            if stepped:
                os.mkfifo(folder / name)
                self._pipes.append(os.open(folder / name, os.O_RDWR))
        (folder / "pins.py").write_text(pins)
        if not (folder / "hands").exists():
            os.mkfifo(folder / "hands")
        self._hands = os.open(folder / "hands", os.O_RDWR)
        for word, value in hands.items():
            self.hand(word, value)
        self.usb, inner = pty.openpty()
        tty.setraw(inner)
        errors = (folder / "errors").open("ab")
        self.process = subprocess.Popen(
            micropython("-i", str(ON_UNIX / "boot_board.py"), str(folder), str(flash), str(BLOCKS)),
            stdin=inner,
            stdout=inner,
            stderr=errors,
            start_new_session=True,
        )
        errors.close()
        os.close(inner)

    def hand(self, word: str, value: float) -> None:
        """Let the hands do something: see world.py."""
        os.write(self._hands, f"{word} {value}\n".encode())

    def log(self) -> list[list[Any]]:
        """Everything that was noted: milliseconds, a word, values."""
        path = self.folder / "log"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("]")]

    def noted(self, word: str) -> list[list[Any]]:
        """The notes of one word."""
        return [line for line in self.log() if line[1] == word]

    def now(self) -> float:
        """Seconds of the board's time, or of true time where it is not stepped."""
        return self._now_us / 1e6 if self._stepped else time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        if not self._stepped:
            time.sleep(seconds)
            return
        clock, reached = self._pipes
        self._now_us += max(1000, round(seconds * 1e6))
        os.write(clock, b"%d\n" % self._now_us)
        received = b""
        while not received.endswith(b"%d\n" % self._now_us):
            ready, _, _ = select.select([reached], [], [], 30)
            if not ready:
                raise AssertionError(
                    (self.folder / "errors").read_text() or "the board stands still"
                )
            received += os.read(reached, 64)

    def wait_for(self, word: str, within: float = 10.0) -> list[Any]:
        """The first note of a word; fails with the whole log."""
        until = self.now() + within
        while self.now() < until:
            found = self.noted(word)
            if found:
                return found[0]
            self.wait(0.02)
        errors = (self.folder / "errors").read_text()
        raise AssertionError(f"no '{word}' within {within} s: {self.log()} {errors}")

    def read(self, within: float = 0.05) -> bytes:
        """What USB brought."""
        if self._stepped:
            self.wait(min(within, 0.02))
        ready, _, _ = select.select([self.usb], [], [], 0 if self._stepped else within)
        with contextlib.suppress(OSError):
            return os.read(self.usb, 4096) if ready else b""
        return b""

    def write(self, data: bytes) -> None:
        """Send on USB."""
        os.write(self.usb, data)

    def unplug(self) -> None:
        """Its power is gone."""
        if self.usb < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for descriptor in (self.usb, self._hands, *self._pipes):
            os.close(descriptor)
        self.usb = -1


def flashed(flash: Path, made: Build) -> None:
    """Put a build on a flash, over the REPL as ever."""
    with unix_board(flash, BLOCKS) as board, open_repl(board.port) as repl:
        install(repl, made, lambda _: None)


@contextlib.contextmanager
def wired(
    folder: Path,
    *changes: tuple[str, str],
    start: Sequence[tuple[str, str]] = (),
    stepped: bool = True,
    **hands: float,
) -> Generator[Pico]:
    """A board of its own, with changes as in `built`; unplugged at the end."""
    made = built(folder / "made", *changes, start=start)
    flashed(folder / "flash", made)
    pins = (folder / "made" / "pins.py").read_text()
    board = Pico(folder / "run", folder / "flash", pins, stepped=stepped, **hands)
    try:
        yield board
    finally:
        board.unplug()
