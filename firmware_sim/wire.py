"""Frames as values, for peers, tests and mutants; the firmware itself reads and writes them in place.

Integers are kept as they travel (tenths of a percent, tenths of a degree, milliseconds), so that what
a message holds is what was on the wire.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from struct import Struct
from typing import Final

import msgspec

from firmware_sim.names import names
from massager_fw import frames
from massager_fw.codec import FRAME_CRC, cobs_encode, crc16

VERSION: Final = frames.VERSION
ZONE_COUNT: Final = frames.ZONES
NO_SENSOR: Final = frames.NO_SENSOR
MAINS: Final = frames.MAINS


class FrameType(IntEnum):
    """The second byte of each frame body."""

    GET_INFO = 0x01
    ARM = 0x02
    SETPOINT = 0x03
    STOP = 0x04
    RESET = 0x05
    INFO = 0x81
    TELEMETRY = 0x82
    ACK = 0x83


class Bad(StrEnum):
    """Why a frame is bad; all are counted and have no effect (R16)."""

    OVERLONG = "overlong"
    COBS = "cobs"
    SHORT = "short"
    CRC = "crc"
    VERSION = "version"
    TYPE = "type"
    LENGTH = "length"


_BAD: Final = {value: Bad(name) for value, name in names(frames.Bad).items()}


class BadFrame(ValueError):
    """A frame body that means nothing; `reason` says why."""

    def __init__(self, reason: Bad) -> None:
        super().__init__(reason.value)
        self.reason = reason


class GetInfo(msgspec.Struct, frozen=True):
    token: int


class Arm(msgspec.Struct, frozen=True):
    token: int
    owner: int
    epoch: int
    challenge: int
    seq: int
    cap: int
    limit_s: int


class Setpoint(msgspec.Struct, frozen=True):
    epoch: int
    owner: int
    seq: int
    echo: int
    mode: int
    heat: int
    period: int
    level: tuple[int, ...]
    pattern: tuple[int, ...]


class Stop(msgspec.Struct, frozen=True):
    token: int
    reason: int


class Reset(msgspec.Struct, frozen=True):
    token: int
    challenge: int
    latch: int


class Info(msgspec.Struct, frozen=True):
    token: int
    flags: int
    serial: str
    firmware: tuple[int, int, int]
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


class Telemetry(msgspec.Struct, frozen=True):
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


class Ack(msgspec.Struct, frozen=True):
    token: int
    of: int
    result: int
    epoch: int
    detail: int


Message = GetInfo | Arm | Setpoint | Stop | Reset | Info | Telemetry | Ack

_GET_INFO: Final = Struct("<I")
_ARM: Final = Struct("<5I2H")
_SETPOINT: Final = Struct("<4IBHH6H6B")
_STOP: Final = Struct("<IB")
_RESET: Final = Struct("<IIH")
_INFO: Final = Struct("<IB12s3BII5B6BBBHHHHB")
_ACK: Final = Struct("<IBBIH")

TELEMETRY_BODY: Final = Struct("<BB7IBBHBB6H6H6HHhhHH")
"""Version, type and payload of TELEMETRY in one go: the one frame that is packed ten times a second."""


def crc(data: bytes) -> int:
    """CRC-16/IBM-3740 over `data`; 0x29B1 for b"123456789"."""
    return crc16(data, len(data), FRAME_CRC)


def seal(head: bytes) -> bytes:
    """`head` (version, type, payload) with its CRC behind it: a whole frame body."""
    return head + crc(head).to_bytes(2, "little")


def frame(body: bytes) -> bytes:
    """`body` as it travels on a byte stream: COBS and the closing zero."""
    out = bytearray(len(body) + 2)
    return bytes(out[: cobs_encode(body, len(body), out)])


def pack(message: Message) -> bytes:
    """The frame body of `message`; `struct.error` if a number does not fit its field."""
    match message:
        case GetInfo():
            kind, payload = FrameType.GET_INFO, _GET_INFO.pack(message.token)
        case Arm(token, owner, epoch, challenge, seq, cap, limit_s):
            kind = FrameType.ARM
            payload = _ARM.pack(token, owner, epoch, challenge, seq, cap, limit_s)
        case Setpoint(epoch, owner, seq, echo, mode, heat, period, level, pattern):
            kind = FrameType.SETPOINT
            payload = _SETPOINT.pack(epoch, owner, seq, echo, mode, heat, period, *level, *pattern)
        case Stop():
            kind, payload = FrameType.STOP, _STOP.pack(message.token, message.reason)
        case Reset():
            kind = FrameType.RESET
            payload = _RESET.pack(message.token, message.challenge, message.latch)
        case Info():
            kind, payload = FrameType.INFO, _pack_info(message)
        case Telemetry():
            return seal(_pack_telemetry(message))
        case Ack(token, of, result, epoch, detail):
            kind, payload = FrameType.ACK, _ACK.pack(token, of, result, epoch, detail)
    return seal(bytes((VERSION, kind)) + payload)


def _pack_info(m: Info) -> bytes:
    masks = (m.zones, m.vibration, m.kneading, m.motions, m.directions)
    limits = (*m.caps, m.sum_cap, m.rise, m.deadman, m.session, m.with_pauses, m.allowance)
    serial = m.serial.encode("ascii")
    return _INFO.pack(
        m.token, m.flags, serial, *m.firmware, m.boot, m.lifetime, *masks, *limits, m.sensing
    )


def _pack_telemetry(m: Telemetry) -> bytes:
    session = (m.uptime, m.running, m.owner, m.seq, m.state, m.cause, m.latch, m.flags)
    outputs = (*m.level, *m.vibration, *m.kneading)
    senses = (m.battery, *outputs, m.current, m.pad, m.motor, m.allowance, m.rejected)
    return TELEMETRY_BODY.pack(
        VERSION, FrameType.TELEMETRY, m.counter, m.epoch, m.challenge, *session, *senses
    )


def parse(body: bytes) -> Message:
    """The message in one frame body; raises `BadFrame` and nothing else, whatever the bytes.

    A STOP whose CRC is right counts whatever its version, and whatever follows its first five payload
    bytes, so that a later host can still stop this device (docs/protocol.md 3).
    """
    kind = frames.check(bytearray(body), len(body))
    if kind < 0:
        raise BadFrame(_BAD[kind])
    head = body[:-2]
    return _unpack(kind, head)


def _unpack(kind: int, head: bytes) -> Message:
    match kind:
        case FrameType.STOP:
            return Stop(*_STOP.unpack_from(head, 2))
        case FrameType.SETPOINT:
            f = _SETPOINT.unpack_from(head, 2)
            return Setpoint(*f[:7], level=f[7:13], pattern=f[13:19])
        case FrameType.ARM:
            return Arm(*_ARM.unpack_from(head, 2))
        case FrameType.GET_INFO:
            return GetInfo(*_GET_INFO.unpack_from(head, 2))
        case FrameType.RESET:
            return Reset(*_RESET.unpack_from(head, 2))
        case FrameType.TELEMETRY:
            f = TELEMETRY_BODY.unpack(head)[2:]
            return Telemetry(
                *f[:12],
                level=f[12:18],
                vibration=f[18:24],
                kneading=f[24:30],
                current=f[30],
                pad=f[31],
                motor=f[32],
                allowance=f[33],
                rejected=f[34],
            )
        case FrameType.ACK:
            return Ack(*_ACK.unpack_from(head, 2))
        case _:
            return _unpack_info(head)


def _unpack_info(head: bytes) -> Info:
    f = _INFO.unpack_from(head, 2)
    serial = f[2].rstrip(b"\x00").decode("ascii", "replace")
    return Info(
        f[0],
        f[1],
        serial,
        f[3:6],
        *f[6:13],
        caps=f[13:19],
        sum_cap=f[19],
        rise=f[20],
        deadman=f[21],
        session=f[22],
        with_pauses=f[23],
        allowance=f[24],
        sensing=f[25],
    )


class Splitter:
    """The firmware's `Receiver`, with values: cuts a byte stream into frame bodies at its zeros.

    A run that is too long, or that is not COBS, comes out as a `Bad`; an empty run is nothing at all.
    """

    __slots__ = ("_receiver",)

    def __init__(self) -> None:
        self._receiver = frames.Receiver()

    def feed(self, data: bytes) -> list[bytes | Bad]:
        """The bodies that `data` completes, in order."""
        receiver = self._receiver
        bodies: list[bytes | Bad] = []
        place = 0
        while place < len(data):
            place = receiver.read(data, place, len(data))
            if receiver.size > 0:
                bodies.append(bytes(receiver.body[: receiver.size]))
            elif receiver.size < 0:
                bodies.append(_BAD[receiver.size])
        return bodies
