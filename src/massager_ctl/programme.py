"""What a session plays: a plan, or a person's hand. It wishes; the governor decides."""

from __future__ import annotations

from typing import Final, Protocol

from massager_ctl.device import OFF, Pattern, Setpoint
from massager_ctl.profile.plan import Plan
from massager_ctl.requests import Change, SetHeat, SetLevel, SetMotion
from massager_ctl.status import GuidedStep
from massager_ctl.units import ZONES

UNNAMED_MAX_S: Final = 900.0
"""Seconds of a manual session, or of a profile that names no duration (R8)."""


class Programme(Protocol):
    """What a session plays: a plan, or a person's hand."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def duration_s(self) -> float:
        """Seconds that it lasts, its own fade included."""
        ...

    @property
    def ramp_s(self) -> float:
        """Seconds of running until the cap is reached (R2)."""
        ...

    def at(self, t: float) -> Setpoint:
        """What is wanted `t` seconds into it; cheap for a `t` that grows."""
        ...

    def phase_at(self, t: float) -> str:
        """A few words for the person."""
        ...

    def guided_at(self, t: float) -> GuidedStep | None: ...

    def take(self, change: Change) -> None:
        """A change by hand; a plan takes none."""
        ...


class Manual:
    """A programme played by hand: levels, motions and heat as last asked for."""

    id = "manual"
    title = "Manual control"
    ramp_s = 300.0

    def __init__(self, duration_s: float = UNNAMED_MAX_S) -> None:
        self.duration_s = min(duration_s, UNNAMED_MAX_S)
        self._setpoint = OFF

    def at(self, t: float) -> Setpoint:
        return self._setpoint

    def phase_at(self, t: float) -> str:
        return "manual"

    def guided_at(self, t: float) -> GuidedStep | None:
        return None

    def take(self, change: Change) -> None:
        now = self._setpoint
        match change:
            case SetLevel(percent=percent, zone=zone):
                levels = list(now.levels)
                for place in ZONES if zone is None else (zone,):
                    levels[place.index] = percent
                now = Setpoint(
                    tuple(levels),  # type: ignore[arg-type]
                    now.patterns,
                    now.period_s,
                    now.heat_c,
                )
            case SetMotion(motion=motion, direction=direction, zone=zone, period_s=period_s):
                patterns = list(now.patterns)
                for place in ZONES if zone is None else (zone,):
                    patterns[place.index] = Pattern(motion, direction)
                now = Setpoint(
                    now.levels,
                    tuple(patterns),  # type: ignore[arg-type]
                    period_s,
                    now.heat_c,
                )
            case SetHeat(celsius=celsius):
                now = Setpoint(now.levels, now.patterns, now.period_s, celsius)
            case _:
                return
        self._setpoint = now


class Played:
    """A plan as a programme; it takes no change by hand."""

    def __init__(self, plan: Plan) -> None:
        self.id = plan.id
        self.title = plan.title
        self.duration_s = plan.duration_s
        self.ramp_s = plan.ramp_s
        self._cursor = plan.cursor()

    def at(self, t: float) -> Setpoint:
        return self._cursor.at(t)

    def phase_at(self, t: float) -> str:
        return self._cursor.phase_at(t)

    def guided_at(self, t: float) -> GuidedStep | None:
        step = self._cursor.guided_at(t)
        if step is None:
            return None
        return GuidedStep(
            step.text,
            step.t + step.duration_s - t,
            step.duration_s,
            step.bell,
            step.cue_at(t),
            self._cursor.following(t) if step.motors_off else "",
        )

    def take(self, change: Change) -> None:
        pass
