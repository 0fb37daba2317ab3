"""Sources of wanted setpoints over time: a plan, or manual control. The governor limits them."""

from __future__ import annotations

from typing import Final, Protocol

from massager_ctl.model.device import OFF, Pattern, Setpoint
from massager_ctl.model.requests import Change, SetHeat, SetLevel, SetMotion
from massager_ctl.model.status import GuidedStep
from massager_ctl.model.units import ZONES, per_zone
from massager_ctl.profile.plan.make import Plan

UNNAMED_MAX_S: Final = 900.0
"""Maximum seconds of manual control, or of a profile that names no duration (R8)."""


class SetpointSource(Protocol):
    """What a session plays: a plan, or manual control."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def duration_s(self) -> float:
        """Its duration in seconds, including its own fade."""
        ...

    @property
    def ramp_s(self) -> float:
        """Seconds of running until the cap is reached (R2)."""
        ...

    def at(self, t: float) -> Setpoint:
        """What is wanted after `t` seconds; cheap for a growing `t`."""
        ...

    def phase_at(self, t: float) -> str:
        """The phase in a few words."""
        ...

    def guided_at(self, t: float) -> GuidedStep | None: ...

    def next_motor_start(self, t: float) -> float | None:
        """The next moment, from `t` on, at which motors start after hands-only time."""
        ...

    def take(self, change: Change) -> None:
        """Apply a manual change; a plan takes none."""
        ...


class ManualSource:
    """Manual control: levels, motions and heat as last requested."""

    id = "manual"
    title = "Manual control"
    ramp_s = 300.0

    def __init__(self, duration_s: float = UNNAMED_MAX_S) -> None:
        self.duration_s = min(duration_s, UNNAMED_MAX_S)
        self._setpoint = OFF

    def at(self, t: float) -> Setpoint:  # noqa: ARG002
        return self._setpoint

    def phase_at(self, t: float) -> str:  # noqa: ARG002
        return "manual"

    def guided_at(self, t: float) -> GuidedStep | None:  # noqa: ARG002
        return None

    def next_motor_start(self, t: float) -> float | None:  # noqa: ARG002
        return None

    def take(self, change: Change) -> None:
        now = self._setpoint
        match change:
            case SetLevel(percent=percent, zone=zone):
                levels = list(now.levels)
                for place in ZONES if zone is None else (zone,):
                    levels[place.index] = percent
                now = Setpoint(per_zone(levels), now.patterns, now.period_s, now.heat_c)
            case SetMotion(motion=motion, direction=direction, zone=zone, period_s=period_s):
                patterns = list(now.patterns)
                for place in ZONES if zone is None else (zone,):
                    patterns[place.index] = Pattern(motion, direction)
                now = Setpoint(now.levels, per_zone(patterns), period_s, now.heat_c)
            case SetHeat(celsius=celsius):
                now = Setpoint(now.levels, now.patterns, now.period_s, celsius)
            case _:
                return
        self._setpoint = now


class ProfilePlayer:
    """A plan; it takes no manual change."""

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

    def next_motor_start(self, t: float) -> float | None:
        return self._cursor.next_motor_start(t)

    def take(self, change: Change) -> None:
        pass
