"""One session's entry in the ledger: checkpoints off the loop, settled at the end (R9)."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Callable
from typing import Final

from massager_ctl.errors import MassagerError
from massager_ctl.ledger.base import Ledger, SessionId
from massager_ctl.model.device import Cause
from massager_ctl.safety.dose import CHECKPOINT_OVERDUE_S, CHECKPOINT_S

SETTLE_S: Final = 5.0
"""Seconds to wait for the final write; a healthy disk needs a hundredth of that."""


class LedgerEntry:
    """A session that is reserved in the ledger. Problems go to `on_problem`; they never stop the loop."""

    __slots__ = ("_ledger", "_on_problem", "_writing", "_written_at", "session")

    def __init__(self, ledger: Ledger, session: SessionId) -> None:
        self._ledger = ledger
        self.session = session
        self._on_problem: Callable[[str], None] = _ignored
        self._written_at: float
        self._writing: Task[None] | None = None

    def begin(self, now: float, on_problem: Callable[[str], None]) -> None:
        """The session is about to be armed; checkpoints are due from `now` on, monotonic seconds."""
        self._written_at = now
        self._on_problem = on_problem

    def keep(self, now: float, running_s: float) -> bool:
        """Write a checkpoint if one is due; False if the last one is so old that the session must fade."""
        age = now - self._written_at
        if age >= CHECKPOINT_S and (self._writing is None or self._writing.done()):
            self._writing = asyncio.ensure_future(self._write(now, running_s))
        return age <= CHECKPOINT_OVERDUE_S

    async def _write(self, now: float, running_s: float) -> None:
        try:
            await self._ledger.checkpoint(self.session, running_s)
        except MassagerError as error:
            self._on_problem(error.message)
        else:
            self._written_at = now

    async def settle(self, running_s: float, cause: Cause) -> None:
        """Settle the session. A ledger that does not answer delays no ending: it charges as after a crash."""
        settling = asyncio.ensure_future(self._settle(running_s, cause))
        done, _ = await asyncio.wait({settling}, timeout=SETTLE_S)
        if not done:
            self._on_problem(
                "the ledger did not answer; this session is charged as after a crash (R9)"
            )

    async def _settle(self, running_s: float, cause: Cause) -> None:
        if self._writing is not None:
            await asyncio.wait({self._writing})
        try:
            await self._ledger.settle(self.session, running_s, cause)
        except MassagerError as error:
            self._on_problem(error.message)


def _ignored(text: str) -> None:
    """Before ARM the start itself reports what went wrong."""
