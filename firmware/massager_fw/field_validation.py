"""Out of range means refused or zero, never clamped up (R19): what the fields of a good frame may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.pattern import WAYS, Motion
from massager_fw.shim import const, ints, micropython

if TYPE_CHECKING:
    from typing import Any

    from massager_fw.config import DeviceConfig
    from massager_fw.frames import Arm, Setpoint

    ptr32 = Any

RUN = const(0)
PAUSE = const(1)
FADE = const(2)

_NOBODY = bytearray(4)
_HEAT_LOW = const(300)
_HEAT_HIGH = const(390)
_PERIOD_LOW = const(1000)
_PERIOD_HIGH = const(60_000)
_FULL = const(1000)
_LONGEST_S = const(2700)
_MOTIONS = const(6)
_REST = const(0)
_HUNDREDTHS = const(10)
"""Of a percent, in a tenth."""


def arm_in_range(arm: Arm) -> bool:
    """Owner not 0, cap 1 to 1000 tenths of a percent, limit 1 to 2700 s."""
    return arm.owner != _NOBODY and 1 <= arm.cap <= _FULL and 1 <= arm.limit_s <= _LONGEST_S


def setpoint_in_range(setpoint: Setpoint) -> bool:
    """Every field of a SETPOINT by docs/protocol.md 4."""
    if setpoint.mode > FADE or not _PERIOD_LOW <= setpoint.period <= _PERIOD_HIGH:
        return False
    if setpoint.heat and not _HEAT_LOW <= setpoint.heat <= _HEAT_HIGH:
        return False
    return _zones_in_range(setpoint.level, setpoint.pattern, WAYS, setpoint.mode)


@micropython.viper
def _zones_in_range(level: ptr32, pattern: ptr32, ways: ptr32, mode: int) -> bool:
    for zone in range(6):
        top = level[zone]
        byte = pattern[zone]
        motion = byte & 15
        if top > _FULL or motion >= _MOTIONS:
            return False
        if not ways[motion] >> (byte >> 4) & 1:
            return False
        if top and (mode == PAUSE or motion == _REST):
            return False
    return True


@micropython.native
def wanted(abilities: list[int], setpoint: Setpoint, into: list[int]) -> None:
    """What is asked for, in hundredths of a percent; zero if the zone cannot make the motion."""
    _wanted(abilities, setpoint.level, setpoint.pattern, into)


@micropython.viper
def _wanted(abilities: ptr32, level: ptr32, pattern: ptr32, into: ptr32):
    for zone in range(6):
        able = abilities[zone] >> (pattern[zone] & 15) & 1
        into[zone] = level[zone] * _HUNDREDTHS if able else 0


def abilities(config: DeviceConfig) -> list[int]:
    """For each zone the motions that it can make, a bit each."""
    return ints([_motions(config, zone) for zone in range(6)])


def _motions(config: DeviceConfig, zone: int) -> int:
    able = 0
    for motion in range(Motion.HOLD + 1):
        if _can(config, zone, motion):
            able |= 1 << motion
    return able


def _can(config: DeviceConfig, zone: int, motion: int) -> bool:
    if not config.motions >> motion & 1:
        return False
    if motion in (Motion.KNEAD, Motion.CIRCLE):
        # No kneading without a sense of stall (R12).
        return bool(config.kneading >> zone & 1) and bool(config.sensing & 3)
    return bool((config.vibration | config.kneading) >> zone & 1)
