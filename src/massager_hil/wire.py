"""The frames of docs/protocol.md, packed and parsed by this suite's own reading of sections 2 to 4."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from typing import Any, ClassVar, Final

import msgspec

VERSION: Final = 2
MOST_BODY: Final = 84
MOST_RUN: Final = 85
"""Of an encoded frame, without its zero."""
_OVERHEAD: Final = 4


class BadFrame(Exception):
    """Bytes that are not a frame; the message says in which way."""


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740: polynomial 1021, start FFFF, no reflection, no final XOR (section 3)."""
    return crc_hqx(data, 0xFFFF)


def seal(head: bytes) -> bytes:
    """A body of everything before its CRC."""
    return head + crc16(head).to_bytes(2, "little")


def stuff(body: bytes) -> bytes:
    """COBS, without the zero at the end (section 2)."""
    out = bytearray()
    pieces = body.split(b"\x00")
    for number, piece in enumerate(pieces):
        rest = piece
        while len(rest) >= 254:
            out += b"\xff" + rest[:254]
            rest = rest[254:]
            if not rest and number == len(pieces) - 1:
                return bytes(out)
        out.append(len(rest) + 1)
        out += rest
    return bytes(out)


def unstuff(run: bytes) -> bytes:
    """What `stuff` was given. Raises `BadFrame` if the run is not COBS."""
    out = bytearray(run)
    joints = [0]
    """Codes that stand for no zero: the first one, and each after a full group."""
    at = 0
    end = 0 if 0 in run else len(run)
    while at < end:
        code = run[at]
        out[at] = 0
        at += code
        if code == 0xFF:
            joints.append(at)
    if at != len(run):
        raise BadFrame("no COBS")
    for joint in reversed(joints):
        del out[joint : joint + 1]
    return bytes(out)


def frame(body: bytes) -> bytes:
    """A body as it travels on a stream."""
    return stuff(body) + b"\x00"


class Splitter:
    """Cuts a stream at its zeros; empty runs are nothing."""

    def __init__(self) -> None:
        self._run = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Each whole run in `data`, with what was kept of it before."""
        self._run += data
        if 0 not in data:
            return []
        *whole, self._run = self._run.split(b"\x00")
        return [bytes(run) for run in whole if run]


class _Frame(msgspec.Struct, frozen=True):
    """A frame: `TYPE`, and `LAYOUT` with a code of `struct` for each field, or (code, count) for a row of them."""

    TYPE: ClassVar[int]
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]]

    def payload(self) -> bytes:
        """The fields, little-endian, without gaps."""
        flat: list[Any] = []
        for value in msgspec.structs.astuple(self):
            if isinstance(value, tuple):
                flat += value
            else:
                flat.append(value.encode("ascii") if isinstance(value, str) else value)
        return _CODES[self.TYPE].pack(*flat)


class GetInfo(_Frame, frozen=True):
    """GET_INFO."""

    token: int
    TYPE: ClassVar[int] = 0x01
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = ("I",)


class Arm(_Frame, frozen=True):
    """ARM; `cap` is tenths of a percent, `limit_s` true seconds."""

    token: int
    owner: int
    epoch: int
    challenge: int
    seq: int
    cap: int
    limit_s: int
    TYPE: ClassVar[int] = 0x02
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = ("I", "I", "I", "I", "I", "H", "H")


class Setpoint(_Frame, frozen=True):
    """SETPOINT; `heat` is tenths of a degree, `period` milliseconds, `level` tenths of a percent."""

    epoch: int
    owner: int
    seq: int
    echo: int
    mode: int
    heat: int
    period: int
    level: tuple[int, ...]
    pattern: tuple[int, ...]
    TYPE: ClassVar[int] = 0x03
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = (
        *("I", "I", "I", "I", "B", "H", "H"),
        ("H", 6),
        ("B", 6),
    )


class Stop(_Frame, frozen=True):
    """STOP."""

    token: int
    reason: int
    TYPE: ClassVar[int] = 0x04
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = ("I", "B")


class Reset(_Frame, frozen=True):
    """RESET."""

    token: int
    challenge: int
    latch: int
    TYPE: ClassVar[int] = 0x05
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = ("I", "I", "H")


class Info(_Frame, frozen=True):
    """INFO; caps and sum are percent, `rise` tenths of a point per second, `deadman` milliseconds."""

    token: int
    flags: int
    serial: str
    firmware: tuple[int, ...]
    boot: int
    lifetime: int
    zones: int
    vibration: int
    kneading: int
    motions: int
    directions: int
    caps: tuple[int, ...]
    sum_cap: int
    rise: int
    deadman: int
    session: int
    with_pauses: int
    allowance: int
    sensing: int
    TYPE: ClassVar[int] = 0x81
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = (
        *("I", "B", "12s", ("B", 3), "I", "I", "B", "B", "B", "B", "B"),
        ("B", 6),
        *("B", "B", "H", "H", "H", "H", "B"),
    )


class Telemetry(_Frame, frozen=True):
    """TELEMETRY; `uptime` and `running` are milliseconds, `current` milliamperes, `allowance` seconds."""

    counter: int
    epoch: int
    challenge: int
    uptime: int
    running: int
    owner: int
    seq: int
    state: int
    cause: int
    latch: int
    flags: int
    battery: int
    level: tuple[int, ...]
    vibration: tuple[int, ...]
    kneading: tuple[int, ...]
    current: int
    pad: int
    motor: int
    allowance: int
    rejected: int
    TYPE: ClassVar[int] = 0x82
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = (
        *("I", "I", "I", "I", "I", "I", "I", "B", "B", "H", "B", "B"),
        ("H", 6),
        ("H", 6),
        ("H", 6),
        *("H", "h", "h", "H", "H"),
    )


class Ack(_Frame, frozen=True):
    """ACK; `epoch` and `detail` (the latch counter) are those after it took effect."""

    token: int
    of: int
    result: int
    epoch: int
    detail: int
    TYPE: ClassVar[int] = 0x83
    LAYOUT: ClassVar[tuple[str | tuple[str, int], ...]] = ("I", "B", "B", "I", "H")


Message = GetInfo | Arm | Setpoint | Stop | Reset | Info | Telemetry | Ack
FROM_HOST: Final = (GetInfo, Arm, Setpoint, Stop, Reset)
FROM_DEVICE: Final = (Info, Telemetry, Ack)
_KINDS: Final[dict[int, type[Message]]] = {kind.TYPE: kind for kind in (*FROM_HOST, *FROM_DEVICE)}


def _code(kind: type[Message]) -> str:
    return "<" + "".join(f"{c[1]}{c[0]}" if isinstance(c, tuple) else c for c in kind.LAYOUT)


def _rows(kind: type[Message]) -> list[tuple[int, int]]:
    """Where the values of each row begin and end among all values; the last row first."""
    rows: list[tuple[int, int]] = []
    at = 0
    for code in kind.LAYOUT:
        count = code[1] if isinstance(code, tuple) else 1
        if isinstance(code, tuple):
            rows.append((at, at + count))
        at += count
    return rows[::-1]


_CODES: Final = {kind.TYPE: struct.Struct(_code(kind)) for kind in _KINDS.values()}
_ROWS: Final = {kind.TYPE: _rows(kind) for kind in _KINDS.values()}
SIZES: Final = {kind: code.size for kind, code in _CODES.items()}
"""Bytes of payload by type."""


def pack(message: Message) -> bytes:
    """The body of a frame."""
    return seal(bytes((VERSION, message.TYPE)) + message.payload())


def parse(body: bytes) -> Message:
    """What a body says. Raises `BadFrame`."""
    if not _OVERHEAD <= len(body) <= MOST_BODY:
        raise BadFrame("too short or too long")
    if crc16(body[:-2]) != int.from_bytes(body[-2:], "little"):
        raise BadFrame("wrong CRC")
    if body[0] != VERSION:
        raise BadFrame("another version")
    kind = _KINDS.get(body[1])
    if kind is None:
        raise BadFrame("unknown type")
    if len(body) != SIZES[kind.TYPE] + _OVERHEAD:
        raise BadFrame("wrong length")
    fields: list[Any] = list(_CODES[kind.TYPE].unpack(body[2:-2]))
    for start, end in _ROWS[kind.TYPE]:
        fields[start:end] = [tuple(fields[start:end])]
    if kind is Info:
        fields = [_text(field) if isinstance(field, bytes) else field for field in fields]
    return kind(*fields)


def _text(value: bytes) -> str:
    # A report shows it: a byte that is not a printable letter must not steer what reads the report.
    text = value.rstrip(b"\x00").decode("ascii", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
