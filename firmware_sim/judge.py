"""Out of range means refused or zero, never clamped up (R19): what the fields of a good frame may hold."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from firmware_sim import wire
from firmware_sim.config import UNIT, DeviceConfig
from firmware_sim.pattern import VALID, Motion

RUN: Final = 0
PAUSE: Final = 1
FADE: Final = 2

_HEAT: Final = range(300, 391)
_PERIOD: Final = range(1000, 60001)
_FULL: Final = 1000
_LONGEST_S: Final = 2700


def arm_in_range(arm: wire.Arm) -> bool:
    """Owner not 0, cap 1 to 1000 tenths of a percent, limit 1 to 2700 s."""
    return arm.owner != 0 and 1 <= arm.cap <= _FULL and 1 <= arm.limit_s <= _LONGEST_S


def setpoint_in_range(setpoint: wire.Setpoint) -> bool:
    """Every field of a SETPOINT by docs/protocol.md 4."""
    if setpoint.mode not in (RUN, PAUSE, FADE) or setpoint.period not in _PERIOD:
        return False
    if setpoint.heat and setpoint.heat not in _HEAT:
        return False
    if max(setpoint.level) > _FULL or not VALID.issuperset(setpoint.pattern):
        return False
    if setpoint.mode == PAUSE and any(setpoint.level):
        return False
    return Motion.REST not in setpoint.pattern or all(
        pattern != Motion.REST or not level
        for level, pattern in zip(setpoint.level, setpoint.pattern, strict=True)
    )


def wanted(abilities: tuple[int, ...], setpoint: wire.Setpoint) -> list[int]:
    """What is asked for, in hundredths of a percent; zero where the zone cannot make the motion."""
    return [
        level * (UNIT // 10) if level and able >> (pattern & 15) & 1 else 0
        for level, pattern, able in zip(setpoint.level, setpoint.pattern, abilities, strict=True)
    ]


@lru_cache(maxsize=16)
def abilities(config: DeviceConfig) -> tuple[int, ...]:
    """For each zone the motions that it can make, a bit each."""
    return tuple(
        sum(1 << motion for motion in Motion if _can(config, zone, motion)) for zone in range(6)
    )


def _can(config: DeviceConfig, zone: int, motion: Motion) -> bool:
    if not config.motions >> motion & 1:
        return False
    if motion in (Motion.KNEAD, Motion.CIRCLE):
        # No kneading without a sense of stall (R12).
        return bool(config.kneading >> zone & 1) and bool(config.sensing & 3)
    return bool((config.vibration | config.kneading) >> zone & 1)
