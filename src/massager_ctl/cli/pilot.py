"""Between the person and a session: keys and signals become requests; a stop never waits (R6)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio import Task
from collections.abc import Callable
from typing import Any, Final

from massager_ctl.device import Cause
from massager_ctl.errors import MassagerError
from massager_ctl.requests import Change, Ease, Fade, PainKind, Pause, Resume, SignOfLife, UndoEase
from massager_ctl.status import Phase
from massager_ctl.surfaces.helm import Helm

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Each of them stops, waits for the confirmation, and only then leaves. SIGTSTP too: a program that sleeps cannot
hold the device."""


class Pilot:
    """Steers one session. `leave` is called on a signal where there is nothing to stop yet."""

    def __init__(self, leave: Callable[[], object]) -> None:
        self._leave = leave
        self._tasks: set[Task[Any]] = set()
        self.helm: Helm | None = None
        """Where a stop goes; None as long as there is none."""
        self.interrupted = 0
        """How many signals came."""
        self.hurt = False
        """Whether pain was reported, to be classified afterwards (R22)."""

    def key(self, key: str) -> None:
        """Act on one key; one that means nothing else is a sign of life (R23)."""
        helm = self.helm
        if helm is None:
            return
        match key.lower():
            case " " | "s":
                self._keep(helm.stop_now(Cause.PERSON, "you stopped it"))
            case "!":
                self.hurt = True
                self._keep(helm.stop_now(Cause.PAIN, "you reported pain"))
                self._keep(asyncio.ensure_future(helm.pain(PainKind.UNCLASSIFIED)))
            case "p":
                paused = helm.status.phase is Phase.PAUSED
                self._ask(helm, Resume() if paused else Pause())
            case "-" | "_":
                self._ask(helm, Ease())
            case "+" | "=":
                self._ask(helm, UndoEase())
            case "q":
                self._ask(helm, Fade())
            case _:
                self._ask(helm, SignOfLife())

    def interrupt(self) -> None:
        """A signal: stop and confirm. A further one sends the stop again and waits all the same."""
        self.interrupted += 1
        if self.helm is not None:
            self._keep(self.helm.stop_now(Cause.PERSON, "interrupted"))
        elif self.interrupted == 1:
            self._leave()  # once: a second one must not cut the way out short

    async def settled(self) -> None:
        """Wait for what was asked; every error shows in the session's end as well."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ask(self, helm: Helm, change: Change) -> None:
        # Before the start and after the end there is nothing to change, and a key is no error.
        with contextlib.suppress(MassagerError):
            helm.request(change)

    def _keep(self, task: Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
