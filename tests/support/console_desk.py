"""Someone who follows a page at a desk: one shell after the other, other terminals beside it, nothing left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Final

from tests.support.console_page import Block, Command

BIN: Final = Path(sys.executable).parent
CHECKOUT: Final = Path(__file__).resolve().parents[2]
PATIENCE_S: Final = 600.0
"""Seconds after which a command that does not end has failed; no claim about speed."""
BROKER: Final = '"192.168.1.10"'
"""The broker of the house, in settings that a page shows."""
PAGE_PORT: Final = "8137"
"""Where the web page listens by default."""
_SERVICE: Final = re.compile(r"^(?:massager-ctl serve|massager-sim serve)\b")
_READY: Final = re.compile(r"ready|service\.started|http://")
_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_=>])")
_PORT: Final = re.compile(r"(?<=127\.0\.0\.1:)\d+")


class Window:
    """A terminal of 100 by 30 with one program in it, and all that it wrote."""

    def __init__(self, line: str, env: dict[str, str], folder: Path) -> None:
        self.line = line
        self.raw = ""
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        try:
            self.process = subprocess.Popen(
                ["bash", "-e", "-c", line],
                env=env,
                cwd=folder,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # what Linux says once the last program has gone
            while data := os.read(self._ours, 65_536):
                self.raw += data.decode(errors="replace")

    @property
    def end(self) -> str:
        """The last of it, for a message."""
        return self.text[-2000:]

    @property
    def text(self) -> str:
        return _ESCAPE.sub("", self.raw).replace("\r", "")

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def hears(self, pattern: str, start: int = 0) -> int:
        """Until what was written after `start` matches; where the match ends."""
        wanted = re.compile(pattern)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            over = self.process.poll() is not None
            if found := wanted.search(self.text, start):
                return found.end()
            assert not over, f"`{self.line}` ended without {pattern!r}: {self.end}"
            time.sleep(0.05)
        raise AssertionError(f"`{self.line}` does not say {pattern!r}: {self.end}")

    def code(self) -> int:
        """Its exit code, once it has ended on its own."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"`{self.line}` does not end: {self.end}") from None
        self._reader.join(1.0)
        return code

    def close(self) -> None:
        """End the program, if need be by force."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(15.0)
        self._reader.join(1.0)
        os.close(self._ours)


class Desk:
    """A folder with a home; `/tmp` and the ports that a page names are its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self._ports: dict[str, str] = {}
        self._beside: list[Window] = []
        (folder / "tmp").mkdir()
        self.env = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("MASSAGER", "XDG_", "MAKE", "COV_"))
            },
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "tmp"),
            "PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "EDITOR": "true",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        for window in reversed(self._beside):
            window.close()

    def follow(self, block: Block) -> None:
        """Do what the block shows. Raises AssertionError, with its place, where something else comes of it."""
        try:
            self._follow(block)
        except AssertionError as error:
            raise AssertionError(f"{block.where}: {error}") from error

    def _follow(self, block: Block) -> None:
        if block.save is not None:
            place = self.home / block.save.removeprefix("~/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(self._here(block.text), encoding="utf-8")
        for what, said in block.before:
            self._beside_it(what, said, block)
        commands = _scripts(block.commands)
        ending = [command for command in commands if not _SERVICE.match(command.line)]
        for command in commands:
            line = self._here(command.line)
            if command not in ending:
                self.serve(line, command)
            elif command is ending[-1]:
                self._run(line, command, block)
            else:
                self._run(line, command, Block(block.where, env=block.env, folder=block.folder))

    def _run(self, line: str, command: Command, block: Block) -> None:
        folder = self.home if block.folder is None else CHECKOUT / block.folder
        window = Window(line, self.env | block.env, folder)
        try:
            place = 0
            for pattern, keys in block.steps:
                place = window.hears(pattern, place)
                window.type(keys)
            code = window.code()
            assert code == block.exit, f"`{line}` ended with {code}: {window.end}"
            self._shows(command, window.text)
        finally:
            window.close()

    def serve(self, line: str, command: Command) -> None:
        """A service runs on in its terminal. Without a `&` it takes the terminal of the one before it."""
        bare = line.removesuffix("&").rstrip()
        program = " ".join(bare.split()[:2])
        if bare == line:
            for window in self._beside:
                if window.line.startswith(program):
                    window.close()
            self._beside = [one for one in self._beside if not one.line.startswith(program)]
        if program == "massager-ctl serve" and "--port" not in bare:
            bare += f" --port {self.port(PAGE_PORT)}"
        window = self.open(bare)
        window.hears(_READY.pattern)
        self._shows(command, window.text)

    def open(self, line: str, env: dict[str, str] | None = None) -> Window:
        """Start what runs on in a terminal of its own."""
        window = Window(line, self.env | (env or {}), self.home)
        self._beside.append(window)
        return window

    def _beside_it(self, what: str, said: str, block: Block) -> None:
        if what == "beside":
            line = self._here(said)
            if _SERVICE.match(line):
                self.serve(f"{line} &", Command(line))
            else:
                self.open(line, block.env)
            return
        newest = self._beside[-1]
        if what == "tell":
            newest.type(f"{said}\n")
        else:
            newest.hears(said)

    def _shows(self, command: Command, written: str) -> None:
        """Each line that the page shows was written, in that order."""
        rows = iter(_alike(row) for row in written.splitlines())
        for shown in command.shown:
            wanted = _alike(self._here(shown))
            assert any(row == wanted for row in rows), f"`{command.line}`: {shown!r} in {written}"

    def _here(self, text: str) -> str:
        text = text.replace(BROKER, f'"127.0.0.1"\nport = {self.port("1883")}')
        text = _PORT.sub(lambda found: self.port(found[0]), text)
        return text.replace("/tmp/", f"{self.home}/tmp/")

    def port(self, number: str) -> str:
        """A free port in the place of the one that a page names."""
        if number not in self._ports:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._ports[number] = str(free.getsockname()[1])
        return self._ports[number]


def _alike(row: str) -> str:
    return re.sub(r"\d+", "N", " ".join(row.split()))


def _scripts(commands: list[Command]) -> list[Command]:
    """Lines without output of their own share a shell, up to the next service."""
    made: list[Command] = []
    for command in commands:
        alone = _SERVICE.match(command.line) or command.shown
        if made and not alone and not made[-1].shown and not _SERVICE.match(made[-1].line):
            made[-1] = Command(f"{made[-1].line}\n{command.line}")
        else:
            made.append(command)
    return made
