"""R1 to R3, R8, R20: a plan for a device that can do less: what stands in, and what is refused."""

# ruff: noqa: E501 (a table of one-line cases)

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.profile.planned import ONE, device, planned

from massager_ctl.errors import Refused
from massager_ctl.model.device import Pattern, Sensing
from massager_ctl.model.units import ZERO, ZONES, Direction, Motion, Zone
from massager_ctl.profile.plan.timeline import Guided
from massager_ctl.safety.limits import combine


def test_too_long_for_the_device_is_refused() -> None:
    with pytest.raises(Refused, match="lasts 600 s and this device allows 591 s a session"):
        planned(ONE, info=device(session_s=690))
    with pytest.raises(
        Refused, match="runs the motors for 600 s and this device allows 591 s an hour"
    ):
        planned(ONE, info=device(allowance_s=690))


def test_what_is_left_must_be_sound_too() -> None:
    steps = (
        "  - zones: trapezius\n    level: 10\n    duration: 120\n"
        "  - zones: neck\n    level: 8\n    motion: hold\n    duration: 30\n"
    )
    without = device(zones=frozenset({Zone.NECK_LEFT, Zone.NECK_RIGHT}))
    with pytest.raises(
        Refused, match=r"what is left of 'p' under these limits breaks a rule: .*P5"
    ):
        planned(steps, info=without)


def test_a_capable_device_changes_nothing() -> None:
    assert planned(ONE, info=device()).zones == planned(ONE).zones
    assert planned(ONE, info=device()).notes == ()


def test_a_weaker_device_lowers_the_plan() -> None:
    plan = planned(ONE, info=device(caps=(20.0,) * 6))
    assert plan.notes == ("the device allows no more: capped at 20",)
    assert plan.limits.caps == (20.0,) * 6


def test_r1_the_lower_sum_of_device_and_limits_holds() -> None:
    both = "  - zones: [neck, trapezius]\n    level: 30\n    duration: 600\n"
    plan = planned(both, info=device(sum_cap=60.0))
    assert plan.limits.sum_cap == 60.0
    assert plan.notes == ("all zones together are capped at 60",)
    tight = planned(both, info=device(sum_cap=60.0), limits=combine((), sum_cap=50.0))
    assert tight.limits.sum_cap == 50.0


@pytest.mark.parametrize(
    ("changes", "motion", "direction", "peak", "note"),
    [
        ({"zones": frozenset(ZONES[1:])}, None, None, 40.0, "this device has no trapezius_left pad: that zone is left out"),
        ({"motions": frozenset(Motion) - {Motion.KNEAD}}, Motion.CIRCLE, Direction.CW, 40.0, "this device cannot knead at trapezius_left: circle instead, no stronger"),
        ({"kneading": frozenset(ZONES[1:])}, Motion.GLIDE, Direction.ALTERNATE, 40.0, "this device cannot knead at trapezius_left: glide instead, no stronger"),
        ({"sensing": frozenset({Sensing.BATTERY}), "motions": frozenset({Motion.KNEAD, Motion.VIBRATE})}, Motion.VIBRATE, Direction.NONE, 20.0, "this device cannot knead at trapezius_left: vibrate instead, no stronger"),
        ({"directions": frozenset({Direction.CCW, Direction.NONE})}, Motion.KNEAD, Direction.CCW, 40.0, "this device cannot knead cw: ccw instead"),
        ({"sensing": frozenset({Sensing.SPEED})}, Motion.KNEAD, Direction.CW, 40.0, None),
        ({"heat": False}, Motion.KNEAD, Direction.CW, 40.0, "this device has no heat: the session goes without"),
    ],
)  # fmt: skip
def test_what_a_device_cannot_do_is_replaced_by_the_nearest_gentler(
    changes: dict[str, Any], motion: Motion | None, direction: Any, peak: float, note: str | None
) -> None:
    steps = "  - zones: trapezius\n    motion: knead\n    direction: cw\nduration: 10 min\n"
    plan = planned(steps, "cap: 40\nheat: 37", info=device(**changes))
    assert (note is None and plan.notes == ()) or note in plan.notes
    left = plan.zones.get(Zone.TRAPEZIUS_LEFT)
    if motion is None:
        assert left is None
        return
    assert left is not None
    assert max(level for _, level in left) == peak
    assert plan.motions[0].patterns[0] == Pattern(motion, direction)
    assert plan.needs_presence is bool(changes.get("heat", True))


def test_a_weaker_stand_in_is_no_stronger_than_what_it_stands_in_for() -> None:
    """Gliding runs at half of what vibration does: its level is not doubled for that."""
    steps = "  - zones: trapezius\n    motion: vibrate\nduration: 10 min\n"
    plan = planned(steps, info=device(motions=frozenset({Motion.GLIDE, Motion.REST})))
    assert plan.motions[0].patterns[0].motion is Motion.GLIDE
    assert max(level for _, level in plan.zones[Zone.TRAPEZIUS_LEFT]) == 40.0


def test_a_device_without_heat_is_no_news_to_a_profile_without() -> None:
    assert planned(ONE, info=device(heat=False)).notes == ()


def test_percent_and_keyframes_are_scaled_for_a_stronger_stand_in() -> None:
    steps = (
        "  - zones: neck_left\n    motion: knead\n    level: 8\n    duration: 30\n"
        "  - zones: neck_left\n    motion: knead\n    keyframes: [[0, 8], [30, 8]]\n"
        "  - zones: neck_right\n    motion: circle\n    duration: 30\n"
        "  - guide: Rest.\n    duration: 5\n  - rest: 5\n"
    )
    plan = planned(steps, info=device(motions=frozenset({Motion.VIBRATE, Motion.REST})))
    assert max(level for _, level in plan.zones[Zone.NECK_LEFT]) == 4.0


def test_a_part_that_cannot_be_played_at_all_is_a_rest() -> None:
    only = device(motions=frozenset({Motion.VIBRATE}), vibration=frozenset({Zone.NECK_LEFT}))
    steps = "  - zones: trapezius\n    duration: 60\n    say: A\n  - zones: neck_left\n    duration: 60\n"
    plan = planned(steps, info=only)
    assert set(plan.zones) == {Zone.NECK_LEFT}
    assert plan.duration_s == 120.0
    assert (
        "this device cannot vibrate at trapezius_left, nor anything gentler: left out" in plan.notes
    )
    assert plan.guided == (Guided(0.0, 60.0, "A", motors_off=False),)
    with pytest.raises(Refused, match="nothing of 'p' is left to play on device TEST"):
        planned(ONE, info=only)


def test_a_session_by_hand_needs_no_motors() -> None:
    plan = planned("  - guide: Tuck your chin.\n    duration: 60\n", info=device(zones=frozenset()))
    assert (plan.powered, plan.running_s, plan.fade_at, plan.needs_presence) == (
        False,
        0.0,
        None,
        False,
    )
    cursor = plan.cursor()
    assert cursor.at(5.0).levels == ZERO
    assert cursor.phase_at(5.0) == "by hand"


@pytest.mark.parametrize(
    "steps",
    [
        "  - {zones: all, duration: 400}\n  - {guide: Turn., duration: 5}\n  - {zones: all, duration: 30}",
        "  - {zones: all, duration: 60, level: 1}\n  - {guide: Turn., duration: 5}\n  - {zones: all, duration: 35}\n"
        "  - {guide: Turn., duration: 5}\n  - {zones: all, duration: 30}",
        "  - {zones: neck, duration: 400}\n  - {guide: Turn., duration: 5}\n  - {zones: trapezius, duration: 30}",
    ],
)
@pytest.mark.parametrize("zone", [Zone.TRAPEZIUS_LEFT, Zone.NECK_LEFT, Zone.SUBOCCIPITAL_LEFT])
def test_r15_a_weaker_device_lets_go_of_a_zone_no_later_than_the_whole_one(
    steps: str, zone: Zone
) -> None:
    """Before a step for hands only, how a zone falls depends on no other zone."""
    whole = planned(steps, "cap: 70")
    for caps in ((70.0, 70.0, 50.0, 50.0, 35.0, 35.0), (5.0,) * 6):
        try:
            weak = planned(steps, "cap: 70", info=device(zones=frozenset({zone}), caps=caps))
        except Refused:
            assert zone not in whole.zones
            continue
        mine, theirs = weak.cursor(), whole.cursor()
        for tenth in range(int(whole.duration_s * 10) + 1):
            low, high = mine.levels(tenth / 10), theirs.levels(tenth / 10)
            assert low[zone.index] <= high[zone.index] + 1e-6, tenth / 10
