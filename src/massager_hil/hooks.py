"""Hooks: programs that act on a bench, as argv lists and never through a shell."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from massager_hil.signals import deaf

HOOK_S: Final = 30.0
"""Seconds that a hook may take, unless the bench's file says otherwise,"""
FLASH_S: Final = 300.0
"""and for `flash`."""
NAMES: Final = (
    *("power-cycle", "power-off", "reset", "flash"),
    *("button-down", "button-up", "charger-in", "charger-out", "fault", "mend"),
)
NAMED: Final = frozenset(("fault", "mend"))
"""Those that get the name of a fault as their last argument."""
_SAID: Final = 200


class HookFailed(Exception):
    """A hook cannot be started, fails or hangs, so that the bench did not do what a check needs."""


@dataclass(slots=True)
class Hooks:
    """The hooks of one bench; each runs in `folder`, in a session of its own, so that Ctrl-C does not reach it."""

    argv: Mapping[str, tuple[str, ...]]
    timeout_s: Mapping[str, float] = field(default_factory=dict[str, float])
    folder: Path = Path()

    def has(self, *names: str) -> bool:
        """Whether the bench has them all."""
        return all(name in self.argv for name in names)

    def limit_s(self, name: str) -> float:
        """Seconds that it may take."""
        usual = FLASH_S if name == "flash" else HOOK_S
        return self.timeout_s.get(name, usual)

    async def run(self, name: str, *words: str) -> float:
        """Run a hook to its end; the seconds that it took. Raises `HookFailed`. A hook is killed with its children."""
        began = time.monotonic()
        with tempfile.TemporaryFile() as said:
            child = self._start(name, words, said)
            try:
                code = await _waited(child, self.limit_s(name))
            except BaseException:
                _kill(child)
                raise
            self._judge(name, words, child, code, said)
        return time.monotonic() - began

    def power_off(self) -> None:
        """Run `power-off`, if there is one, whatever signals come meanwhile. Raises `HookFailed`."""
        name = "power-off"
        if not self.has(name):
            return
        with deaf(), tempfile.TemporaryFile() as said:
            child = self._start(name, (), said)
            code: int | None = None
            with suppress(subprocess.TimeoutExpired):
                code = child.wait(self.limit_s(name))
            self._judge(name, (), child, code, said)

    def _start(self, name: str, words: tuple[str, ...], said: IO[bytes]) -> subprocess.Popen[bytes]:
        argv = (*self.argv[name], *words)
        try:
            return subprocess.Popen(
                argv,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            raise HookFailed(
                f"the hook {name} cannot be started: {argv[0]}: {error.strerror}"
            ) from error

    def _judge(
        self,
        name: str,
        words: tuple[str, ...],
        child: subprocess.Popen[bytes],
        code: int | None,
        said: IO[bytes],
    ) -> None:
        called = " ".join((name, *words))
        if code is None:
            _kill(child)
            raise HookFailed(
                f"the hook {called} did not end within {self.limit_s(name):g} s, and was killed"
            )
        if code:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            last = f": {lines[-1].strip()[:_SAID]}" if lines else ""
            how = f"was ended by signal {-code}" if code < 0 else f"ended with the exit code {code}"
            raise HookFailed(f"the hook {called} {how}{last}")


async def _waited(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code; None if it does not end in time. A thread waits, so that the loop goes on."""
    ended: asyncio.Future[int] = asyncio.get_running_loop().run_in_executor(None, child.wait)
    done, _ = await asyncio.wait((ended,), timeout=seconds)
    return ended.result() if done else None


def _kill(child: subprocess.Popen[bytes]) -> None:
    """It and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
