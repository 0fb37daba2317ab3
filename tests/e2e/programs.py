"""The two programs as a person runs them: real processes, real terminals, a home of their own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

BIN: Final = Path(sys.executable).parent
PATIENCE_S: Final = 60.0
"""Seconds after which a program that does nothing has failed; no claim about speed."""


class Workstation:
    """A folder with a home, a runtime folder and a simulator's serial port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = folder / "port"
        self.trace = folder / "trace.jsonl"
        self.env = {
            **{name: value for name, value in os.environ.items() if "MASSAGER" not in name},
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "MASSAGER_CTL_RUNTIME": str(folder / "run"),
            "MASSAGER_CTL_DATA": str(folder / "data"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        self.env.pop("NO_COLOR", None)

    @property
    def device(self) -> str:
        return f"serial:{self.port}"

    def ctl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `massager-ctl` to its end."""
        return subprocess.run(
            [BIN / "massager-ctl", *arguments],
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of Bash to its end; it fails where a part of a pipe fails."""
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Generator[subprocess.Popen[str]]:
        """`massager-ctl` in the background, with pipes; killed at the end if it is still there."""
        with subprocess.Popen(
            [BIN / "massager-ctl", *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    @contextlib.contextmanager
    def simulator(self, *arguments: str) -> Generator[subprocess.Popen[str]]:
        """`massager-sim serve` on `self.port`, ready."""
        with subprocess.Popen(
            [
                *(BIN / "massager-sim", "serve", "--pty", self.port, *arguments),
                *("--trace", self.trace, "--force"),
            ],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert "ready" in process.stdout.readline()
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(PATIENCE_S)
                if process.poll() is None:
                    process.kill()

    def status(self) -> dict[str, Any] | None:
        """What the one owner says, or None if there is none."""
        answer = json.loads(self.ctl("status", "--json").stdout)
        devices = answer["devices"]
        return devices[0] if devices else None

    def wait_until_it_moves(self) -> None:
        """Until the owner reports a level that a trace shows as well: TELEMETRY rounds up to 0.1 %, a trace down."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status = self.status()
            if status is not None and max(status["actual"].values()) >= 0.2:
                return
            time.sleep(0.1)
        raise AssertionError("nothing moved")

    def samples(self) -> list[dict[str, Any]]:
        """What the device's actuators did; read it once the simulator has ended."""
        lines = [json.loads(line) for line in self.trace.read_text().splitlines()]
        return [line for line in lines if line["type"] == "sample"]

    def moved(self) -> bool:
        return any(any(sample["out"].values()) for sample in self.samples())

    def at_zero(self) -> bool:
        return not any(self.samples()[-1]["out"].values())


@contextlib.contextmanager
def desk() -> Generator[Workstation]:
    """A desk that is cleared at the end."""
    # Short: the path of a Unix socket holds about a hundred bytes.
    folder = Path(tempfile.mkdtemp(prefix="mctl-"))
    try:
        yield Workstation(folder)
    finally:
        shutil.rmtree(folder)


class Terminal:
    """A program on a pseudo-terminal of 80 by 24, and all that it wrote."""

    def __init__(self, desk: Workstation, *arguments: str) -> None:
        ours, theirs = os.openpty()
        self.theirs = theirs
        self.resize(80, 24)
        self.before = termios.tcgetattr(theirs)
        self._ours = ours
        self.text = ""
        self.process = subprocess.Popen(
            [BIN / "massager-ctl", *arguments],
            env=desk.env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # Only so it becomes the program's own terminal, with Ctrl-C; no other thread runs here.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, pattern: str) -> str:
        """Until what was written matches; what matched."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = re.search(pattern, self.text)
            if found:
                return found[0]
            self._read(0.1)
        raise AssertionError(f"{pattern!r} is not in {self.text!r}")

    def wait(self) -> int:
        """The exit code."""
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.05)
        self._read(0.0)
        code = self.process.poll()
        assert code is not None, f"it goes on, with {self.text!r} on the screen"
        return code

    def given_back(self) -> bool:
        """Whether the terminal is as it was found, cursor and all."""
        return termios.tcgetattr(self.theirs) == self.before and self.text.rfind(
            "\x1b[?25h"
        ) >= self.text.rfind("\x1b[?25l")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self.theirs)

    def _read(self, timeout: float) -> None:
        ready, _, _ = select.select([self._ours], [], [], timeout)
        if ready:
            self.text += os.read(self._ours, 65536).decode(errors="replace")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
