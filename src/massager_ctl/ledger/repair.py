"""Replaces a damaged ledger by one that keeps what can be read; what is lost counts as used, and as locked (R9)."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from msgspec import Struct

from massager_ctl.errors import StoreError
from massager_ctl.ledger import health, rows, salvage
from massager_ctl.ledger import process as owner
from massager_ctl.ledger import sessions as books
from massager_ctl.ledger.base import EntryKind
from massager_ctl.ledger.clock_reading import ReadingSource
from massager_ctl.ledger.database import behind_links, create_file, sync_folder, translated
from massager_ctl.ledger.salvage import Salvage
from massager_ctl.ledger.sqlite import FILE
from massager_ctl.safety import dose
from massager_ctl.safety.dose_time import ClockReading, DoseClock, advance

_SPOILT: Final = b"damaged ledger\0\0"
"""Written over the beginning of the damaged file: whenever this is cut short, what is left still refuses."""


class Repair(Struct, frozen=True):
    """What replacing the ledger would do, or did."""

    kept: str
    lost: tuple[str, ...]
    charges_day: bool
    locks: bool


def preview(folder: Path) -> Repair:
    """What `replace_ledger` would keep, charge and lock. Raises StoreError."""
    with translated(folder / FILE):
        return _repair(salvage.read(behind_links(folder / FILE)))


def replace_ledger(folder: Path, readings: ReadingSource) -> Path:
    """Replace the damaged ledger in `folder`. Returns where a copy of it is kept. Raises StoreError.

    Cut short at any step, it leaves the damaged file or the new one, never an empty one.
    """
    path = behind_links(folder / FILE)
    now = readings.now()
    with translated(path):
        found = salvage.read(path)
        for row in found.sessions.values():
            if row.state == "open" and owner.alive(row.owner, now.boot):
                raise StoreError(
                    "a session is running, and the damaged ledger counts it",
                    "Stop it with `massager-ctl stop`, then renew the ledger.",
                )
        aside = _copy(path, f"{now.wall:.0f}")
        create_file(path, lambda connection: _fill(connection, found, now), replace=_spoil)
    return aside


def _repair(found: Salvage) -> Repair:
    counts = (
        (len(found.sessions), "session"),
        (len(found.answers), "answer"),
        (len(found.pains), "pain report"),
    )
    kept = ", ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in counts)
    return Repair(kept, found.lost, not found.dose_is_whole, not found.pain_is_whole)


def _fill(connection: sqlite3.Connection, found: Salvage, now: ClockReading) -> None:
    clock = _clock(found, now)
    rows.put(connection, books.clock_row(clock))
    for kept in (found.sessions, found.devices, found.answers, found.pains):
        for row in kept.values():
            rows.put(connection, row)
    if not found.dose_is_whole:
        books.charge(connection, now, clock.at_s, EntryKind.RENEWAL, "", dose.SECONDS_MAX)
    if not found.pain_is_whole:
        health.lock_unreadable(connection, now, clock.at_s)


def _clock(found: Salvage, now: ClockReading) -> DoseClock:
    """Dose time goes on; if its row is lost, from the latest time in any other row."""
    if found.clock is not None:
        return advance(books.dose_clock(found.clock), now)
    reached = [row.seen_s for row in found.sessions.values()]
    reached += [row.at_s for row in found.pains.values()]
    at_s = max(reached, default=0.0)
    seen = [row.started_wall for row in found.sessions.values()]
    seen += [row.wall for row in (*found.pains.values(), *found.answers.values())]
    return DoseClock(now.boot, now.boottime, now.wall, at_s, max((now.wall, *seen)), at_s)


def _copy(path: Path, stamp: str) -> Path:
    """Keep the damaged file and its log under another name, for a look at them later."""
    number, aside = 1, path.with_name(f"{path.name}.damaged-{stamp}")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("-wal", ""):
        part = path.with_name(f"{path.name}{suffix}")
        if part.exists():
            copy = aside.with_name(f"{aside.name}{suffix}")
            shutil.copy2(part, copy)
            with copy.open("rb+") as file:
                os.fsync(file.fileno())
    sync_folder(path.parent)
    return aside


def _spoil(path: Path) -> None:
    """Make sure that the damaged file without its log is never taken for a complete one, then remove the log."""
    with path.open("rb+") as file:
        file.write(_SPOILT)
        file.flush()
        os.fsync(file.fileno())
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
