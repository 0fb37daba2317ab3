"""The frames of docs/protocol.md section 4 as values; integers use the scale of the wire."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from msgspec import Struct


class Type(IntEnum):
    """Frame types; those above 0x80 come from the device."""

    GET_INFO = 0x01
    ARM = 0x02
    SETPOINT = 0x03
    STOP = 0x04
    RESET = 0x05
    INFO = 0x81
    TELEMETRY = 0x82
    ACK = 0x83


class Result(IntEnum):
    """Results in an ACK (protocol section 7)."""

    OK = 0
    STALE_EPOCH = 1
    STALE_CHALLENGE = 2
    BUSY = 3
    LATCHED = 4
    FAULT = 5
    MALFORMED = 6
    ALLOWANCE = 7
    BATTERY = 8
    CHARGING = 9
    BUTTON = 10
    CAUSE_PRESENT = 11
    WRONG_LATCH = 12
    NOT_LATCHED = 13
    NOT_ALLOWED = 14


NO_SENSOR: Final = -32768
"""A temperature field of a device without that sensor."""

MAINS: Final = 255
"""The battery field of a device on mains power."""


class GetInfo(Struct, frozen=True):
    token: int


class Arm(Struct, frozen=True):
    """`cap`: tenths of a percent, 1 to 1000. `limit_s`: seconds armed without pauses, 1 to 2700."""

    token: int
    owner: int
    epoch: int
    challenge: int
    seq: int
    cap: int
    limit_s: int


class SetpointFrame(Struct, frozen=True):
    """`heat`: tenths of a degree or 0; `period`: ms; levels: tenths of a percent; patterns: 16 · direction + motion."""

    epoch: int
    owner: int
    seq: int
    echo: int
    mode: int
    heat: int
    period: int
    levels: tuple[int, ...]
    patterns: tuple[int, ...]


class Stop(Struct, frozen=True):
    token: int
    reason: int


class Reset(Struct, frozen=True):
    token: int
    challenge: int
    latch: int


class Info(Struct, frozen=True):
    """Masks have bit *i* for zone, motion, direction or sense *i*; caps are percent, `deadman` is ms."""

    token: int
    flags: int
    serial: bytes
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


class TelemetryFrame(Struct, frozen=True):
    """`uptime` and `running` in ms; `levels` and drives in tenths of a percent, `pad` and `motor` of a degree."""

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
    levels: tuple[int, ...]
    vibration: tuple[int, ...]
    kneading: tuple[int, ...]
    current: int
    pad: int
    motor: int
    allowance: int
    rejected: int


class Ack(Struct, frozen=True):
    """`of`: the type that is answered. `epoch`: the one in force after it. `detail`: the latch counter."""

    token: int
    of: int
    result: int
    epoch: int
    detail: int


Message = GetInfo | Arm | SetpointFrame | Stop | Reset | Info | TelemetryFrame | Ack
