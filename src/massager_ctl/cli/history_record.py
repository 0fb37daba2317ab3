"""The person's record for `history` and `report`, and the words for it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from massager_ctl.ledger.base import HistoryEntry, Lock, PainReport
    from massager_ctl.safety.dose import DoseState


class Record(Struct, frozen=True):
    """What the ledger has about a person, the newest first."""

    dose: DoseState
    sessions: tuple[HistoryEntry, ...] = ()
    pains: tuple[PainReport, ...] = ()
    lock: Lock | None = None


def read_record(folder: Path, limit: int | None = None) -> Record:
    """The record in `folder`. A ledger that is not there yet is not made. Raises StoreError."""
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.ledger.clock_reading import ClockReader
    from massager_ctl.ledger.sqlite import FILE, open_store
    from massager_ctl.safety.dose import DoseState

    try:
        (folder / FILE).stat()
    except FileNotFoundError:
        return Record(DoseState())
    except OSError:
        pass  # the store says what is wrong

    async def work() -> Record:
        store = open_store(folder, ClockReader(SystemClock()))
        try:
            return Record(
                await store.recent(),
                await store.history(limit),
                await store.pain_reports(),
                await store.lock(),
            )
        finally:
            await store.close()

    return asyncio.run(work())


def dose_lines(state: DoseState) -> list[str]:
    """What is left of the day, and when the next session may start."""
    from massager_ctl.safety.dose import in_words, warnings

    lines = [
        f"Used in the last 24 hours: {minutes(state.used_s)} in {_sessions(state.sessions)}.",
    ]
    if state.open:
        lines.append("A session is running now.")
    elif not state.sessions_left:
        lines.append(
            f"No session is left; the oldest stops counting in {in_words(state.session_free_in_s)}."
        )
    elif state.left_s < 1:
        lines.append(
            f"No time is left; the oldest stops counting in {in_words(state.time_free_in_s)}."
        )
    else:
        lines.append(f"Left: {minutes(state.left_s)}, in {_sessions(state.sessions_left)}.")
        if state.rest_s > 0:
            lines.append(f"Your neck rests for another {in_words(state.rest_s)}.")
    return [*lines, *(f"Note: {warning}." for warning in warnings(state))]


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


def minutes(seconds: float) -> str:
    """A duration in minutes, with one decimal."""
    return f"{seconds / 60:.1f} min"


def when(entry: HistoryEntry) -> str:
    """The start in local time."""
    return local_minute(entry.started_at)


def what(entry: HistoryEntry) -> str:
    """The profile, or who else it was."""
    from massager_ctl.ledger.base import EntryKind

    match entry.kind:
        case EntryKind.OWN:
            return entry.profile
        case EntryKind.FOREIGN:
            return "(another program)"
        case EntryKind.RENEWAL:
            return "(ledger renewed)"


def pain_words(report: PainReport) -> str:
    """What was reported, for a person."""
    from massager_ctl.model.requests import PainKind

    match report.kind:
        case PainKind.MILD:
            return "mild: soreness, too strong, or irritated skin"
        case PainKind.WARNING_SIGN:
            return "a warning sign, such as sharp pain, numbness or dizziness"
        case PainKind.UNCLASSIFIED:
            return "pain, not described further"
        case None:
            return "reports that were lost with a damaged ledger"


def local_minute(at: float) -> str:
    """Unix seconds as local time, to the minute."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def iso(at: float) -> str:
    """Unix seconds as local time with its offset, to the second (ISO 8601)."""
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
