"""Too little battery starts nothing and fades what runs; a charging device does not run (R13)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from firmware_sim.physics.battery import BROWN_OUT_V, Battery
from firmware_sim.states import Result

ARM_PERCENT: Final = 15.0
STOP_PERCENT: Final = 8.0
FADE_FRAMES: Final = 8
"""0.8 s from detection to zero, so that it is over within the second that R13 allows."""


class Supply(Enum):
    """What the supply allows a running session."""

    FIT = 0
    LOW = 1
    CHARGING = 2
    BROWN_OUT = 3


class SupplyGuard:
    """Looks at the battery ten times a second; mains devices are exempt."""

    __slots__ = ("_battery", "_mains")

    def __init__(self, battery: Battery, *, mains: bool) -> None:
        self._battery = battery
        self._mains = mains

    def look(self) -> Supply:
        """Whether what runs may go on."""
        battery = self._battery
        if self._mains:
            return Supply.FIT
        if battery.volts < BROWN_OUT_V:
            return Supply.BROWN_OUT
        if battery.charging:
            return Supply.CHARGING
        return Supply.LOW if battery.gauge() < STOP_PERCENT else Supply.FIT

    def may_arm(self) -> Result:
        """OK, CHARGING or BATTERY."""
        if self._mains:
            return Result.OK
        if self._battery.charging:
            return Result.CHARGING
        return Result.OK if self._battery.gauge() >= ARM_PERCENT else Result.BATTERY

    @property
    def charging(self) -> bool:
        """The charger is plugged in."""
        return not self._mains and self._battery.charging

    @property
    def percent(self) -> int | None:
        """State of charge, whole percent; None on mains."""
        return None if self._mains else int(self._battery.gauge())
