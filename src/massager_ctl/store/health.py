"""R21, R22 in SQL: answers, reports of pain, the medical lock; each runs inside one transaction of its caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from massager_ctl.requests import Origin, PainKind
from massager_ctl.safety import pain
from massager_ctl.safety.dose_time import Moment
from massager_ctl.safety.screening import Answer, Answered
from massager_ctl.store import books
from massager_ctl.store.base import Lock

ANSWERS_S: Final = 900.0
"""Seconds for which a later report is about the same pain as an unclassified one; a design choice."""


def answers(connection: sqlite3.Connection) -> Mapping[str, Answered]:
    """The newest answer to each question."""
    rows = connection.execute(
        "SELECT question, answer, boot, boottime, wall, doctor_agreed FROM answer"
    )
    return {
        question: Answered(question, Answer(answer), Moment(boot, boottime, wall), bool(agreed))
        for question, answer, boot, boottime, wall, agreed in rows
    }


def answer(connection: sqlite3.Connection, given: Iterable[Answered]) -> None:
    """Keep these answers; each replaces the one before it."""
    connection.executemany(
        "INSERT OR REPLACE INTO answer (question, answer, doctor_agreed, boot, boottime, wall)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                one.question,
                one.answer.value,
                one.doctor_agreed,
                one.at.boot,
                one.at.boottime,
                one.at.wall,
            )
            for one in given
        ],
    )


def report_pain(
    connection: sqlite3.Connection, now: Moment, kind: PainKind, origin: Origin
) -> None:
    """Keep the report; it locks where its kind does, until somebody here says what it was (R18, R22)."""
    at_s = books.mark(connection, now)
    if origin is Origin.LOCAL and kind is not PainKind.UNCLASSIFIED:
        connection.execute(
            "UPDATE pain SET locks = 0 WHERE kind = ? AND at_s >= ?",
            (PainKind.UNCLASSIFIED.value, at_s - ANSWERS_S),
        )
    connection.execute(
        "INSERT INTO pain (kind, at_s, wall, locks) VALUES (?, ?, ?, ?)",
        (kind.value, at_s, now.wall, pain.classify(kind).locks),
    )


def lock(connection: sqlite3.Connection) -> Lock | None:
    """The lock in force; a warning sign outweighs an unclassified report."""
    row = connection.execute(
        "SELECT kind, wall FROM pain WHERE locks ORDER BY kind = ? DESC, id DESC LIMIT 1",
        (PainKind.WARNING_SIGN.value,),
    ).fetchone()
    return None if row is None else Lock(PainKind(row[0]), row[1])


def unlock(connection: sqlite3.Connection) -> None:
    """Clear the lock; the reports stay."""
    connection.execute("UPDATE pain SET locks = 0")


def mild_ages_s(connection: sqlite3.Connection, now: Moment) -> tuple[float, ...]:
    """Dose-time seconds since each mild report of the last days."""
    at_s = books.mark(connection, now)
    rows = connection.execute(
        "SELECT at_s FROM pain WHERE kind = ? AND at_s > ?",
        (PainKind.MILD.value, at_s - books.LOOK_BACK_S),
    )
    return tuple(at_s - then for (then,) in rows)
