"""R9 in SQL: reserve, checkpoint, settle, foreign; each runs inside one transaction of its caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from massager_ctl.safety import dose
from massager_ctl.safety.dose_time import DAY_S, Mark, Moment, advance, begin
from massager_ctl.store import owner
from massager_ctl.store.base import EntryKind, HistoryEntry, Reservation, SessionId

LOOK_BACK_S: Final = 8 * DAY_S
"""Dose seconds that the rules look back: 7 days and a margin."""


def mark(connection: sqlite3.Connection, now: Moment) -> float:
    """Move dose time on to `now` and keep it (R10). Returns it, in seconds."""
    row = connection.execute(
        "SELECT boot, boottime, at_s, high_wall, high_at_s FROM mark"
    ).fetchone()
    moved = begin(now) if row is None else advance(Mark(*row), now)
    connection.execute(
        "INSERT OR REPLACE INTO mark VALUES (1, ?, ?, ?, ?, ?)",
        (moved.boot, moved.boottime, moved.at_s, moved.high_wall, moved.high_at_s),
    )
    return moved.at_s


def bury(connection: sqlite3.Connection, boot: str) -> None:
    """Charge open sessions whose process is gone: the last checkpoint and 20 s (R9, fault 38)."""
    for session, who, delivered_s in connection.execute(
        "SELECT id, owner, delivered_s FROM session WHERE state = 'open'"
    ).fetchall():
        if not owner.alive(who, boot):
            connection.execute(
                "UPDATE session SET state = 'crashed', charged_s = ?, seen_s = seen_s + ?, end_reason = 'crashed'"
                " WHERE id = ?",
                (dose.unsettled(delivered_s), dose.CRASH_S, session),
            )


def state(connection: sqlite3.Connection, at_s: float) -> dose.DoseState:
    """What the last days leave at `at_s`, dose time."""
    rows: Iterable[tuple[float, float, str, str]] = connection.execute(
        "SELECT seen_s, charged_s, state, kind FROM session WHERE state = 'open' OR seen_s > ?",
        (at_s - LOOK_BACK_S,),
    )
    entries = [
        dose.Entry(seen_s, charged_s, state == "open", kind == EntryKind.OWN)
        for seen_s, charged_s, state, kind in rows
    ]
    ever = connection.execute(
        "SELECT count(*) FROM session WHERE kind = 'own' AND state != 'open' AND charged_s >= ?",
        (dose.SESSION_MIN_S,),
    ).fetchone()[0]
    return dose.tally(entries, at_s, ever)


def reserve(
    connection: sqlite3.Connection, now: Moment, who: str, wanted: Reservation
) -> SessionId:
    """Check the dose and charge the whole session. Raises DoseSpent."""
    at_s = mark(connection, now)
    bury(connection, now.boot)
    if wanted.enforced:
        dose.check(state(connection, at_s), wanted.planned_s)
    return _insert(
        connection,
        now,
        at_s,
        EntryKind.OWN,
        "open",
        who,
        wanted.device,
        wanted.profile,
        wanted.planned_s,
    )


def _insert(
    connection: sqlite3.Connection,
    now: Moment,
    at_s: float,
    kind: EntryKind,
    state: str,
    who: str,
    device: str,
    profile: str,
    seconds: float,
) -> SessionId:
    open_ = state == "open"
    cursor = connection.execute(
        "INSERT INTO session (kind, state, owner, device, profile, started_wall, seen_s, planned_s, delivered_s,"
        " charged_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            kind,
            state,
            who,
            device,
            profile,
            now.wall,
            at_s,
            seconds,
            0.0 if open_ else seconds,
            max(seconds, dose.unsettled(0.0)) if open_ else seconds,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def checkpoint(
    connection: sqlite3.Connection, now: Moment, session: SessionId, delivered_s: float
) -> None:
    """Note what was delivered; it never goes down, and a session that was buried alive is charged for it too."""
    at_s = mark(connection, now)
    connection.execute(
        "UPDATE session SET delivered_s = max(delivered_s, ?1),"
        " charged_s = max(charged_s, planned_s * (state = 'open'), max(delivered_s, ?1) + ?2),"
        " seen_s = max(seen_s, ?3) WHERE id = ?4 AND state != 'settled'",
        (delivered_s, dose.CRASH_S, at_s, session),
    )


def settle(
    connection: sqlite3.Connection,
    now: Moment,
    session: SessionId,
    delivered_s: float,
    end_reason: str,
) -> None:
    """Charge what was delivered, once."""
    at_s = mark(connection, now)
    connection.execute(
        "UPDATE session SET state = 'settled', delivered_s = max(delivered_s, ?1),"
        " charged_s = max(delivered_s, ?1), seen_s = max(seen_s, ?2), end_reason = ?3"
        " WHERE id = ?4 AND state != 'settled'",
        (delivered_s, at_s, end_reason, session),
    )


def foreign(connection: sqlite3.Connection, now: Moment, device: str, lifetime_s: float) -> float:
    """Charge what others delivered since this device was last seen; a device seen for the first time owes nothing.

    Nobody knows when they did, so it counts as ending now.
    """
    at_s = mark(connection, now)
    bury(connection, now.boot)
    row = connection.execute("SELECT lifetime_s FROM device WHERE serial = ?", (device,)).fetchone()
    own_s = connection.execute(
        "SELECT coalesce(sum(charged_s), 0) FROM session"
        " WHERE device = ? AND kind = 'own' AND state != 'open' AND NOT absorbed",
        (device,),
    ).fetchone()[0]
    others_s = 0.0 if row is None else dose.foreign(lifetime_s, row[0], own_s)
    if 0 < others_s < dose.LIFETIME_STEP_S:
        return 0.0  # kept for the next look, so that it cannot add up unseen
    connection.execute("INSERT OR REPLACE INTO device VALUES (?, ?)", (device, lifetime_s))
    connection.execute(
        "UPDATE session SET absorbed = 1 WHERE device = ? AND kind = 'own' AND state != 'open'",
        (device,),
    )
    if others_s > 0:
        _insert(connection, now, at_s, EntryKind.FOREIGN, "settled", "", device, "", others_s)
    return others_s


def renew(connection: sqlite3.Connection, now: Moment) -> None:
    """Begin a ledger that replaces a damaged one: the whole day counts as used."""
    at_s = mark(connection, now)
    _insert(connection, now, at_s, EntryKind.RENEWAL, "settled", "", "", "", dose.SECONDS_MAX)


def history(connection: sqlite3.Connection, limit: int | None) -> tuple[HistoryEntry, ...]:
    """The newest entries first."""
    rows: Iterable[tuple[Any, ...]] = connection.execute(
        "SELECT id, kind, device, profile, started_wall, planned_s, delivered_s, charged_s, state = 'open', end_reason"
        " FROM session ORDER BY id DESC LIMIT ?",
        (-1 if limit is None else limit,),
    )
    return tuple(
        HistoryEntry(row[0], EntryKind(row[1]), *row[2:8], open=bool(row[8]), end_reason=row[9])
        for row in rows
    )
