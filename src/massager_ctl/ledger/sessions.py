"""Reserves, checkpoints, settles and charges others' use, inside the caller's transaction (R9)."""

from __future__ import annotations

import sqlite3
from typing import Final

from msgspec.structs import replace

from massager_ctl.ledger import process as owner
from massager_ctl.ledger import rows
from massager_ctl.ledger.base import EntryKind, HistoryEntry, Reservation
from massager_ctl.ledger.rows import DeviceRow, DoseClockRow, SessionRow
from massager_ctl.safety import dose
from massager_ctl.safety.dose_time import DAY_S, ClockReading, DoseClock, advance, begin

LOOK_BACK_S: Final = 8 * DAY_S
"""Dose seconds that the rules look back: 7 days and a margin."""


def mark(connection: sqlite3.Connection, now: ClockReading) -> float:
    """Advance dose time to `now` and store it (R10). Returns it, in seconds."""
    row = rows.get(connection, DoseClockRow, 1)
    moved = begin(now) if row is None else advance(dose_clock(row), now)
    rows.put(connection, clock_row(moved))
    return moved.at_s


def dose_clock(row: DoseClockRow) -> DoseClock:
    """The row as the rules see it."""
    return DoseClock(
        row.boot, row.boottime, row.wall, row.at_s, row.high_wall, high_at_s=row.high_at_s
    )


def clock_row(clock: DoseClock) -> DoseClockRow:
    """The clock as the table keeps it."""
    return DoseClockRow(
        1,
        clock.boot,
        clock.boottime,
        clock.at_s,
        clock.high_wall,
        clock.high_at_s,
        clock.wall,
    )


def close_crashed(connection: sqlite3.Connection, boot: str) -> None:
    """Charge open sessions whose process is gone: the last checkpoint and 20 s (R9, fault 38)."""
    for row in rows.select(connection, SessionRow, "state = 'open'"):
        if not owner.alive(row.owner, boot):
            rows.put(connection, crashed(row))


def crashed(row: SessionRow) -> SessionRow:
    """An open session whose process is gone."""
    return replace(
        row,
        state="crashed",
        charged_s=dose.unsettled(row.delivered_s),
        seen_s=row.seen_s + dose.CRASH_S,
        end_reason="crashed",
    )


def state(connection: sqlite3.Connection, at_s: float) -> dose.DoseState:
    """What the last days leave at `at_s`, dose time."""
    recent = rows.select(connection, SessionRow, "state = 'open' OR seen_s > ?", at_s - LOOK_BACK_S)
    entries = [
        dose.Entry(
            row.seen_s,
            row.charged_s,
            row.state == "open",
            row.kind == EntryKind.OWN,
            row.delivered_s,
        )
        for row in recent
    ]
    ever = connection.execute(
        "SELECT count(*) FROM session WHERE kind = 'own' AND state != 'open' AND charged_s >= ?",
        (dose.SESSION_MIN_S,),
    ).fetchone()[0]
    return dose.tally(entries, at_s, ever)


def reserve(
    connection: sqlite3.Connection, now: ClockReading, who: str, wanted: Reservation
) -> SessionRow:
    """Check the dose and charge the whole session. Raises DoseSpent."""
    at_s = mark(connection, now)
    close_crashed(connection, now.boot)
    if wanted.enforced:
        dose.check(state(connection, at_s), wanted.planned_s)
    row = SessionRow(
        rows.next_id(connection, SessionRow),
        EntryKind.OWN.value,
        "open",
        who,
        wanted.device,
        wanted.profile,
        now.wall,
        at_s,
        planned_s=wanted.planned_s,
        delivered_s=0.0,
        charged_s=max(wanted.planned_s, dose.unsettled(0.0)),
    )
    rows.put(connection, row)
    return row


def kept(connection: sqlite3.Connection, reserved: SessionRow) -> SessionRow | None:
    """The row of a session that was reserved, as it is now; None in a ledger that took the place of that one."""
    by_id = rows.get(connection, SessionRow, reserved.id)
    if by_id is not None and _same(by_id, reserved):
        return by_id
    begun = rows.select(connection, SessionRow, "started_wall = ?", reserved.started_wall)
    return next((row for row in begun if _same(row, reserved)), None)


def _same(row: SessionRow, reserved: SessionRow) -> bool:
    return (row.owner, row.device, row.profile, row.started_wall, row.planned_s) == (
        reserved.owner,
        reserved.device,
        reserved.profile,
        reserved.started_wall,
        reserved.planned_s,
    )


def _carried(connection: sqlite3.Connection, reserved: SessionRow, at_s: float) -> SessionRow:
    """The session's row; written again, as reserved, if the ledger was exchanged in the session (R9)."""
    row = kept(connection, reserved)
    return row or replace(reserved, id=rows.next_id(connection, SessionRow), seen_s=at_s)


def checkpoint(
    connection: sqlite3.Connection, now: ClockReading, reserved: SessionRow, delivered_s: float
) -> None:
    """Record what was delivered; it never goes down, and a session that was closed alive is charged for it too."""
    at_s = mark(connection, now)
    row = _carried(connection, reserved, at_s)
    if row.state == "settled":
        return
    delivered_s = max(row.delivered_s, delivered_s)
    rows.put(
        connection,
        replace(
            row,
            delivered_s=delivered_s,
            charged_s=max(row.charged_s, dose.unsettled(delivered_s)),
            seen_s=max(row.seen_s, at_s),
        ),
    )


def settle(
    connection: sqlite3.Connection,
    now: ClockReading,
    reserved: SessionRow,
    delivered_s: float,
    end_reason: str,
) -> None:
    """Charge what was delivered, once."""
    at_s = mark(connection, now)
    row = _carried(connection, reserved, at_s)
    if row.state == "settled":
        return
    delivered_s = max(row.delivered_s, delivered_s)
    rows.put(
        connection,
        replace(
            row,
            state="settled",
            delivered_s=delivered_s,
            charged_s=delivered_s,
            seen_s=max(row.seen_s, at_s),
            end_reason=end_reason,
        ),
    )


def record_external_use(
    connection: sqlite3.Connection, now: ClockReading, device: str, lifetime_s: float
) -> float:
    """Charge what others delivered since this device was last seen; nothing for a device seen for the first time.

    When they did is unknown, so it counts as ending now.
    """
    at_s = mark(connection, now)
    close_crashed(connection, now.boot)
    known = rows.get(connection, DeviceRow, device)
    own = rows.select(
        connection,
        SessionRow,
        "device = ? AND kind = 'own' AND state != 'open' AND NOT absorbed",
        device,
    )
    own_s = sum(row.charged_s for row in own)
    others_s = 0.0 if known is None else dose.foreign(lifetime_s, known.lifetime_s, own_s)
    if 0 < others_s < dose.LIFETIME_STEP_S:
        return 0.0  # kept for the next look, so that it cannot add up unseen
    rows.put(connection, DeviceRow(device, lifetime_s))
    for row in own:
        rows.put(connection, replace(row, absorbed=True))
    if others_s > 0:
        charge(connection, now, at_s, EntryKind.FOREIGN, device, others_s)
    return others_s


def charge(
    connection: sqlite3.Connection,
    now: ClockReading,
    at_s: float,
    kind: EntryKind,
    device: str,
    seconds: float,
) -> None:
    """Seconds that this program did not deliver, or cannot account for."""
    rows.put(
        connection,
        SessionRow(
            rows.next_id(connection, SessionRow),
            kind.value,
            "settled",
            "",
            device,
            "",
            now.wall,
            at_s,
            planned_s=seconds,
            delivered_s=seconds,
            charged_s=seconds,
        ),
    )


def history(connection: sqlite3.Connection, limit: int | None) -> tuple[HistoryEntry, ...]:
    """The newest entries first."""
    newest = rows.select(
        connection,
        SessionRow,
        "id > (SELECT coalesce(max(id), 0) FROM session) - ?",
        2**62 if limit is None else limit,
    )
    return tuple(
        HistoryEntry(
            row.id,
            EntryKind(row.kind),
            row.device,
            row.profile,
            row.started_wall,
            row.planned_s,
            row.delivered_s,
            row.charged_s,
            open=row.state == "open",
            end_reason=row.end_reason,
        )
        for row in reversed(newest)
    )
