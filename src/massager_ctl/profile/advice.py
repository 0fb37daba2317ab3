"""Advice on a valid profile: what its author may not have meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from massager_ctl.profile.format.nodes import Problem
from massager_ctl.profile.model import HandsOn, Percent, Place, Powered, Profile
from massager_ctl.profile.plan.curve import value_at
from massager_ctl.profile.plan.timeline import ANNOUNCE_S, Plan, Point

USUAL_S: Final = 600.0
"""Seconds of running after which longer is not better (T1)."""

MODERATE: Final = 50.0
"""Percent above which a cap is more than light to moderate (P2); a design choice."""

SHORT_S: Final = 5.0


def advise(profile: Profile, plan: Plan) -> tuple[Problem, ...]:
    """What could be better, in the order of the lines; `plan` is the profile's own, without personal caps."""
    found = [
        *_metadata(profile),
        *_strength(profile, plan),
        *_steps(profile, plan),
        *_announced(plan),
    ]
    return tuple(sorted(found, key=lambda problem: (problem.place.line, problem.place.column)))


def _metadata(profile: Profile) -> Iterator[Problem]:
    place = profile.place
    if not profile.summary:
        yield Problem(place, "advice", "no summary", "say in a sentence what it is for")
    if profile.powered and not profile.not_for:
        yield Problem(place, "advice", "no not_for", "say who should not use it")
    if not profile.tags:
        yield Problem(
            place, "advice", "no tags", "say what people come with, such as stress or desk"
        )


def _strength(profile: Profile, plan: Plan) -> Iterator[Problem]:
    if profile.cap > MODERATE:
        yield Problem(
            profile.place, "P2", f"cap {profile.cap:g}", "light to moderate is 50 or less"
        )
    if plan.running_s > USUAL_S:
        yield Problem(
            profile.place,
            "T1",
            f"the motors run for {plan.running_s:g} s",
            "5 to 10 minutes are usual, and longer is not better",
        )
    for zone, points in plan.zones.items():
        if zone.mirror not in plan.zones:
            yield Problem(
                profile.place, "advice", f"{zone} without its other side", "use each_side"
            )
        elif zone.is_left and abs(peak(points) - peak(plan.zones[zone.mirror])) > 5.0:
            yield Problem(
                profile.place,
                "advice",
                f"{zone} reaches {peak(points):.3g} and {zone.mirror} {peak(plan.zones[zone.mirror]):.3g}",
                "give both sides the same level instead of a share",
            )


def _steps(profile: Profile, plan: Plan) -> Iterator[Problem]:
    seen: set[Place] = set()
    for step, planned in zip(profile.steps, plan.steps, strict=True):
        if step.place in seen:
            continue
        seen.add(step.place)
        match step:
            case Powered():
                if step.duration_s < SHORT_S:
                    yield Problem(
                        step.place,
                        "advice",
                        f"a step of {step.duration_s:g} s",
                        "too short to feel",
                    )
                yield from _unreached(step, plan, planned.t)
            case HandsOn() if len(step.text) > step.duration_s * 20:
                yield Problem(
                    step.place,
                    "advice",
                    f"{len(step.text)} characters in {step.duration_s:g} s",
                    "give time to read",
                )
            case _:
                pass


def _announced(plan: Plan) -> Iterator[Problem]:
    """Motors that start after hands-only time are announced; a shorter step makes the session wait (P1)."""
    for start in plan.motor_starts:
        since = start
        for guided in reversed(plan.guided):
            if guided.motors_off and abs(guided.t + guided.duration_s - since) < 1e-6:
                since = guided.t
        if start - since < ANNOUNCE_S:
            first = next(step for step in plan.steps if step.t == since)
            yield Problem(
                first.place,
                "P1",
                f"motors start after {start - since:g} s of hands-only time",
                f"{ANNOUNCE_S:g} s or more leave time to put the device back; a session waits for the rest",
            )


def _unreached(step: Powered, plan: Plan, start: float) -> Iterator[Problem]:
    """A level that the ramp does not allow before the step is over (R2, R3)."""
    end = start + step.duration_s
    for part in step.parts:
        if not isinstance(part.aim, Percent):
            continue
        points = plan.zones[part.zone]
        bends = [level for t, level in points if start <= t <= end]
        reached = max([*bends, value_at(points, start), value_at(points, end)])
        if reached < part.aim.value - 0.5:
            yield Problem(
                step.place,
                "R2",
                f"level {part.aim.value:g} is not reached in this step: at most {reached:.3g}",
                "a longer step, a later place or a lower level",
            )
            return


def peak(points: tuple[Point, ...]) -> float:
    """The highest level of a curve, percent."""
    return max(level for _, level in points)
