"""The governor: every level passes it on the host's side (R19, then R1, R2, R3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from massager_ctl.errors import IntensityError
from massager_ctl.model.status import Held
from massager_ctl.model.units import ZERO, ZONES, Levels, Zone, per_zone
from massager_ctl.safety.envelope import RAMP_MIN_S, envelope, reached_at
from massager_ctl.safety.limits import RISE_PER_S, Limits, fit_sum

HELD_POINTS: Final = 0.5
"""Points below the wanted level from which the reason is shown; less is rounding and the time a frame takes."""


class Governor:
    """Limits levels to what the rules allow now; one for each session, starting at zero.

    No order, pace or content of calls can make it break R1 to R3.
    """

    def __init__(self, limits: Limits, ramp_s: float = RAMP_MIN_S) -> None:
        """`ramp_s`: seconds of running until the cap is reached; below 300 is taken as 300 (R2)."""
        self.limits = limits
        self.ramp_s = max(ramp_s, RAMP_MIN_S)
        self.running_s = 0.0
        self._levels: Sequence[float] = ZERO
        self._last: float | None = None

    def admit(
        self, now: float, wanted: Sequence[object], *, driven: bool, may_rise: bool
    ) -> Levels:
        """The levels to send now, percent, floored to 0.1.

        `wanted`: six levels; one that is not a number from 0 to 100 makes everything zero and raises IntensityError
        (R19). `driven`: the device reports a level above zero, so this time counts as running (R2).
        `may_rise`: False if the loop was late or telemetry is old; levels then only fall (R4, R24).
        """
        elapsed = 0.0 if self._last is None else max(0.0, now - self._last)
        self._last = now
        if driven and any(self._levels):
            self.running_s += elapsed
        rise = RISE_PER_S * elapsed if may_rise else 0.0
        # Two plain loops, and "b if b < a else a" for `min(a, b)`: this runs in every turn of every device.
        within: list[float] = []
        try:
            if len(wanted) != len(ZONES):
                raise IntensityError(f"{len(wanted)} levels for {len(ZONES)} zones")
            for want, ceiling in zip(wanted, self.allowed(), strict=True):
                target = _checked(want)
                within.append(ceiling if ceiling < target else target)
        except IntensityError:
            self._levels = ZERO
            raise
        levels: list[float] = []
        admitted: list[float] = []
        for target, level in zip(fit_sum(within, self.limits.sum_cap), self._levels, strict=True):
            risen = level + rise
            let = risen if risen < target else target
            levels.append(let)
            admitted.append(math.floor(let * 10 + 1e-9) / 10)
        self._levels = levels
        return per_zone(admitted)

    def allowed(self) -> Levels:
        """The current maximum of each zone: cap and envelope, percent (R1, R2)."""
        running, ramp = self.running_s, self.ramp_s
        return per_zone([envelope(running, cap, ramp) for cap in self.limits.caps])

    def held(self, wanted: Levels) -> tuple[Held, ...]:
        """Why zones are lower than `wanted`, for display."""
        return tuple(
            self._why(zone, want, level)
            for zone, want, level in zip(ZONES, wanted, self._levels, strict=True)
            if want > level + HELD_POINTS
        )

    def _why(self, zone: Zone, want: float, level: float) -> Held:
        cap = self.limits.caps[zone.index]
        if level > cap - 0.1:  # so `want` is above the cap
            return Held(zone, want, cap, f"R1, {self.limits.binding(zone).reason}")
        reachable = min(want, cap)
        ceiling = envelope(self.running_s, cap, self.ramp_s)
        by_envelope = reached_at(reachable, cap, self.ramp_s) - self.running_s
        by_slew = (reachable - level) / RISE_PER_S
        if by_envelope > by_slew:
            return Held(zone, reachable, math.floor(ceiling * 10) / 10, "R2", by_envelope)
        return Held(zone, reachable, math.floor(level * 10 + 1e-9) / 10, "R3", by_slew)


def _checked(level: object) -> float:
    if (
        isinstance(level, bool)
        or not isinstance(level, (int, float))
        or not 0 <= level <= 100  # also false for NaN
    ):
        raise IntensityError(f"level {level!r} is not a number from 0 to 100", "")
    return level
