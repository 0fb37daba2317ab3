"""The interface of the store: a ledger of what was delivered (R9) and a health record (R21, R22)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from massager_ctl.model.requests import Origin, PainKind
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.screening import Answered

SessionId = int


class Reservation(Struct, frozen=True):
    """A whole session to reserve in the ledger before ARM. `planned_s`: seconds of running, from the proved plan."""

    device: str
    profile: str
    planned_s: float
    enforced: bool = True
    """Whether R9's limits refuse it; only a simulated device's ledger leaves it at False."""


class EntryKind(StrEnum):
    """What an entry stands for."""

    OWN = "own"
    FOREIGN = "foreign"
    RENEWAL = "renewal"
    """The day that is charged when a damaged ledger is replaced and part of it could not be read."""


class HistoryEntry(Struct, frozen=True):
    """One entry of the history. `started_at`: unix seconds by this computer's clock; others are seconds of running."""

    id: SessionId
    kind: EntryKind
    device: str
    profile: str
    started_at: float
    planned_s: float
    delivered_s: float
    charged_s: float
    open: bool
    end_reason: str


class Lock(Struct, frozen=True):
    """The medical lock: what was reported, and when, unix seconds (R22).

    `readable`: False if damage took the reports, which counts as a warning sign until you screen again (R9).
    """

    kind: PainKind
    since: float
    readable: bool = True


class PainReport(Struct, frozen=True):
    """One report of pain. `kind`: None if damage took it; `at`: unix seconds by this computer's clock."""

    kind: PainKind | None
    at: float


class Ledger(Protocol):
    """The dose ledger. Every method raises StoreError if the ledger cannot be read, trusted or written."""

    async def reserve(self, reservation: Reservation) -> SessionId:
        """Charge the whole session, on disk and fsynced when this returns. Raises DoseSpent as well."""
        ...

    async def checkpoint(self, session: SessionId, delivered_s: float) -> None:
        """Record what was delivered so far, seconds of running; due every 5 s."""
        ...

    async def settle(self, session: SessionId, delivered_s: float, end_reason: str) -> None:
        """Charge what was delivered and give the rest back. A second call changes nothing."""
        ...

    async def record_external_use(self, device: str, lifetime_s: float) -> float:
        """Charge what other hosts delivered on `device`, once per connection. Returns those seconds."""
        ...

    async def recent(self) -> DoseState:
        """What the last 24 hours and 7 days leave now."""
        ...

    def left_s(self) -> float | None:
        """Seconds of running left in this day, by the last look and what passed since; None before the first.

        It neither reads nor waits. An open session counts as far as its checkpoints show.
        """
        ...

    async def history(self, limit: int | None = None) -> tuple[HistoryEntry, ...]:
        """The newest entries first."""
        ...


class HealthRecord(Protocol):
    """The answers of the screening, the reports of pain and the medical lock. Raises StoreError."""

    async def answers(self) -> Mapping[str, Answered]:
        """The newest answer to each question, by its id."""
        ...

    async def answer(self, answers: Iterable[Answered]) -> None:
        """Store these answers; each replaces the one before it."""
        ...

    async def report_pain(self, kind: PainKind, origin: Origin = Origin.LOCAL) -> None:
        """Store the report, and set the lock if its kind locks.

        A classified report from this machine answers the unclassified ones of the last 15 minutes.
        """
        ...

    async def lock(self) -> Lock | None:
        """The medical lock in force. Where several were set, a warning sign outweighs an unclassified one."""
        ...

    async def unlock(self) -> None:
        """Clear the lock, after screening."""
        ...

    async def pain_reports(self) -> tuple[PainReport, ...]:
        """Every report, the newest first."""
        ...

    async def mild_ages_s(self) -> tuple[float, ...]:
        """Dose-time seconds since each mild report of the last days."""
        ...


class Store(Ledger, HealthRecord, Protocol):
    """Ledger and health record in one, to be closed at the end."""

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        ...
