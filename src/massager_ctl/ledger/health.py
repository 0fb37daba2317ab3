"""Reads and writes answers, reports of pain and the medical lock, inside the caller's transaction (R21, R22)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from massager_ctl.ledger import rows
from massager_ctl.ledger import sessions as books
from massager_ctl.ledger.base import Lock, PainReport
from massager_ctl.ledger.rows import AnswerRow, PainRow
from massager_ctl.model.requests import Origin, PainKind
from massager_ctl.safety import pain
from massager_ctl.safety.dose_time import ClockReading
from massager_ctl.safety.screening import Answer, Answered

ANSWERS_S: Final = 900.0
"""Seconds for which a later report is about the same pain as an unclassified one; a design choice."""

UNREADABLE: Final = "unreadable"
"""Stands for every report that damage has taken: it locks, and lowers as a mild one does (R9, R22)."""


def answers(connection: sqlite3.Connection) -> Mapping[str, Answered]:
    """The newest answer to each question."""
    return {
        row.question: Answered(
            row.question,
            Answer(row.answer),
            ClockReading(row.boot, row.boottime, row.wall),
            row.doctor_agreed,
        )
        for row in rows.select(connection, AnswerRow)
    }


def answer(connection: sqlite3.Connection, given: Iterable[Answered]) -> None:
    """Store these answers; each replaces the one before it."""
    for one in given:
        rows.put(
            connection,
            AnswerRow(
                one.question,
                one.answer.value,
                one.doctor_agreed,
                one.at.boot,
                one.at.boottime,
                one.at.wall,
            ),
        )


def report_pain(
    connection: sqlite3.Connection, now: ClockReading, kind: PainKind, origin: Origin
) -> None:
    """Store the report; it locks if its kind does, until a person at this machine classifies it (R18, R22)."""
    at_s = books.mark(connection, now)
    if origin is Origin.LOCAL and kind is not PainKind.UNCLASSIFIED:
        for row in rows.select(
            connection,
            PainRow,
            "locks AND kind = ? AND at_s >= ?",
            PainKind.UNCLASSIFIED.value,
            at_s - ANSWERS_S,
        ):
            rows.put(connection, replace(row, locks=False))
    _add(connection, now, at_s, kind.value, locks=pain.classify(kind).locks)


def lock_unreadable(connection: sqlite3.Connection, now: ClockReading, at_s: float) -> None:
    """Lock because reports of pain were lost: an unreadable lock is locked (R9)."""
    _add(connection, now, at_s, UNREADABLE, locks=True)


def _add(
    connection: sqlite3.Connection, now: ClockReading, at_s: float, kind: str, *, locks: bool
) -> None:
    row = PainRow(rows.next_id(connection, PainRow), kind, at_s, now.wall, locks)
    rows.put(connection, row)


def lock(connection: sqlite3.Connection) -> Lock | None:
    """The lock in force; a warning sign outweighs the rest, and what cannot be read an unclassified report."""
    locking = rows.select(connection, PainRow, "locks")
    if not locking:
        return None
    weights = (PainKind.UNCLASSIFIED, UNREADABLE, PainKind.WARNING_SIGN)
    row = max(locking, key=lambda row: (weights.index(row.kind), row.id))
    if row.kind == UNREADABLE:
        return Lock(PainKind.WARNING_SIGN, row.wall, readable=False)
    return Lock(PainKind(row.kind), row.wall)


def unlock(connection: sqlite3.Connection) -> None:
    """Clear the lock; the reports stay."""
    for row in rows.select(connection, PainRow, "locks"):
        rows.put(connection, replace(row, locks=False))


def pain_reports(connection: sqlite3.Connection) -> tuple[PainReport, ...]:
    """Every report, the newest first."""
    return tuple(
        PainReport(None if row.kind == UNREADABLE else PainKind(row.kind), row.wall)
        for row in reversed(rows.select(connection, PainRow))
    )


def mild_ages_s(connection: sqlite3.Connection, now: ClockReading) -> tuple[float, ...]:
    """Dose-time seconds since each mild report of the last days, and since each that cannot be read."""
    at_s = books.mark(connection, now)
    found = rows.select(
        connection,
        PainRow,
        "kind IN (?, ?) AND at_s > ?",
        PainKind.MILD.value,
        UNREADABLE,
        at_s - books.LOOK_BACK_S,
    )
    return tuple(at_s - row.at_s for row in found)
