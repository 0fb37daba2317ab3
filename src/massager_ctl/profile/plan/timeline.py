"""A plan: what is played at each moment, as exact piecewise linear curves."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from msgspec import Struct

from massager_ctl.model.device import OFF, Patterns, Setpoint
from massager_ctl.model.units import ZERO, ZONES, Levels, Zone, per_zone
from massager_ctl.profile.model import Breath, Place
from massager_ctl.safety.limits import Limits
from massager_ctl.safety.presence import LONG_S

ANNOUNCE_S: Final = 10.0
"""Seconds of warning before motors start after hands-only time; a design choice (P1)."""

Point = tuple[float, float]
"""Seconds, percent."""


class Guided(Struct, frozen=True):
    """Words for the person from `t` on, seconds. `motors_off`: their own hands are at work, all levels are zero."""

    t: float
    duration_s: float
    text: str
    motors_off: bool = True
    bell: bool = False
    breath: Breath | None = None

    def cue_at(self, t: float) -> str:
        """The breath to take at that moment, if any."""
        if self.breath is None:
            return ""
        inward = (t - self.t) % (self.breath.in_s + self.breath.out_s) < self.breath.in_s
        return "Breathe in." if inward else "Breathe out."


class Segment(Struct, frozen=True):
    """How the device plays its levels from `t` on: a pattern a zone, seconds a cycle, heat in °C or None."""

    t: float
    patterns: Patterns
    period_s: float
    heat_c: float | None = None


class PlanStep(Struct, frozen=True):
    """A step of the profile on the plan's time line, with the place in the file that it came from."""

    t: float
    duration_s: float
    title: str
    place: Place


class Plan(Struct, frozen=True, kw_only=True):
    """A proved time line. Seconds from the start of the session, percent; a zone's curve is straight between points."""

    id: str
    title: str
    technique: str
    cap: float
    limits: Limits
    duration_s: float
    ramp_s: float
    fade_s: float
    limit_s: float
    running_s: float
    zones: dict[Zone, tuple[Point, ...]]
    motions: tuple[Segment, ...]
    guided: tuple[Guided, ...]
    phases: tuple[tuple[float, str], ...]
    steps: tuple[PlanStep, ...]
    motor_starts: tuple[float, ...] = ()
    """Moments at which a powered step begins after hands-only time: announced `ANNOUNCE_S` before."""
    fade_at: float | None = None
    summary: str = ""
    tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hash: str = ""

    @property
    def powered(self) -> bool:
        """Whether any motor turns at all."""
        return bool(self.zones)

    @property
    def heated(self) -> bool:
        """Whether any of it is heated."""
        return any(segment.heat_c is not None for segment in self.motions)

    @property
    def needs_presence(self) -> bool:
        """Whether it needs presence: over 15 min, or with heat (R23)."""
        return self.powered and (self.duration_s > LONG_S or self.heated)

    def cursor(self) -> PlanCursor:
        """A reader of this plan, quick for times that go forward."""
        return PlanCursor(self)


Row = tuple[float, Levels, Levels]
"""Seconds; the levels just before and just after that moment (they differ if a level drops at once)."""


def rows(zones: dict[Zone, tuple[Point, ...]]) -> list[Row]:
    """All zones on one time line, at every moment at which any of them bends."""
    times = sorted({t for points in zones.values() for t, _ in points})
    columns: list[list[tuple[float, float]]] = []
    for zone in ZONES:
        points = zones.get(zone)
        columns.append(_sides(points, times) if points else [(0.0, 0.0)] * len(times))
    return [
        (
            t,
            per_zone(column[index][0] for column in columns),
            per_zone(column[index][1] for column in columns),
        )
        for index, t in enumerate(times)
    ]


def _sides(points: tuple[Point, ...], times: list[float]) -> list[tuple[float, float]]:
    result: list[tuple[float, float]] = []
    index, last = 0, len(points) - 1
    for t in times:
        while index < last and points[index + 1][0] < t:
            index += 1
        (t0, v0) = points[index]
        if index == last or t <= t0:
            before, after = v0, v0
        else:
            t1, v1 = points[index + 1]
            before = after = v0 + (v1 - v0) * (t - t0) / (t1 - t0)
            if t1 == t:
                before = after = v1
        here = index
        while here < last and points[here + 1][0] == t:
            here += 1
            after = points[here][1]
        result.append((before, after))
    return result


class PlanCursor:
    """Reads a plan moment by moment."""

    __slots__ = ("_after", "_before", "_plan", "_starts")

    def __init__(self, plan: Plan) -> None:
        table = rows(plan.zones)
        self._plan = plan
        self._starts = [row[0] for row in table]
        self._before = [row[1] for row in table]
        self._after = [row[2] for row in table]

    def levels(self, t: float) -> Levels:
        """What each zone should have at `t` seconds, from 0 on, percent."""
        starts = self._starts
        if not starts:
            return ZERO
        here = bisect_right(starts, t) - 1
        after = self._after[here]
        if here + 1 >= len(starts):
            return after
        goal = self._before[here + 1]
        if goal == after:
            return after
        share = (t - starts[here]) / (starts[here + 1] - starts[here])
        return per_zone([a + (b - a) * share for a, b in zip(after, goal, strict=True)])

    def at(self, t: float) -> Setpoint:
        """The setpoint for that moment of the session, seconds; off before the start and from the end on."""
        plan = self._plan
        if not 0.0 <= t < plan.duration_s or not plan.motions:
            return OFF
        here = bisect_right(plan.motions, t, key=lambda segment: segment.t) - 1
        segment = plan.motions[here]
        return Setpoint(self.levels(t), segment.patterns, segment.period_s, segment.heat_c)

    def guided_at(self, t: float) -> Guided | None:
        """The words for the person at that moment, if any."""
        guided = self._plan.guided
        here = bisect_right(guided, t, key=lambda entry: entry.t) - 1
        if here < 0 or t >= guided[here].t + guided[here].duration_s:
            return None
        return guided[here]

    def following(self, t: float) -> str:
        """The words that come next, after those of this moment; empty if none do."""
        guided = self._plan.guided
        after = bisect_right(guided, t, key=lambda entry: entry.t)
        return guided[after].text if after < len(guided) else ""

    def next_motor_start(self, t: float) -> float | None:
        """The next moment, from `t` on, at which motors start after hands-only time."""
        starts = self._plan.motor_starts
        after = bisect_left(starts, t)
        return starts[after] if after < len(starts) else None

    def phase_at(self, t: float) -> str:
        """Where the session stands at `t` seconds, from 0 on, in a few words."""
        phases = self._plan.phases
        here = bisect_right(phases, t, key=lambda phase: phase[0]) - 1
        return phases[here][1] if phases else ""
