"""Proves a plan (R20): R1, R2, R3, R8, P5 and motors off in hands-only steps, exactly, at every interpolated point.

Shares no code with the builder. All curves are linear between the moments at which any of them, or an envelope,
bends; so a rule that holds at both sides of each such moment, and for the slope between, holds everywhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from msgspec import Struct

from massager_ctl.model.units import ZONES, Motion, Zone
from massager_ctl.profile.model import FADE_MAX_S, FADE_MIN_S, SESSION_LIMIT_S, WARM_S, Place
from massager_ctl.profile.plan.timeline import Plan, Segment, rows
from massager_ctl.safety.envelope import GENTLE_S, RAMP_MAX_S, RAMP_MIN_S, envelope
from massager_ctl.safety.limits import BOUNDS, SUM_BOUND

RISE_PER_S: Final = 1.0
"""Points a second (R3, host). On purpose not that of `safety.limits`, which the builder uses: an error there shows."""

EPS: Final = 1e-6
"""Percent and seconds: room for binary fractions, a hundred thousand times finer than a level's step."""


class Violation(Struct, frozen=True):
    """A rule that a plan breaks, first at `t` seconds, and the nearest change that would fix it."""

    rule: str
    t: float
    what: str
    fix: str
    place: Place = Place()

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}: {self.what}; {self.fix}"


class Stretch(Struct, frozen=True):
    """A time in which every curve and every envelope is a straight line: ends, levels, seconds of running."""

    start: float
    end: float
    before: tuple[float, ...]
    after: tuple[float, ...]
    running: float
    turning: bool

    @property
    def running_end(self) -> float:
        """Seconds that the zone has run at the end of it."""
        return self.running + (self.end - self.start if self.turning else 0.0)


def prove(plan: Plan) -> tuple[Violation, ...]:
    """Every rule that the plan breaks, once for each zone and step; empty for a sound plan."""
    found: dict[tuple[str, str, Place], Violation] = {}
    starts = [step.t for step in plan.steps]
    for rule, t, subject, what, fix in _all(plan):
        place = plan.steps[bisect_right(starts, t + EPS) - 1].place if plan.steps else Place()
        found.setdefault((rule, subject, place), Violation(rule, t, what, fix, place))
    return tuple(sorted(found.values(), key=lambda violation: (violation.place.line, violation.t)))


_Found = tuple[str, float, str, str, str]


def _all(plan: Plan) -> Iterator[_Found]:
    yield from _shape(plan)
    yield from _time(plan)
    stretches = list(_stretches(plan))
    yield from _jumps(plan)
    for stretch in stretches:
        yield from _levels(plan, stretch)
    yield from _fade(plan, stretches)
    yield from _hands(plan, stretches)
    yield from _holds(plan, stretches)


def _shape(plan: Plan) -> Iterator[_Found]:
    """Curves start and end at zero, go forward in time and hold nothing but numbers of percent (R19)."""
    if not RAMP_MIN_S <= plan.ramp_s <= RAMP_MAX_S:
        yield ("R2", 0.0, "ramp", f"the ramp is {plan.ramp_s:g} s", "make it 300 to 600 s")
    for zone, points in plan.zones.items():
        if points[0] != (0.0, 0.0):
            yield ("R3", 0.0, zone, f"level of {zone} starts at {points[0][1]:g}", "start at 0")
        if points[-1][1] != 0.0 or points[-1][0] > plan.duration_s + EPS:
            yield ("R8", points[-1][0], zone, f"{zone} is not at zero at the end", "let it fade")
        for (t0, _), (t1, level) in pairwise(points):
            if not t1 >= t0 or not 0.0 <= level <= 100.0:
                yield ("R19", t0, zone, f"{zone} has no percent at {t1:g} s", "give 0 to 100")


def _time(plan: Plan) -> Iterator[_Found]:
    if plan.duration_s > SESSION_LIMIT_S + EPS:
        yield (
            "R8",
            plan.duration_s,
            "duration",
            f"the session lasts {plan.duration_s:g} s; the maximum is 1590 s (26 min 30 s)",
            f"take {plan.duration_s - SESSION_LIMIT_S:g} s out",
        )
    elif plan.duration_s > plan.limit_s + EPS:
        yield (
            "R8",
            plan.duration_s,
            "duration",
            f"the steps add up to {plan.duration_s:g} s, and a profile that names no duration may last 900 s",
            f"write 'duration: {plan.duration_s:g}' if you mean it",
        )


def _stretches(plan: Plan) -> Iterator[Stretch]:
    """Cut the session at every bend of every curve, and of the envelope in running time (R2)."""
    table = rows(plan.zones)
    running = 0.0
    for (start, _, left), (end, right, _) in pairwise(table):
        turning = any(left) or any(right)
        kinks = [GENTLE_S, plan.ramp_s] if turning else []
        cuts = [start + kink - running for kink in kinks if running < kink < running + end - start]
        at, levels = start, left
        for stop in (*sorted(cuts), end):
            share = (stop - start) / (end - start)
            there = tuple(a + (b - a) * share for a, b in zip(left, right, strict=True))
            yield Stretch(at, stop, levels, there, running, turning)
            running += stop - at if turning else 0.0
            at, levels = stop, there


def _jumps(plan: Plan) -> Iterator[_Found]:
    """No level may rise in no time; it may fall (R3)."""
    for t, before, after in rows(plan.zones):
        for zone, low, high in zip(ZONES, before, after, strict=True):
            if high > low + EPS:
                yield (
                    "R3",
                    t,
                    zone,
                    f"level of {zone} jumps from {low:g} to {high:g} at {t:g} s",
                    f"rise over {high - low:g} s, 1 point a second",
                )


def _levels(plan: Plan, stretch: Stretch) -> Iterator[_Found]:
    span = stretch.end - stretch.start
    for zone in plan.zones:
        low, high = stretch.before[zone.index], stretch.after[zone.index]
        cap = min(plan.limits.caps[zone.index], BOUNDS[zone.index], plan.cap)
        if max(low, high) > cap + EPS:
            yield (
                "R1",
                stretch.start,
                zone,
                f"level of {zone} reaches {max(low, high):g} and {cap:g} is its cap",
                f"make it {cap:g} or less",
            )
        for level, ran, t in (
            (low, stretch.running, stretch.start),
            (high, stretch.running_end, stretch.end),
        ):
            top = envelope(ran, cap, plan.ramp_s)
            if level > top + EPS:
                yield (
                    "R2",
                    stretch.start,
                    zone,
                    f"level of {zone} is {level:g} at {t:g} s, after {ran:g} s of running",
                    f"at most {top:.4g} is allowed by then",
                )
        if high - low > RISE_PER_S * span + EPS:
            yield (
                "R3",
                stretch.start,
                zone,
                f"level of {zone} rises {(high - low) / span:.3g} points a second from {stretch.start:g} s"
                f" to {stretch.end:g} s",
                f"at most 1 is allowed: take {high - low:.4g} s for it",
            )
    for total, t in ((sum(stretch.before), stretch.start), (sum(stretch.after), stretch.end)):
        most = min(plan.limits.sum_cap, SUM_BOUND)
        if total > most + EPS:
            yield (
                "R1",
                stretch.start,
                "sum",
                f"all zones together reach {total:g} at {t:g} s",
                f"at most {most:g} is allowed: lower some of them",
            )


def _fade(plan: Plan, stretches: list[Stretch]) -> Iterator[_Found]:
    """The last powered part falls to zero without a break or a jump over 5 s or more (R8)."""
    turning = [stretch for stretch in stretches if stretch.turning]
    if not turning:
        return
    end = turning[-1].end
    start = end - FADE_MIN_S
    if not FADE_MIN_S <= plan.fade_s <= FADE_MAX_S:
        yield ("R8", end, "fade", f"the fade is {plan.fade_s:g} s", "make it 5 to 10 s")
    steady = start >= -EPS and sum(turning[-1].after) <= EPS
    while turning and turning[-1].end > start + EPS:
        stretch = turning.pop()
        falls = all(
            high <= low + EPS for low, high in zip(stretch.before, stretch.after, strict=True)
        )
        joined = not turning or stretch.start <= start + EPS or _joined(turning[-1], stretch)
        # Two ends that are meant to be one may differ in their last digits.
        lower = sum(stretch.after) < sum(stretch.before) or stretch.end - stretch.start <= EPS
        steady = steady and falls and joined and lower
    if not steady:
        yield (
            "R8",
            end - 2 * EPS,
            "fade",
            f"the last powered step does not fade to zero over {FADE_MIN_S:g} s or more",
            f"make it longer than {plan.fade_s:g} s",
        )


def _joined(first: Stretch, second: Stretch) -> bool:
    """Whether no level jumps between two stretches."""
    return first.end >= second.start - EPS and all(
        abs(low - high) <= EPS for low, high in zip(first.after, second.before, strict=True)
    )


def _hands(plan: Plan, stretches: list[Stretch]) -> Iterator[_Found]:
    """In a hands-only step every level is zero from its first moment to its last (Z1, K8)."""
    quiet = [guided for guided in plan.guided if guided.motors_off]
    index = 0
    for stretch in stretches:
        while (
            index < len(quiet) and quiet[index].t + quiet[index].duration_s <= stretch.start + EPS
        ):
            index += 1
        if index < len(quiet) and stretch.turning and stretch.end > quiet[index].t + EPS:
            yield (
                "Z1",
                quiet[index].t,
                "hands",
                f"a motor turns in the hands-only step at {quiet[index].t:g} s",
                "let the levels reach zero before it",
            )


def _holds(plan: Plan, stretches: list[Stretch]) -> Iterator[_Found]:
    """No sustained hold before the tissue is warm (P5)."""
    ends = [segment.t for segment in plan.motions[1:]] + [plan.duration_s]
    index = 0
    for segment, end in zip(plan.motions, ends, strict=True):
        holding = [
            zone for zone in plan.zones if segment.patterns[zone.index].motion is Motion.HOLD
        ]
        while index < len(stretches) and stretches[index].end <= segment.t + EPS:
            index += 1
        cold = _cold(stretches, index, segment, end, holding)
        if cold is not None:
            yield (
                "P5",
                segment.t,
                "hold",
                f"a hold begins after {cold:g} s of running, and tissue needs {WARM_S:g} s of warming first",
                f"add 'warm_up: {WARM_S:g}' or gentler steps before it",
            )


def _cold(
    stretches: list[Stretch], index: int, segment: Segment, end: float, holding: list[Zone]
) -> float | None:
    """Seconds of running at which a hold begins before the tissue is warm, if it does."""
    cold: float | None = None
    for at in range(index, len(stretches)):
        stretch = stretches[at]
        late = max(segment.t - stretch.start, 0.0) if stretch.turning else 0.0
        ran = stretch.running + late
        if stretch.start >= end - EPS or ran >= WARM_S - EPS:
            break
        if any(stretch.before[zone.index] or stretch.after[zone.index] for zone in holding):
            cold = ran
            break
    return cold
