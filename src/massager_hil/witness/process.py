"""The witness's process: its lines are read as they come, and it has to keep on talking."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from massager_hil import wire
from massager_hil.model import LinkGone
from massager_hil.witness.lines import LONGEST, BadLine, Clock, read
from massager_hil.witness.oracle import WitnessedOracle

FIRST_S: Final = 10.0
"""Within this the first line comes,"""
SILENT_S: Final = 2.0
"""and within this the next one."""
_SETTLE_S: Final = 0.5


class Witness:
    """One program that prints what it measures. Raises `LinkGone` if it does not."""

    def __init__(self, argv: tuple[str, ...], folder: Path, tolerance: float) -> None:
        self._argv = argv
        self._folder = folder
        self._tolerance = tolerance
        self._loop = asyncio.get_running_loop()
        self._child: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._clock = Clock()
        self._first = asyncio.Event()
        self._drives = [0.0] * 12
        self._heard_at = 0.0
        self._latest = 0.0
        self._oracle: WitnessedOracle | None = None
        self.trouble = ""
        """Why its lines cannot be used any more."""
        self.lines = 0

    @property
    def spread_s(self) -> float:
        """How much slower than its fastest line the slowest one was."""
        return self._clock.spread_s

    async def start(self) -> None:
        """Start it, and wait for its first line."""
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._argv,
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=LONGEST,
            )
        except OSError as error:
            raise LinkGone(
                f"the witness {self._argv[0]} cannot be started: {error.strerror}"
            ) from error
        self._reader = asyncio.create_task(self._read(self._child))
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                await self._first.wait()
        if not self.lines:
            self.trouble = self.trouble or f"the witness gives no line within {FIRST_S:.0f} s"
            raise LinkGone(self.trouble)

    async def stop(self) -> None:
        """End it, and what it started."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        child = self._child
        if child is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        try:
            while line := await child.stdout.readline():
                self._take(line)
            code = await child.wait()
            self.trouble = f"the witness ended with the exit code {code}"
        except BadLine as problem:
            self.trouble = f"the witness says what cannot be read: {problem}"
        except ValueError:
            self.trouble = f"the witness says a line of more than {LONGEST} bytes"
        finally:
            self._first.set()

    def _take(self, text: bytes) -> None:
        line = read(text)
        now = self._loop.time()
        at = self._clock.match(line.time, now)
        self._drives[line.actuator] = line.drive
        self._heard_at, self._latest = now, at
        self.lines += 1
        self._first.set()
        if self._oracle is not None:
            self._oracle.outputs.line(at, line.actuator, self._drives)

    # --- for the bench

    def oracle(
        self, info: wire.Info, *, kind: str, slack_s: float, late: Callable[[], float]
    ) -> WitnessedOracle:
        """An oracle that judges the outputs too, from here on."""
        made = WitnessedOracle(
            info,
            kind=kind,
            slack_s=slack_s,
            late=late,
            tolerance=self._tolerance,
            clock=self._loop.time,
        )
        made.outputs.start(self._loop.time(), self._drives)
        self._oracle = made
        return made

    async def settle(self) -> str:
        """Wait until it has said all up to now, and a moment more; why that cannot be, or nothing."""
        end = self._loop.time() + _SETTLE_S
        while not self.trouble and self._latest < end:
            silent = self._loop.time() - self._heard_at
            if silent > SILENT_S:
                self.trouble = f"the witness has been silent for {silent:.1f} s"
            await asyncio.sleep(0.02)
        self._oracle = None
        return self.trouble
