"""R20: the proof finds each broken rule in curves made by hand, and nothing in a sound one."""

# ruff: noqa: E501 (a table of one-line cases)

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from massager_ctl.model.device import VIBRATE_ALL, Pattern
from massager_ctl.model.units import ZONES, Motion, Zone, per_zone
from massager_ctl.profile.model import Place
from massager_ctl.profile.plan.prove import Violation, prove
from massager_ctl.profile.plan.timeline import Guided, Plan, PlanStep, Point, Segment
from massager_ctl.safety.limits import CapLayer, combine

HOLD = Pattern(Motion.HOLD)
HOLD_ALL = (HOLD, HOLD, HOLD, HOLD, HOLD, HOLD)


def plan(
    points: list[Point] | None = None, zone: Zone = Zone.TRAPEZIUS_LEFT, **changes: Any
) -> Plan:
    """A plan with one curve, which by default rises to 10, stays and fades."""
    points = points or [(0.0, 0.0), (10.0, 10.0), (52.0, 10.0), (60.0, 0.0)]
    sound = Plan(
        id="x",
        title="X",
        technique="",
        cap=40.0,
        limits=combine((CapLayer.flat("profile", 40.0, "this profile's cap"),)),
        duration_s=points[-1][0],
        ramp_s=300.0,
        fade_s=8.0,
        limit_s=1590.0,
        running_s=points[-1][0],
        zones={zone: tuple(points)},
        motions=(Segment(0.0, VIBRATE_ALL, 5.0),),
        guided=(),
        phases=(),
        steps=(PlanStep(0.0, points[-1][0], "step", Place("x.yaml", 7, 3)),),
    )
    return msgspec.structs.replace(sound, **changes)


def rules(found: tuple[Violation, ...]) -> set[str]:
    return {violation.rule for violation in found}


def test_a_sound_plan_breaks_nothing() -> None:
    assert prove(plan()) == ()


def test_a_curve_may_touch_the_envelope_everywhere() -> None:
    touching = [(0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (300.0, 40.0), (592.0, 40.0), (600.0, 0.0)]
    assert prove(plan(touching)) == ()


def test_nothing_turns_and_nothing_is_wrong() -> None:
    assert prove(plan(zones={}, duration_s=1590.0)) == ()
    assert prove(plan(zones={}, steps=())) == ()


CASES: list[tuple[str, list[Point], str]] = [
    ("R1", [(0, 0), (10, 10), (60, 10), (300, 40), (301, 40.2), (592, 40.2), (600, 0)], "reaches 40.2 and 40 is its cap"),
    ("R2", [(0, 0), (10.2, 10.2), (52, 10.2), (60, 0)], "10.2 at 10.2 s, after 10.2 s of running"),
    # A corner between two sound ends: the envelope bends at 60 s, the curve does not.
    ("R2", [(0, 0), (10, 10), (40, 10), (80, 12.4), (92, 12.4), (100, 0)], "at 60 s, after 60 s of running"),
    # Time at zero earns nothing: 100 s on the clock are 20 s of running.
    ("R2", [(0, 0), (10, 10), (20, 0), (90, 0), (101, 11), (110, 11), (118, 0)], "after 31 s of running"),
    ("R3", [(0, 0), (9, 10), (52, 10), (60, 0)], "rises 1.11 points a second from 0 s to 9 s"),
    ("R3", [(0, 0), (10, 5), (10, 8), (52, 8), (60, 0)], "jumps from 5 to 8 at 10 s"),
    ("R3", [(0, 4), (52, 4), (60, 0)], "starts at 4"),
    ("R8", [(0, 0), (10, 10), (52, 10), (60, 1)], "not at zero at the end"),
    ("R8", [(0, 0), (10, 10), (58, 10), (60, 0)], "does not fade to zero over 5 s or more"),
    ("R8", [(0, 0), (10, 10), (58, 10), (58, 0), (60, 0)], "does not fade to zero"),
    ("R8", [(0, 0), (10, 10), (50, 10), (52, 8), (54, 8), (60, 0)], ""),
    ("R8", [(0, 0), (10, 10), (50, 10), (56, 4), (56, 3), (60, 0)], "does not fade to zero"),
    ("R8", [(0, 0), (10, 10), (50, 10), (55, 4), (56, 5), (60, 0)], "does not fade to zero"),
    ("R8", [(0, 0), (2, 2), (4, 0)], "does not fade to zero"),
    ("R8", [(0, 0), (10, 10), (52, 0), (56, 0), (57, 1), (58, 0)], "does not fade to zero"),
    ("R1", [(0, 45), (40, 5), (52, 5), (60, 0)], "reaches 45 and 40 is its cap"),
    ("R1", [(0, 0), (10, 10), (60, 10), (300, 39), (304, 43), (304, 10), (392, 10), (400, 0)], "reaches 43 and 40 is its cap"),
    # Shorter than a fade; to a level that is not zero; with a moment at zero in it; and a jump right before it.
    ("R8", [(0, 4), (4, 0)], "does not fade to zero"),
    ("R8", [(0, 0), (10, 10), (50, 10), (56, 4), (56, 0), (60, 0)], "does not fade to zero"),
    ("R8", [(0, 0), (10, 10), (50, 5), (50, 0), (52, 0), (52, 5), (56, 0)], "does not fade to zero"),
    ("R8", [(0, 0), (10, 10), (50, 10), (50, 8), (58, 0)], ""),
    ("R8", [(0, 0), (10, 10), (50, 10), (57, 2), (60, 0)], ""),
    ("R19", [(0, 0), (10, 10), (9, 10), (52, 10), (60, 0)], "has no percent at 9 s"),
    ("R19", [(0, 0), (10, -1), (60, 0)], "has no percent at 10 s"),
    ("R19", [(0, 0), (10, float("nan")), (60, 0)], "has no percent at 10 s"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "points", "words"), CASES)
def test_a_broken_rule_is_found(rule: str, points: list[Point], words: str) -> None:
    curve = [(float(t), float(level)) for t, level in points]
    found = [violation for violation in prove(plan(curve)) if violation.rule == rule]
    if not words:
        assert found == []
        return
    assert any(words in violation.what for violation in found), prove(plan(curve))
    assert str(found[0]).startswith(f"x.yaml:7:3: {rule}: ")


def test_a_plan_without_limits_of_its_own_meets_the_bounds() -> None:
    high = [(0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (300.0, 36.0), (592.0, 36.0), (600.0, 0.0)]
    assert rules(prove(plan(high, Zone.SUBOCCIPITAL_LEFT))) == {"R1", "R2"}


@pytest.mark.parametrize(
    ("zone", "own", "limit", "cap"),
    [
        (Zone.TRAPEZIUS_LEFT, 20.0, 70.0, 20),
        (Zone.TRAPEZIUS_LEFT, 70.0, 20.0, 20),
        (Zone.SUBOCCIPITAL_LEFT, 70.0, 70.0, 35),
    ],
)
def test_r1_the_profiles_cap_the_limits_and_the_bounds_each_hold_alone(
    zone: Zone, own: float, limit: float, cap: int
) -> None:
    """Also where someone's limits say more than the bounds."""
    high = [(0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (300.0, 36.0), (592.0, 36.0), (600.0, 0.0)]
    limits = msgspec.structs.replace(combine(()), caps=(limit,) * 6)
    found = [one for one in prove(plan(high, zone, cap=own, limits=limits)) if one.rule == "R1"]
    assert [f"reaches 36 and {cap} is its cap" in one.what for one in found] == [True]


def test_r1_the_bound_of_the_sum_holds_whatever_the_limits_say() -> None:
    points = ((0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (300.0, 41.0), (592.0, 41.0), (600.0, 0.0))
    zones = dict.fromkeys([*Zone][:4], points) | dict.fromkeys(
        [*Zone][4:], ((0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (300.0, 30.0), (600.0, 0.0))
    )
    limits = msgspec.structs.replace(combine(()), sum_cap=300.0)
    found = prove(plan(list(points), zones=zones, cap=70.0, limits=limits))
    assert rules(found) == {"R1"}
    assert "at most 200 is allowed" in found[0].fix


def test_r8_a_curve_that_goes_on_after_the_end_is_not_at_zero_at_the_end() -> None:
    found = prove(plan(duration_s=59.0))
    assert [(one.rule, one.what) for one in found] == [
        ("R8", "trapezius_left is not at zero at the end")
    ]


def test_r8_no_zone_rises_in_the_fade_and_its_step_is_named() -> None:
    falling = ((0.0, 0.0), (10.0, 10.0), (50.0, 10.0), (60.0, 0.0))
    rising = ((0.0, 0.0), (50.0, 0.0), (56.0, 1.0), (60.0, 0.0))
    steps = (
        PlanStep(0.0, 50.0, "one", Place("x.yaml", 4, 5)),
        PlanStep(50.0, 10.0, "two", Place("x.yaml", 9, 5)),
        PlanStep(60.0, 10.0, "three", Place("x.yaml", 12, 5)),
    )
    zones = {Zone.NECK_LEFT: falling, Zone.NECK_RIGHT: falling}
    assert prove(plan(zones=zones, steps=steps, duration_s=70.0)) == ()
    zones = {Zone.NECK_LEFT: falling, Zone.NECK_RIGHT: rising}
    (found,) = prove(plan(zones=zones, steps=steps, duration_s=70.0))
    assert ("does not fade to zero" in found.what, found.place.line) == (True, 9)


def test_the_sum_over_all_zones_is_bounded() -> None:
    points = ((0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (300.0, 40.0), (592.0, 40.0), (600.0, 0.0))
    zones = dict.fromkeys(list(Zone)[:4], points)
    assert prove(plan(list(points), zones=zones)) == ()
    tight = combine((), sum_cap=150.0)
    found = prove(plan(list(points), zones=zones, limits=tight))
    assert rules(found) == {"R1"}
    assert "all zones together reach 160" in found[0].what


@pytest.mark.parametrize(
    ("ramp", "wrong"), [(299.0, True), (300.0, False), (600.0, False), (601.0, True)]
)
def test_the_ramp_is_300_to_600_seconds(ramp: float, wrong: bool) -> None:
    assert ("R2" in rules(prove(plan(ramp_s=ramp)))) is wrong


@pytest.mark.parametrize(
    ("fade", "wrong"), [(4.9, True), (5.0, False), (10.0, False), (10.1, True)]
)
def test_the_fade_is_5_to_10_seconds(fade: float, wrong: bool) -> None:
    assert ("R8" in rules(prove(plan(fade_s=fade)))) is wrong


@pytest.mark.parametrize(
    ("duration", "limit", "words"),
    [
        (1590.0, 1590.0, ""),
        (1591.0, 1590.0, "the maximum is 1590 s (26 min 30 s)"),
        (900.0, 900.0, ""),
        (901.0, 900.0, "names no duration may last 900 s"),
    ],
)
def test_a_session_is_bounded_in_time(duration: float, limit: float, words: str) -> None:
    found = prove(plan(duration_s=duration, limit_s=limit))
    assert [violation.rule for violation in found] == (["R8"] if words else [])
    assert all(words in violation.what for violation in found)


@pytest.mark.parametrize(
    ("start", "length", "wrong"),
    [(60.0, 10.0, False), (59.9, 10.0, True), (0.0, 5.0, True), (20.0, 5.0, True)],
)
def test_no_motor_turns_in_a_hands_only_step(start: float, length: float, wrong: bool) -> None:
    guided = (Guided(start, length, "by hand"),)
    found = rules(prove(plan(guided=guided, duration_s=70.0)))
    assert found == ({"Z1"} if wrong else set())


def test_hands_only_steps_between_powered_ones() -> None:
    points = [
        (0.0, 0.0),
        (5.0, 5.0),
        (10.0, 0.0),
        (20.0, 0.0),
        (25.0, 5.0),
        (32.0, 5.0),
        (40.0, 0.0),
    ]
    two = (Guided(10.0, 10.0, "hands"), Guided(12.0, 3.0, "words", motors_off=False))
    assert prove(plan(points, guided=two)) == ()
    assert rules(prove(plan(points, guided=(Guided(10.0, 10.1, "hands"),)))) == {"Z1"}


@pytest.mark.parametrize(
    ("at", "wrong"), [(0.0, True), (119.9, True), (120.0, False), (200.0, False)]
)
def test_a_hold_needs_two_minutes_of_warming(at: float, wrong: bool) -> None:
    points = [(0.0, 0.0), (10.0, 10.0), (292.0, 10.0), (300.0, 0.0)]
    motions = (Segment(0.0, VIBRATE_ALL, 5.0), Segment(at, HOLD_ALL, 5.0))
    found = prove(plan(points, motions=motions))
    assert rules(found) == ({"P5"} if wrong else set())
    assert all(f"after {at:g} s of running" in violation.what for violation in found)


def test_a_hold_at_zero_is_no_hold() -> None:
    points = [(0.0, 0.0), (10.0, 10.0), (52.0, 10.0), (60.0, 0.0), (100.0, 0.0)]
    motions = (
        Segment(0.0, VIBRATE_ALL, 5.0),
        Segment(60.0, HOLD_ALL, 5.0),
        Segment(80.0, VIBRATE_ALL, 5.0),
    )
    assert prove(plan(points, motions=motions)) == ()


def test_a_hold_counts_while_its_own_segment_lasts() -> None:
    points = [(0.0, 0.0), (10.0, 10.0), (52.0, 10.0), (60.0, 0.0)]
    later = [(80.0, 0.0), (90.0, 10.0), (92.0, 10.0), (100.0, 0.0)]
    motions = [Segment(t, of, 5.0) for t, of in ((0.0, VIBRATE_ALL), (60.0, HOLD_ALL))]
    assert prove(plan([*points, *later], motions=(*motions, Segment(80.0, VIBRATE_ALL, 5.0)))) == ()
    (found,) = prove(plan([*points, *later], motions=tuple(motions)))
    assert "a hold begins after 60 s of running" in found.what
    (found,) = prove(plan(points, motions=(motions[0], Segment(52.0, HOLD_ALL, 5.0))))
    assert "a hold begins after 52 s of running" in found.what, "on its way down too"


@pytest.mark.parametrize(("begins", "wrong"), [(110.0, True), (119.0, True), (120.0, False)])
def test_what_another_zone_has_run_warms_for_a_hold(begins: float, wrong: bool) -> None:
    held, other = Zone.NECK_LEFT, Zone.NECK_RIGHT
    patterns = per_zone([HOLD if zone is held else Pattern() for zone in ZONES])
    zones = {
        held: ((0.0, 0.0), (begins, 0.0), (begins + 10, 10.0), (292.0, 10.0), (300.0, 0.0)),
        other: ((0.0, 0.0), (10.0, 10.0), (292.0, 10.0), (300.0, 0.0)),
    }
    motions = (Segment(0.0, patterns, 5.0),)
    found = prove(plan(zones=zones, motions=motions, duration_s=300.0))
    assert [one.rule for one in found] == (["P5"] if wrong else [])
    assert all(f"after {begins:g} s" in one.what for one in found)


def test_words_beside_the_motors_stop_none() -> None:
    assert prove(plan(guided=(Guided(10.0, 10.0, "Lean in.", motors_off=False),))) == ()


def test_each_step_and_zone_is_named_once() -> None:
    points = [(0.0, 0.0), (5.0, 10.0), (10.0, 5.0), (15.0, 15.0), (52.0, 10.0), (60.0, 0.0)]
    steps = (
        PlanStep(0.0, 10.0, "one", Place("x.yaml", 4, 5)),
        PlanStep(10.0, 50.0, "two", Place("x.yaml", 9, 5)),
    )
    found = prove(plan(points, steps=steps))
    assert [(violation.rule, violation.place.line) for violation in found] == [
        ("R3", 4),
        ("R2", 9),
        ("R3", 9),
    ]
