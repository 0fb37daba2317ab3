"""Watches telemetry for what must end a session, whatever the device itself does about it (R9, R11 to R14)."""

from __future__ import annotations

import math
from typing import Final

from massager_ctl.model.device import Cause, Telemetry
from massager_ctl.model.units import Levels

PAD_TRIP_C: Final = 41.0
"""°C at a pad (R11)."""

MOTOR_TRIP_C: Final = 65.0
"""°C at a motor (R11)."""

BATTERY_END: Final = 8
"""Percent (R13)."""

IDLE_MA: Final = 30
"""mA: what motors at rest may draw (protocol section 8); more than that at zero output means a stuck output (R14)."""

STUCK_S: Final = 0.3
"""Seconds of current at zero output before it counts (R14)."""

ABOVE_S: Final = 0.5
"""Seconds that a device may report a level above what it was sent: a frame may still be under way."""


DRIVEN_MIN: Final = 2.0
"""Percent sent from which a working device reports a level above zero (R9)."""

DENIED_S: Final = 3.0
"""Seconds for which a driven device may report that nothing runs (R9)."""

COUNTED_SHARE: Final = 0.8
COUNTED_LAG_S: Final = 10.0
"""Of the seconds that were sent, how many a device's lifetime must show: its clock may be 10 % slow (fault 47), and
each pause takes a frame's time."""


class TelemetryWatch:
    """Checks each telemetry, and keeps how long a condition has lasted."""

    def __init__(self) -> None:
        self._denied_since: float | None = None
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
        # Its two actuators share a zone's level: a device that reports more drive than that runs stronger (R3).
        told = zip(telemetry.levels, telemetry.vibration, telemetry.kneading, sent, strict=True)
        above = any(
            level > limit + 0.15 or vibration + kneading > limit + 0.15
            for level, vibration, kneading, limit in told
        )
        self._above_since = _since(self._above_since, now, above)
        if self._above_since is not None and now - self._above_since > ABOVE_S:
            return Cause.SAFETY, "the device runs stronger than it was set to (R1)"
        return None

    def denied(self, now: float, telemetry: Telemetry, sent: Levels) -> bool:
        """Whether the device has reported zero everywhere for DENIED_S although it is driven: it lies (R9)."""
        lasting = not any(telemetry.levels) and max(sent) >= DRIVEN_MIN
        self._denied_since = _since(self._denied_since, now, lasting)
        return self._denied_since is not None and now - self._denied_since >= DENIED_S

    def stuck(self, now: float, telemetry: Telemetry) -> bool:
        """Whether current flows although every level has been zero for a while (R14); reported once each time.

        Call it with every telemetry, in a session and outside one.
        """
        flowing = not any(telemetry.levels) and telemetry.current_ma > IDLE_MA
        self._stuck_since = _since(self._stuck_since, now, flowing)
        if self._stuck_since is None or now - self._stuck_since <= STUCK_S:
            return False
        self._stuck_since = math.inf
        return True


def uncounted(sent_s: float, counted_s: float) -> bool:
    """Whether a device counts too little of what it runs: `counted_s` of its lifetime while `sent_s` were sent (R9)."""
    return counted_s < COUNTED_SHARE * sent_s - COUNTED_LAG_S


def _since(since: float | None, now: float, lasting: bool) -> float | None:
    if not lasting:
        return None
    return now if since is None else since
