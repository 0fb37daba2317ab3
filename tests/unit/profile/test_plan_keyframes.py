"""R1 to R3, R8, R20: keyframes are taken as they stand, lowered with the caps, or refused."""

from __future__ import annotations

import pytest
from tests.unit.profile.planned import planned

from massager_ctl.errors import ProfileError
from massager_ctl.model.units import Zone
from massager_ctl.safety.limits import CapLayer, combine


def test_lowered_keyframes_follow_the_envelope_around_its_bends() -> None:
    steps = (
        "  - {zones: neck, keyframes: [[10, 10], [70, 10], [310, 45], [400, 45]], duration: 500}\n"
    )
    limits = combine((CapLayer.flat("user", 40.0, "your cap"),))
    cursor = planned(steps, head="cap: 50", limits=limits).cursor()
    at = {t: cursor.levels(t)[Zone.NECK_LEFT.index] for t in (60.0, 295.0, 300.0, 400.0)}
    assert at == pytest.approx({60.0: 10.0, 295.0: 39.375, 300.0: 40.0, 400.0: 40.0})


def test_keyframes_are_taken_as_they_stand() -> None:
    plan = planned(
        "  - zones: neck_left\n    keyframes: [[10, 10], [20, 10], [20.5, 4], [60, 4]]\n    duration: 70\n"
    )
    assert plan.zones[Zone.NECK_LEFT] == (
        (0.0, 0.0), (10.0, 10.0), (20.0, 10.0), (20.5, 4.0), (62.0, 4.0), (70.0, 0.0),
    )  # fmt: skip


def test_keyframes_go_on_from_the_level_before_them_and_last_as_long_as_their_step() -> None:
    before = "  - {zones: neck, level: 8, duration: 30}\n"
    after = "  - {zones: neck, level: 2, duration: 30}\n"
    falling = "  - {zones: neck, keyframes: [[10, 0], [12, 0]], duration: 40}\n"
    plan = planned(before + falling + after)
    assert plan.zones[Zone.NECK_LEFT][:4] == ((0.0, 0.0), (8.0, 8.0), (30.0, 8.0), (40.0, 0.0))
    assert plan.running_s == 30.0 + 10.0 + 30.0, "the way down is running, and zero is not"
    low = planned(before + falling + after, limits=combine((CapLayer.flat("user", 8.0, "yours"),)))
    assert low.cursor().levels(35.0)[Zone.NECK_LEFT.index] == pytest.approx(4.0)
    last = planned(before + "  - {zones: neck, keyframes: [[0, 8], [10, 0]], duration: 40}\n")
    assert last.zones[Zone.NECK_LEFT][-2:] == ((40.0, 0.0), (70.0, 0.0))


def test_a_zone_that_falls_beside_keyframes_of_zero_is_running() -> None:
    plan = planned(
        "  - {zones: neck_right, level: 10, duration: 30}\n"
        "  - {zones: neck_left, keyframes: [[0, 0], [20, 0]]}\n"
        "  - {zones: neck_left, level: 5, duration: 30}\n"
    )
    assert plan.running_s == 30.0 + 2.0 + 30.0


def test_keyframes_that_end_at_zero_keep_their_own_fade() -> None:
    plan = planned(
        "  - zones: neck_left\n    keyframes: [[0, 0], [10, 10], [30, 10], [40, 0], [60, 0]]\n"
        "  - guide: Rest.\n    duration: 5\n"
    )
    assert plan.zones[Zone.NECK_LEFT] == (
        (0.0, 0.0), (10.0, 10.0), (30.0, 10.0), (40.0, 0.0), (65.0, 0.0),
    )  # fmt: skip
    assert (plan.fade_at, plan.running_s) == (32.0, 40.0)


def test_a_spike_between_keyframes_is_refused_with_its_line() -> None:
    with pytest.raises(ProfileError) as caught:
        planned(
            "  - zones: neck_right\n    duration: 30\n"
            "  - zones: neck_left\n    keyframes: [[10, 8], [12, 30], [14, 8]]\n    duration: 60\n"
        )
    found = caught.value.problems
    assert [problem.split(": ")[:2] for problem in found] == [
        ["p.yaml:6:5", "R2"],
        ["p.yaml:6:5", "R3"],
    ]
    assert "rises 11 points a second from 40 s to 42 s" in found[1]


def test_keyframes_are_lowered_for_personal_caps_and_not_refused() -> None:
    steps = (
        "  - zones: neck_right\n    duration: 30\n    level: 3\n"
        "  - zones: [neck_left, trapezius_left]\n"
        "    keyframes: {neck_left: [[60, 10], [120, 14], [130, 12]], trapezius_left: [[0, 0], [90, 9]]}\n"
        "    duration: 140\n"
    )
    plan = planned(steps, limits=combine((CapLayer.flat("user", 8.0, "your cap"),)))
    assert plan.notes == ("your cap: capped at 8",)
    assert max(level for _, level in plan.zones[Zone.NECK_LEFT]) == 8.0
    tight = planned(steps, limits=combine((), sum_cap=11.5))
    assert tight.notes == ("all zones together are capped at 11.5",)
    assert max(sum(tight.cursor().levels(t / 2)) for t in range(340)) <= 11.5 + 1e-6


def test_an_even_keyframe_step_of_zeros_is_not_running() -> None:
    plan = planned(
        "  - zones: neck_left\n    keyframes: [[0, 0], [20, 0]]\n"
        "  - zones: neck_left\n    duration: 30\n"
    )
    assert plan.running_s == 30.0
    silent = planned("  - zones: neck_left\n    keyframes: [[0, 0], [5, 0]]\n")
    assert (silent.running_s, silent.fade_at) == (0.0, 0.0)
