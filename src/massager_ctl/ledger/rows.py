"""The ledger's rows: each has a checksum over table, key and values, and each table a seal over all its rows (R9).

A row that was changed, moved to another table or put under another key does not match its own checksum. A row that is
missing, or that is there twice, leaves the seal unmatched. Nothing is read or written past this module.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from msgspec import Struct


class Row(Struct, frozen=True):
    """One row; its fields are the table's columns in their order, the first is the key."""

    TABLE: ClassVar[str]
    CALLED: ClassVar[str]
    """Its name for a person."""


class SessionRow(Row, frozen=True):
    """One session, or seconds that were delivered without this program. Times are dose time unless named wall."""

    TABLE = "session"
    CALLED = "session"

    id: int
    kind: str
    state: str
    owner: str
    device: str
    profile: str
    started_wall: float
    seen_s: float
    planned_s: float
    delivered_s: float
    charged_s: float
    absorbed: bool = False
    end_reason: str = ""


class DeviceRow(Row, frozen=True):
    """What a device had run in all when it was last seen, seconds."""

    TABLE = "device"
    CALLED = "device"

    serial: str
    lifetime_s: float


class AnswerRow(Row, frozen=True):
    """The newest answer to one question of the screening (R21)."""

    TABLE = "answer"
    CALLED = "answer"

    question: str
    answer: str
    doctor_agreed: bool
    boot: str
    boottime: float
    wall: float


class PainRow(Row, frozen=True):
    """A report of pain (R22)."""

    TABLE = "pain"
    CALLED = "pain report"

    id: int
    kind: str
    at_s: float
    wall: float
    locks: bool


class DoseClockRow(Row, frozen=True):
    """How far dose time has come (R10): one row."""

    TABLE = "mark"
    CALLED = "dose clock"

    id: int
    boot: str
    boottime: float
    at_s: float
    high_wall: float
    high_at_s: float
    wall: float


class SealRow(Row, frozen=True):
    """How many rows a table has, and all their checksums in one; `schema` keeps the version of the file."""

    TABLE = "seal"
    CALLED = "seal"

    name: str
    rows: int
    digest: int


SEALED: Final[tuple[type[Row], ...]] = (SessionRow, DeviceRow, AnswerRow, PainRow)
"""Tables whose rows are counted. The dose clock is one row, and each seal checks itself."""

KINDS: Final[tuple[type[Row], ...]] = (*SEALED, DoseClockRow, SealRow)

SCHEMA: Final = "schema"
"""The seal that holds the file's version in `rows`."""

NAMED: Final = 4
"""Rows that an error names; it only counts the rest."""

_PLAIN: Final[dict[Any, Callable[[Any], Any]]] = {
    bool: int,
    int: int,
    float: lambda value: float(value) + 0.0,
    str: str,
}

R = TypeVar("R", bound=Row)
Stored = tuple[Any, ...]


class RowDamaged(Exception):
    """Rows that do not match their checksum or their seal, in words."""


@lru_cache
def columns(kind: type[Row]) -> tuple[tuple[str, Any], ...]:
    """Name and type of each column but the checksum."""
    return tuple((field.name, field.type) for field in msgspec.structs.fields(kind))


def checksum(kind: type[Row], stored: Stored) -> int:
    """64 bits over the table's name and the values as SQLite keeps them; signed, as SQLite keeps it."""
    text = ascii((kind.TABLE, *stored)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def stored(row: Row) -> Stored:
    """The row's values as SQLite gives them back: no booleans, no enums, no negative zero."""
    return tuple(
        _PLAIN[kind](value)
        for (_, kind), value in zip(columns(type(row)), msgspec.structs.astuple(row), strict=True)
    )


def restored(kind: type[R], raw: Sequence[Any]) -> R | None:
    """The row, or None if `raw`, values and checksum, is not what was written."""
    *values, written = raw
    if checksum(kind, tuple(values)) != written:
        return None
    return kind(
        *(
            bool(value) if type_ is bool else value
            for (_, type_), value in zip(columns(kind), values, strict=True)
        )
    )


def called(kind: type[Row], key: object) -> str:
    """A row in words for a person: `session 12`, `answer 'pacemaker'`."""
    return kind.CALLED if kind is DoseClockRow else f"{kind.CALLED} {key!a}"


def select(
    connection: sqlite3.Connection, kind: type[R], where: str = "TRUE", *values: object
) -> list[R]:
    """The rows that fit, in the order of their keys, each checked. Raises RowDamaged."""
    found: list[R] = []
    for raw in _raw(connection, kind, where, values):
        row = restored(kind, raw)
        if row is None:
            raise RowDamaged(f"{called(kind, raw[0])} does not match its checksum")
        found.append(row)
    return found


def get(connection: sqlite3.Connection, kind: type[R], key: int | str) -> R | None:
    """The row of that key, checked. Raises RowDamaged."""
    return next(iter(select(connection, kind, f"{columns(kind)[0][0]} = ?", key)), None)


def put(connection: sqlite3.Connection, row: Row) -> None:
    """Write a row, in place of the one of its key if there is one, and move the table's seal on. Raises RowDamaged."""
    values = stored(row)
    written = checksum(type(row), values)
    if isinstance(row, SEALED):
        before = get(connection, type(row), values[0])
        seal = get(connection, SealRow, row.TABLE)
        if seal is None:
            raise RowDamaged(f"the seal of the table '{row.TABLE}' is missing")
        gone = 0 if before is None else checksum(type(row), stored(before))
        put(
            connection,
            SealRow(row.TABLE, seal.rows + (before is None), seal.digest ^ gone ^ written),
        )
    marks = ", ".join("?" * (len(values) + 1))
    connection.execute(f"INSERT OR REPLACE INTO {row.TABLE} VALUES ({marks})", (*values, written))


def next_id(connection: sqlite3.Connection, kind: type[SessionRow] | type[PainRow]) -> int:
    """The key of a new row; rows are never deleted."""
    return 1 + int(
        connection.execute(f"SELECT coalesce(max(id), 0) FROM {kind.TABLE}").fetchone()[0]
    )


def seal(connection: sqlite3.Connection, version: int) -> None:
    """Put checksums on the rows of a file that had none, and a seal on each table."""
    for kind in (*SEALED, DoseClockRow):
        key = columns(kind)[0][0]
        digest, count = 0, 0
        for raw in _raw(connection, kind, "TRUE", ()):
            written = checksum(kind, tuple(raw[:-1]))
            connection.execute(
                f"UPDATE {kind.TABLE} SET checksum = ? WHERE {key} = ?", (written, raw[0])
            )
            digest, count = digest ^ written, count + 1
        if kind in SEALED:
            put(connection, SealRow(kind.TABLE, count, digest))
    put(connection, SealRow(SCHEMA, version, 0))


def verify(connection: sqlite3.Connection, version: int) -> None:
    """Read every row of every table. Raises RowDamaged, which names those that are wrong."""
    wrong: list[str] = []
    seals: dict[str, SealRow] = {}
    for kind in reversed(KINDS):
        good: list[Row] = []
        for raw in _raw(connection, kind, "TRUE", ()):
            row = restored(kind, raw)
            if row is None:
                wrong.append(f"{called(kind, raw[0])} does not match its checksum")
            else:
                good.append(row)
                if isinstance(row, SealRow):
                    seals[row.name] = row
        if not wrong:
            wrong.extend(missing(kind, good, seals))
    if SCHEMA in seals and seals[SCHEMA].rows != version:
        wrong.append("its version was changed")
    if len(wrong) > NAMED:
        wrong[NAMED:] = [f"{len(wrong) - NAMED} more"]
    if wrong:
        raise RowDamaged("; ".join(wrong))


def missing(kind: type[Row], found: Iterable[Row], seals: dict[str, SealRow]) -> list[str]:
    """What the seal of a table says about the rows that were `found` in it; nothing if they are all there."""
    rows = list(found)
    if kind is SealRow:
        absent = {SCHEMA, *(sealed.TABLE for sealed in SEALED)} - seals.keys()
        return [f"the seal '{name}' is missing" for name in sorted(absent)]
    if kind is DoseClockRow:
        in_use = any(seals[name].rows for name in ("session", "pain") if name in seals)
        return ["the dose clock is missing"] if in_use and not rows else []
    seal = seals.get(kind.TABLE)
    if seal is None:
        return [f"the seal '{kind.TABLE}' is missing"]
    if len(rows) != seal.rows:
        return [f"{len(rows)} of {seal.rows} rows of the table '{kind.TABLE}' are there"]
    digest = 0
    for row in rows:
        digest ^= checksum(kind, stored(row))
    return [] if digest == seal.digest else [f"a row of the table '{kind.TABLE}' was exchanged"]


def _raw(
    connection: sqlite3.Connection, kind: type[Row], where: str, values: Sequence[object]
) -> list[Stored]:
    names = [name for name, _ in columns(kind)]
    return connection.execute(
        f"SELECT {', '.join(names)}, checksum FROM {kind.TABLE} WHERE {where} ORDER BY {names[0]}",
        tuple(values),
    ).fetchall()
