"""Reads the rows of a damaged ledger without SQLite: a row that matches its checksum is good, wherever it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from msgspec import Struct, field
from msgspec.structs import replace

from massager_ctl.ledger import rows
from massager_ctl.ledger.rows import (
    AnswerRow,
    DeviceRow,
    DoseClockRow,
    PainRow,
    Row,
    SealRow,
    SessionRow,
)

R = TypeVar("R", bound=Row)

_PAGE: Final = 4096
"""Bytes a page if the file's header does not say."""
_HEADER: Final = 100
_WAL_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_WIDTHS: Final = (0, 1, 2, 3, 4, 6, 8, 8)
"""Bytes of a number by its type number, in SQLite's record format; the last is a real."""


class Salvage(Struct, frozen=True):
    """What could be read, and what is lost, in words."""

    sessions: dict[int, SessionRow] = field(default_factory=dict[int, SessionRow])
    devices: dict[str, DeviceRow] = field(default_factory=dict[str, DeviceRow])
    answers: dict[str, AnswerRow] = field(default_factory=dict[str, AnswerRow])
    pains: dict[int, PainRow] = field(default_factory=dict[int, PainRow])
    clock: DoseClockRow | None = None
    lost: tuple[str, ...] = ()
    dose_is_whole: bool = False
    """Every session, every device and the dose clock was read: nothing needs to be charged for damage."""
    pain_is_whole: bool = False
    """Every report of pain was read: no lock can be lost."""


def read(path: Path) -> Salvage:
    """All rows of the file and its log that match their checksums. Raises OSError.

    If a row is there twice, as a page and its older copy, the one that charges, lowers or locks more is kept.
    """
    log = path.with_name(f"{path.name}-wal")
    found: dict[type[Row], dict[Any, Row]] = {kind: {} for kind in rows.KINDS}
    logged = log.read_bytes() if log.exists() else b""
    for page, start in (*_pages(path.read_bytes()), *_frames(logged)):
        for row in _rows(page, start):
            key = rows.stored(row)[0]
            other = found[type(row)].get(key)
            found[type(row)][key] = row if other is None else _stricter(other, row)
    seals = _of(found, SealRow)
    # A log that was not yet in the file may have ended early, and the seals with it.
    doubt = ("the log may be cut short",) if logged else ()
    dose_lost = [
        problem
        for kind in (SessionRow, DeviceRow, DoseClockRow)
        for problem in rows.missing(kind, found[kind].values(), seals)
    ]
    pain_lost = rows.missing(PainRow, found[PainRow].values(), seals)
    return Salvage(
        _of(found, SessionRow),
        _of(found, DeviceRow),
        _of(found, AnswerRow),
        _of(found, PainRow),
        _of(found, DoseClockRow).get(1),
        lost=(
            *doubt,
            *dose_lost,
            *pain_lost,
            *rows.missing(AnswerRow, found[AnswerRow].values(), seals),
        ),
        dose_is_whole=not dose_lost and not doubt,
        pain_is_whole=not pain_lost and not doubt,
    )


def _of(found: dict[type[Row], dict[Any, Row]], kind: type[R]) -> dict[Any, R]:
    return cast("dict[Any, R]", found[kind])


def _stricter(one: Row, other: Row) -> Row:
    match one, other:
        case SessionRow(), SessionRow():
            return max(one, other, key=lambda row: (row.charged_s, row.seen_s))
        case PainRow(), PainRow():
            return replace(one, locks=one.locks or other.locks)
        case DoseClockRow(), DoseClockRow():
            return min(one, other, key=lambda row: row.at_s)
        case DeviceRow(), DeviceRow():
            return min(one, other, key=lambda row: row.lifetime_s)
        case AnswerRow(), AnswerRow():
            return max(one, other, key=lambda row: row.wall)
        case _:
            return other


def _pages(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Each page, and where its own header begins."""
    size = int.from_bytes(content[16:18], "big")
    size = 65536 if size == 1 else size if size in (512, 1024, 2048, 8192, 16384, 32768) else _PAGE
    for start in range(0, len(content), size):
        yield content[start : start + size], 0 if start else _HEADER


def _frames(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Each page of a write-ahead log."""
    size = int.from_bytes(content[8:12], "big")
    if not 512 <= size <= 65536:
        size = _PAGE
    for start in range(_WAL_HEADER, len(content), _FRAME_HEADER + size):
        page = content[start + _FRAME_HEADER : start + _FRAME_HEADER + size]
        first = content[start : start + 4] == b"\0\0\0\1"
        yield page, _HEADER if first else 0


def _rows(page: bytes, start: int) -> Iterator[Row]:
    """The rows of a page, whatever its header says: the checksum decides."""
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    for number in range(min(count, len(page) // 2)):
        at = start + 8 + 2 * number
        cell = int.from_bytes(page[at : at + 2], "big")
        if 0 < cell < len(page):
            try:
                key, values = _record(page, cell)
            except (IndexError, ValueError):
                continue
            yield from _matching(key, values)


def _matching(key: int, values: list[Any]) -> Iterator[Row]:
    for kind in rows.KINDS:
        columns = rows.columns(kind)
        if len(values) != len(columns) + 1:
            continue
        raw = [
            # SQLite keeps a whole number in a column of reals as an integer.
            float(value) if type_ is float and isinstance(value, int) else value
            for (_, type_), value in zip((*columns, ("", int)), values, strict=True)
        ]
        if columns[0][1] is int:
            raw[0] = key  # the row's own number, as SQLite has it
        row = rows.restored(kind, raw)
        if row is not None:
            yield row


def _record(page: bytes, at: int) -> tuple[int, list[Any]]:
    """The key and the values of a table's cell, by the file format of SQLite. Raises IndexError, ValueError."""
    _, at = _varint(page, at)
    key, at = _varint(page, at)
    begin = at
    length, at = _varint(page, at)
    body = begin + length
    values: list[Any] = []
    while at < begin + length:
        code, at = _varint(page, at)
        value, body = _value(page, code, body)
        values.append(value)
    return key, values


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number in range(9):
        byte = page[at + number]
        if number == 8:
            value = value << 8 | byte
            return (value - (1 << 64) if value >> 63 else value), at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + number + 1
    raise ValueError  # pragma: no cover - the ninth byte has returned


def _value(page: bytes, code: int, at: int) -> tuple[Any, int]:
    """A value of the type `code`, and where the next one begins."""
    if code in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[code], at
    if 1 <= code <= 7:
        end = at + _WIDTHS[code]
    elif code >= 13 and code % 2:
        end = at + (code - 13) // 2
    else:
        raise ValueError
    raw = page[at:end]
    if end > len(page):
        raise ValueError
    if code == 7:
        return struct.unpack(">d", raw)[0], end
    if code < 7:
        return int.from_bytes(raw, "big", signed=True), end
    return raw.decode("utf-8", "surrogateescape"), end
