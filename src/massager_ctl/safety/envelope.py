"""The envelope (R2): at most 10 % for the first minute of running, then linear to the cap in 300 s or more."""

from __future__ import annotations

from typing import Final

GENTLE: Final = 10.0
"""Maximum percent in the first minute (R2, P1)."""

GENTLE_S: Final = 60.0
"""Seconds of running at `GENTLE` (R2, D2)."""

RAMP_MIN_S: Final = 300.0
"""Minimum seconds of running before the cap is reached (R2, T1)."""

RAMP_MAX_S: Final = 600.0


def envelope(running_s: float, cap: float, ramp_s: float) -> float:
    """The highest level allowed after `running_s` seconds of running, percent.

    `cap`: the zone's cap, percent. `ramp_s`: seconds of running at which it is reached, 300 to 600.
    """
    if running_s <= GENTLE_S or cap <= GENTLE:
        return min(GENTLE, cap)
    if running_s >= ramp_s:
        return cap
    return GENTLE + (cap - GENTLE) * (running_s - GENTLE_S) / (ramp_s - GENTLE_S)


def reached_at(level: float, cap: float, ramp_s: float) -> float:
    """Seconds of running after which `level` is allowed; infinity if the cap is below it."""
    if level > cap:
        return float("inf")
    if level <= GENTLE:
        return 0.0
    return GENTLE_S + (level - GENTLE) * (ramp_s - GENTLE_S) / (cap - GENTLE)
