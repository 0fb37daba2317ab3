"""Frames of docs/protocol.md, version 2: CRC, COBS, the cutting of a byte stream, and the payloads of each type."""

import struct
from dataclasses import dataclass
from typing import Any

VERSION = 2
GET_INFO, ARM, SETPOINT, STOP, RESET = 1, 2, 3, 4, 5
INFO, TELEMETRY, ACK = 0x81, 0x82, 0x83
MAX_BODY = 84
LENGTHS = {GET_INFO: 4, ARM: 24, SETPOINT: 39, STOP: 5, RESET: 10, INFO: 50, TELEMETRY: 80, ACK: 12}

_ARM = struct.Struct("<IIIIIHH")
_SETPOINT = struct.Struct("<IIIIBHH6H6B")
_RESET = struct.Struct("<IIH")
_INFO = struct.Struct("<IB12s3BII5B6BBBHHHHB")
_TELEMETRY = struct.Struct("<IIIIIIIBBHBB6H6H6HHhhHH")
_ACK = struct.Struct("<IBBIH")


def _bits(crc: int) -> int:
    for _ in range(8):
        crc = (crc << 1) ^ (0x1021 if crc & 0x8000 else 0)
    return crc & 0xFFFF


_TABLE = tuple(_bits(byte << 8) for byte in range(256))


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740, a byte at a time."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _TABLE[crc >> 8 ^ byte]
    return crc


def cobs_encode(data: bytes) -> bytes:
    """`data` without any zero byte, and without the closing one."""
    out = bytearray()
    for piece in data.split(b"\0"):
        rest = piece
        while len(rest) >= 254:
            out += b"\xff" + rest[:254]
            rest = rest[254:]
        out += bytes([len(rest) + 1]) + rest
    return bytes(out)


def cobs_decode(run: bytes) -> bytes | None:
    """What `run` encodes, or None if it is not COBS."""
    out = bytearray()
    at = 0
    while at < len(run):
        code = run[at]
        piece = run[at + 1 : at + code]
        if code == 0 or len(piece) != code - 1:
            return None
        out += piece
        at += code
        if code < 255 and at < len(run):
            out.append(0)
    return bytes(out)


def body(kind: int, payload: bytes, version: int = VERSION) -> bytes:
    """A whole frame body with its CRC."""
    head = bytes([version, kind]) + payload
    return head + struct.pack("<H", crc16(head))


def frame(data: bytes) -> bytes:
    """A body as it travels on a byte stream."""
    return cobs_encode(data) + b"\0"


class Splitter:
    """Cuts a byte stream into runs; an overlong run comes out once, as None."""

    def __init__(self) -> None:
        self._run = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> list[bytes | None]:
        out: list[bytes | None] = []
        for byte in data:
            if byte == 0:
                if self._run and not self._overlong:
                    out.append(bytes(self._run))
                self._run.clear()
                self._overlong = False
            elif self._overlong:
                continue
            elif len(self._run) == MAX_BODY + 1:
                self._overlong = True
                out.append(None)
            else:
                self._run.append(byte)
        return out


@dataclass(frozen=True, slots=True)
class Arm:
    token: int
    owner: int
    epoch: int
    challenge: int
    seq: int
    cap: int
    limit_s: int

    @classmethod
    def unpack(cls, payload: bytes) -> "Arm":
        return cls(*_ARM.unpack(payload))

    def pack(self) -> bytes:
        return _ARM.pack(
            self.token, self.owner, self.epoch, self.challenge, self.seq, self.cap, self.limit_s
        )


@dataclass(frozen=True, slots=True)
class Setpoint:
    epoch: int
    owner: int
    seq: int
    echo: int
    mode: int = 0
    heat: int = 0
    period: int = 4000
    level: tuple[int, ...] = (0,) * 6
    pattern: tuple[int, ...] = (0,) * 6

    @classmethod
    def unpack(cls, payload: bytes) -> "Setpoint":
        v = _SETPOINT.unpack(payload)
        return cls(*v[:7], level=v[7:13], pattern=v[13:19])

    def pack(self) -> bytes:
        head = (self.epoch, self.owner, self.seq, self.echo, self.mode, self.heat, self.period)
        return _SETPOINT.pack(*head, *self.level, *self.pattern)

    def asked(self) -> tuple[object, ...]:
        """What this asks for, without what only makes it fresh."""
        return (self.mode, self.heat, self.period, self.level, self.pattern)


@dataclass(frozen=True, slots=True)
class Reset:
    token: int
    challenge: int
    latch: int

    @classmethod
    def unpack(cls, payload: bytes) -> "Reset":
        return cls(*_RESET.unpack(payload))

    def pack(self) -> bytes:
        return _RESET.pack(self.token, self.challenge, self.latch)


@dataclass(frozen=True, slots=True)
class Ack:
    token: int
    of: int
    result: int
    epoch: int
    detail: int

    @classmethod
    def unpack(cls, payload: bytes) -> "Ack":
        return cls(*_ACK.unpack(payload))

    def pack(self) -> bytes:
        return _ACK.pack(self.token, self.of, self.result, self.epoch, self.detail)


@dataclass(frozen=True, slots=True)
class Info:
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

    @classmethod
    def unpack(cls, payload: bytes) -> "Info":
        v = _INFO.unpack(payload)
        serial = v[2].rstrip(b"\0").decode("ascii")
        fields: tuple[Any, ...] = (v[0], v[1], serial, v[3:6], *v[6:13], v[13:19], *v[19:])
        return cls(*fields)

    def pack(self) -> bytes:
        head = (self.token, self.flags, self.serial.encode("ascii"), *self.firmware, self.boot)
        masks = (self.lifetime, self.zones, self.vibration, self.kneading, self.motions)
        bounds = (self.sum_cap, self.rise, self.deadman, self.session, self.with_pauses)
        tail = (*bounds, self.allowance, self.sensing)
        return _INFO.pack(*head, *masks, self.directions, *self.caps, *tail)


@dataclass(frozen=True, slots=True)
class Telemetry:
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

    @classmethod
    def unpack(cls, payload: bytes) -> "Telemetry":
        v = _TELEMETRY.unpack(payload)
        fields: tuple[Any, ...] = (*v[:12], v[12:18], v[18:24], v[24:30], *v[30:])
        return cls(*fields)

    def pack(self) -> bytes:
        ids = (self.counter, self.epoch, self.challenge, self.uptime, self.running, self.owner)
        what = (self.seq, self.state, self.cause, self.latch, self.flags, self.battery)
        drives = (*self.level, *self.vibration, *self.kneading)
        tail = (self.current, self.pad, self.motor, self.allowance, self.rejected)
        return _TELEMETRY.pack(*ids, *what, *drives, *tail)
