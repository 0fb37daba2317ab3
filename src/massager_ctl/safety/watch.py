"""R11 to R14 as the host sees them: telemetry that means that something is wrong, whatever the device says."""

from __future__ import annotations

import math
from typing import Final

from massager_ctl.device import Cause, Telemetry
from massager_ctl.units import Levels

PAD_TRIP_C: Final = 41.0
"""°C at a pad (R11)."""

MOTOR_TRIP_C: Final = 65.0
"""°C at a motor (R11)."""

BATTERY_END: Final = 8
"""Percent (R13)."""

IDLE_MA: Final = 60
"""mA: more than the electronics draw with every motor off; more than that at zero output means a stuck output (R14)."""

STUCK_S: Final = 0.3
"""Seconds that current at zero output is borne before it counts (R14)."""

ABOVE_S: Final = 0.5
"""Seconds that a device may report a level above what it was sent: a frame may still be under way."""


class Watch:
    """Judges each telemetry; keeps how long a suspicion has lasted."""

    def __init__(self) -> None:
        self._stuck_since: float | None = None
        self._above_since: float | None = None

    def check(self, now: float, telemetry: Telemetry, sent: Levels) -> tuple[Cause, str] | None:
        """Why the session must end, or None. `now`: seconds, monotonic. `sent`: the levels last sent, percent."""
        pad, motor = telemetry.pad_c, telemetry.motor_c
        if pad is not None and pad >= PAD_TRIP_C:
            return Cause.SAFETY, f"a pad is at {pad:g} °C; {PAD_TRIP_C:g} is too hot for skin (R11)"
        if motor is not None and motor >= MOTOR_TRIP_C:
            return Cause.SAFETY, f"a motor is at {motor:g} °C; {MOTOR_TRIP_C:g} is too hot (R11)"
        if telemetry.battery is not None and telemetry.battery < BATTERY_END:
            return Cause.BATTERY_LOW, f"the battery is at {telemetry.battery} % (R13)"
        if telemetry.charging:
            return Cause.SAFETY, "the charger was plugged in (R13)"
        above = any(
            level > limit + 0.15 for level, limit in zip(telemetry.levels, sent, strict=True)
        )
        self._above_since = _since(self._above_since, now, above)
        if self._above_since is not None and now - self._above_since > ABOVE_S:
            return Cause.SAFETY, "the device runs stronger than it was told to (R1)"
        return None

    def stuck(self, now: float, telemetry: Telemetry) -> bool:
        """Whether current flows although every level has been zero for a while (R14); told once each time.

        To be asked with every telemetry, in a session and outside one.
        """
        flowing = not any(telemetry.levels) and telemetry.current_ma > IDLE_MA
        self._stuck_since = _since(self._stuck_since, now, flowing)
        if self._stuck_since is None or now - self._stuck_since <= STUCK_S:
            return False
        self._stuck_since = math.inf
        return True


def _since(since: float | None, now: float, lasting: bool) -> float | None:
    if not lasting:
        return None
    return now if since is None else since
