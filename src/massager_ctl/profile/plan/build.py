"""Turns steps into curves: each level climbs at most 1 point/s, below the envelope, and ends in a fade (R2, R3, R8)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Final

import msgspec

from massager_ctl.model.device import VIBRATE_ALL, Pattern
from massager_ctl.model.units import ZONES, Motion, Zone, per_zone
from massager_ctl.profile.model import (
    HandsOn,
    Keyframes,
    Part,
    Percent,
    Powered,
    Profile,
    Rest,
    Share,
    Step,
    scaled,
)
from massager_ctl.profile.plan.curve import (
    FALL,
    Curve,
    cut,
    fall,
    follow,
    lower,
    target,
    value_at,
)
from massager_ctl.profile.plan.timeline import Guided, Plan, PlanStep, Point, Segment
from massager_ctl.safety.envelope import GENTLE_S, envelope
from massager_ctl.safety.limits import RISE_PER_S, Limits

_STILL: Final = Pattern(Motion.REST)


class Written(Enum):
    """What to do with keyframes that the limits do not allow."""

    AS_IT_STANDS = "as it stands"
    """Keep them, so that the proof finds what is wrong with the file."""
    LOWERED = "lowered"
    """Lower them, for personal caps and for a weaker device."""


def build(profile: Profile, limits: Limits, written: Written) -> Plan:
    """The curves of `profile` under `limits`; proves nothing."""
    return _Builder(profile, limits, written).plan()


def fit(profile: Profile, own: Limits) -> Profile:
    """Every aim scaled so that the sum is within the profile's own limits (R1).

    Lowered plans are built from this: a zone gets no more because another one gets less.
    """
    return msgspec.structs.replace(
        profile, steps=tuple(_fitted(step, own) for step in profile.steps)
    )


def _fitted(step: Step, own: Limits) -> Step:
    if not isinstance(step, Powered):
        return step
    share = sum_share(step.parts, own)
    parts = tuple(Part(part.zone, scaled(part.aim, share), part.pattern) for part in step.parts)
    return msgspec.structs.replace(step, parts=parts)


class _Builder:
    def __init__(self, profile: Profile, limits: Limits, written: Written) -> None:
        self.profile = profile
        self.limits = limits
        self.written = written
        self.now = 0.0
        self.running_s = 0.0
        self.curves = {zone: Curve() for zone in ZONES}
        self.used: set[Zone] = set()
        self.patterns = list(VIBRATE_ALL)
        self.segments: list[Segment] = []
        self.guided: list[Guided] = []
        self.steps: list[PlanStep] = []
        self.phases: list[tuple[float, str]] = []
        self.motor_starts: list[float] = []

    def plan(self) -> Plan:
        steps = self.profile.steps
        plays = [isinstance(step, Powered) and bool(self._parts(step)) for step in steps]
        last = max((index for index, played in enumerate(plays) if played), default=-1)
        for index, step in enumerate(steps):
            after = steps[index + 1] if index + 1 < len(steps) else None
            end = self.now + step.duration_s
            self.steps.append(PlanStep(self.now, step.duration_s, title_of(step), step.place))
            self._words(step)
            self._name(step, end)
            match step:
                case Powered() if plays[index]:
                    if index and isinstance(steps[index - 1], HandsOn):
                        self.motor_starts.append(self.now)
                    self._play(step, end)
                    if index == last:
                        self._fade_out(end, self.profile.fade_s)
                    if isinstance(after, HandsOn):
                        self._let_go(self.now, end)
                case _:
                    self._fall_silent(step, end)
            self.now = end
        return self._finished(self._fade_at())

    def _fade_at(self) -> float | None:
        """When the last fade begins, seconds; None if no motor turns."""
        ends = [_silent_from(self.curves[zone].points) for zone in self.used]
        return max(max(ends) - self.profile.fade_s, 0.0) if ends else None

    def _finished(self, fade_at: float | None) -> Plan:
        profile = self.profile
        phases = [phase for phase in self.phases if fade_at is None or phase[0] < fade_at]
        if fade_at is not None:
            phases.append((fade_at, "fade"))
            phases.extend(phase for phase in self.phases if phase[0] >= fade_at + profile.fade_s)
        return Plan(
            id=profile.id,
            title=profile.title,
            technique=", ".join(profile.technique),
            cap=profile.cap,
            limits=self.limits,
            duration_s=self.now,
            ramp_s=profile.ramp_s,
            fade_s=profile.fade_s,
            limit_s=profile.limit_s,
            running_s=self.running_s,
            zones={zone: tuple(self.curves[zone].points) for zone in ZONES if zone in self.used},
            motions=tuple(self.segments),
            guided=tuple(self.guided),
            phases=tuple(phases),
            steps=tuple(self.steps),
            motor_starts=tuple(self.motor_starts),
            fade_at=fade_at,
            summary=profile.summary,
            tags=profile.tags,
            rules=profile.rules,
            not_for=profile.not_for,
        )

    def _parts(self, step: Powered) -> list[Part]:
        """The parts that may be above zero at all under these limits."""
        return [part for part in step.parts if self.limits.caps[part.zone.index] > 0]

    def _play(self, step: Powered, end: float) -> None:
        parts = self._parts(step)
        for part in parts:
            self.patterns[part.zone.index] = part.pattern
        self._segment(step.period_s, step.heat_c)
        busy = {part.zone for part in parts}
        self.used |= busy
        for zone in ZONES:
            if zone not in busy:
                self.curves[zone].extend(fall(self.curves[zone].level, self.now, end))
        share = sum_share(parts, self.limits)
        drawn = {
            part.zone: self._drawn(part.zone, part.aim, end)
            for part in parts
            if isinstance(part.aim, Keyframes)
        }
        if drawn:
            self._keyframed(drawn, share, end)
            return
        for part in parts:
            self.curves[part.zone].extend(self._climb(part, share, end))
        self.running_s += end - self.now

    def _climb(self, part: Part, share: float, end: float) -> list[Point]:
        cap = self.limits.caps[part.zone.index]
        if isinstance(part.aim, Share):
            portion, limit = part.aim.part * share, cap
        else:
            portion, limit = 1.0, _highest(part, cap) * share
        goal = target(self.now, end, self.running_s, cap, self.profile.ramp_s, portion, limit)
        return follow(self.curves[part.zone].level, goal)

    def _keyframed(self, drawn: dict[Zone, list[Point]], share: float, end: float) -> None:
        """Take curves as written; time at which all of them are zero earns nothing (R2)."""
        ran = self._ran(drawn, end)
        for zone, wanted in drawn.items():
            points = wanted
            if self.written is Written.LOWERED:
                cap, ramp = self.limits.caps[zone.index], self.profile.ramp_s
                ceiling = [
                    (t, share * envelope(running, cap, ramp))
                    for t, running in _with_kinks(ran, ramp)
                ]
                level = self.curves[zone].level
                climb = [(self.now, level), (end, level + RISE_PER_S * (end - self.now))]
                points = lower([(t, value * share) for t, value in wanted], lower(ceiling, climb))
            self.curves[zone].extend(points)
        self.running_s = ran[-1][1]

    def _drawn(self, zone: Zone, aim: Keyframes, end: float) -> list[Point]:
        points = [(self.now + t, level) for t, level in aim.points]
        level = self.curves[zone].level
        if points[0][0] > self.now:
            points.insert(0, (self.now, level))
        if points[-1][0] < end:
            points.append((end, points[-1][1]))
        return points

    def _ran(self, drawn: dict[Zone, list[Point]], end: float) -> list[Point]:
        """(seconds, seconds of running by then) over the step."""
        curves = list(drawn.values())
        for zone in self.used:
            if zone not in drawn:
                points = self.curves[zone].points
                curves.append(points[bisect_left(points, (self.now,)) :])
        times = sorted({self.now, end, *(t for points in curves for t, _ in points)})
        result = [(self.now, self.running_s)]
        for start, stop in pairwise(times):
            middle = (start + stop) / 2
            turning = any(value_at(points, middle) > 0 for points in curves)
            result.append((stop, result[-1][1] + (stop - start if turning else 0.0)))
        return result

    def _fade_out(self, end: float, seconds: float) -> None:
        """Replace the last `seconds` before `end` by a straight line to zero."""
        start = max(end - seconds, self.now)
        for zone in self.used:
            curve = self.curves[zone]
            if curve.level > 0:
                curve.extend(cut(curve.split(self.now), start))
                curve.add(end, 0.0)

    def _let_go(self, start: float, end: float) -> None:
        """Reach zero by the end of a step, softly, because the next one is for hands only.

        Each zone on its own: how it falls must not depend on zones that another device may lack.
        """
        half = (end - start) / 2
        for zone in self.used:
            points = self.curves[zone].split(start)
            slope = max(FALL, value_at(points, end - half) / half)
            line = [(start, slope * (end - start)), (end, 0.0)]
            self.curves[zone].extend(lower(points, line))

    def _fall_silent(self, step: Step, end: float) -> None:
        before = self.running_s
        for zone in self.used:
            level = self.curves[zone].level
            self.curves[zone].extend(fall(level, self.now, end))
            self.running_s = max(self.running_s, before + min(level / FALL, end - self.now))
        if isinstance(step, HandsOn):
            self.patterns = [_STILL] * len(ZONES)
        self._segment(self.segments[-1].period_s if self.segments else 5.0, None)

    def _segment(self, period_s: float, heat_c: float | None) -> None:
        patterns = per_zone(self.patterns)
        segment = Segment(self.now, patterns, period_s, heat_c)
        if self.segments:
            last = self.segments[-1]
            if (last.patterns, last.period_s, last.heat_c) == (patterns, period_s, heat_c):
                return
        self.segments.append(segment)

    def _words(self, step: Step) -> None:
        match step:
            case HandsOn():
                self.guided.append(
                    Guided(self.now, step.duration_s, step.text, bell=step.bell, breath=step.breath)
                )
            case Powered():
                if step.say or step.breath or step.bell:
                    self.guided.append(
                        Guided(
                            self.now,
                            step.duration_s,
                            step.say,
                            motors_off=False,
                            bell=step.bell,
                            breath=step.breath,
                        )
                    )
            case Rest():
                if step.say:
                    self.guided.append(
                        Guided(self.now, step.duration_s, step.say, motors_off=False)
                    )

    def _name(self, step: Step, end: float) -> None:
        title = title_of(step)
        if not isinstance(step, Powered) or step.title:
            self.phases.append((self.now, title))
            return
        marks = ((0.0, "warm-up"), (GENTLE_S, "ramp"), (self.profile.ramp_s, title))
        for ran, name in marks:
            at = self.now + ran - self.running_s
            if at < end and not self._later_mark(ran):
                self.phases.append((max(at, self.now), name))

    def _later_mark(self, ran: float) -> bool:
        """Whether the mark after the one at `ran` seconds of running has begun too."""
        following = GENTLE_S if ran < GENTLE_S else self.profile.ramp_s
        return ran < self.profile.ramp_s and following <= self.running_s


def sum_share(parts: Sequence[Part], limits: Limits) -> float:
    """The share of its level that each zone may have, so that the sum is always allowed (R1)."""
    total = sum(_highest(part, limits.caps[part.zone.index]) for part in parts)
    return min(1.0, limits.sum_cap / total) if total > 0 else 1.0


def _highest(part: Part, cap: float) -> float:
    match part.aim:
        case Share():
            return part.aim.part * cap
        case Percent():
            return min(part.aim.value, cap)
        case Keyframes():
            return min(max(level for _, level in part.aim.points), cap)


def _silent_from(points: list[Point]) -> float:
    """The moment from which a curve stays at zero."""
    last = len(points) - 1
    while last > 0 and points[last - 1][1] == 0.0:
        last -= 1
    return points[last][0]


def _with_kinks(ran: list[Point], ramp_s: float) -> list[Point]:
    """The running time at every moment at which it, or the envelope over it, bends."""
    result = [ran[0]]
    for (t0, r0), (t1, r1) in pairwise(ran):
        result.extend((t0 + kink - r0, kink) for kink in (GENTLE_S, ramp_s) if r0 < kink < r1)
        result.append((t1, r1))
    return result


def title_of(step: Step) -> str:
    """What the screen calls a step: its title, else what it does."""
    if step.title:
        return step.title
    match step:
        case Powered():
            return str(step.parts[0].pattern.motion) if step.parts else "rest"
        case HandsOn():
            return "by hand"
        case Rest():
            return "rest"
