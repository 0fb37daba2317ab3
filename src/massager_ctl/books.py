"""The ledger's side of a session: checkpoints off the loop, settled at the end (R9)."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Callable
from typing import Final, Protocol

from massager_ctl.device import Cause, DeviceInfo
from massager_ctl.errors import MassagerError
from massager_ctl.requests import Origin, PainKind
from massager_ctl.safety.attention import Watcher
from massager_ctl.safety.dose import CHECKPOINT_OVERDUE_S, CHECKPOINT_S
from massager_ctl.safety.limits import Limits

SETTLE_S: Final = 5.0
"""Seconds to wait for the last entry; a healthy disk needs a hundredth of that."""


class Permit(Protocol):
    """A session that the ledger has on its books (R9)."""

    async def checkpoint(self, running_s: float) -> None:
        """Write down what was delivered so far, seconds of running."""
        ...

    async def settle(self, running_s: float, reason: str) -> None:
        """The session is over: what was delivered, and why it ended."""
        ...


class Admission(Protocol):
    """Who may run, how strong and how long: screening, dose, personal caps (R1, R9, R21, R22)."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should hear about this session, after `limits`."""
        ...

    @property
    def dose_left_s(self) -> float | None:
        """Seconds of running that the day leaves, after `limits`; None where no dose is counted."""
        ...

    def watcher(self, info: DeviceInfo) -> Watcher:
        """Who can be asked for a sign of life (R23)."""
        ...

    async def limits(self, info: DeviceInfo, *, cap: float | None, origin: Origin) -> Limits:
        """The caps in force now. Raises Refused, ConfigError or StoreError."""
        ...

    async def reserve(
        self,
        info: DeviceInfo,
        *,
        profile: str,
        running_s: float,
        origin: Origin,
        duration_s: float,
        heat: bool,
    ) -> Permit:
        """Put the whole session on the books, fsynced, before ARM. Raises Refused or StoreError."""
        ...

    async def report_pain(self, kind: PainKind, origin: Origin) -> str:
        """Lower or lock (R22); returns what to tell the person."""
        ...


class Books:
    """One session's entry in the ledger. Trouble is told to `on_problem`; it never stops the loop."""

    def __init__(self, permit: Permit, now: float, on_problem: Callable[[str], None]) -> None:
        self._permit = permit
        self._on_problem = on_problem
        self._written_at = now
        self._writing: Task[None] | None = None

    def keep(self, now: float, running_s: float) -> bool:
        """Write a checkpoint where one is due; False where the last one is so old that the session must fade."""
        age = now - self._written_at
        if age >= CHECKPOINT_S and (self._writing is None or self._writing.done()):
            self._writing = asyncio.ensure_future(self._write(now, running_s))
        return age <= CHECKPOINT_OVERDUE_S

    async def _write(self, now: float, running_s: float) -> None:
        try:
            await self._permit.checkpoint(running_s)
        except MassagerError as error:
            self._on_problem(error.message)
        else:
            self._written_at = now

    async def settle(self, running_s: float, cause: Cause) -> None:
        """The session is over. A ledger that does not answer holds nobody up: it charges as after a crash."""
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
            await self._permit.settle(running_s, cause)
        except MassagerError as error:
            self._on_problem(error.message)
