"""R1 to R3, R8, R20, R23: plans climb, fall and fade within the bounds, and name what happens in them."""

from __future__ import annotations

import pytest
from tests.unit.profile.planned import ONE, planned

from massager_ctl.model.device import Pattern
from massager_ctl.model.units import Motion, Zone


def test_a_share_follows_the_envelope_and_ends_in_the_fade() -> None:
    plan = planned(ONE)
    curve = ((0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (300.0, 40.0), (592.0, 40.0), (600.0, 0.0))
    assert plan.zones == {Zone.TRAPEZIUS_LEFT: curve, Zone.TRAPEZIUS_RIGHT: curve}
    assert (plan.duration_s, plan.running_s, plan.fade_at) == (600.0, 600.0, 592.0)
    assert [name for _, name in plan.phases] == ["warm-up", "ramp", "knead", "fade"]


def test_a_level_is_climbed_to_one_point_a_second_and_under_the_envelope() -> None:
    plan = planned("  - zones: neck_left\n    level: 20\n    duration: 300")
    assert plan.zones[Zone.NECK_LEFT] == (
        (0.0, 0.0), (10.0, 10.0), (60.0, 10.0), (140.0, 20.0), (292.0, 20.0), (300.0, 0.0),
    )  # fmt: skip


def test_a_later_step_climbs_at_one_point_a_second() -> None:
    plan = planned(
        "  - zones: neck_left\n    level: 5\n    duration: 300\n"
        "  - zones: neck_left\n    level: 25\n    duration: 100\n"
    )
    assert plan.zones[Zone.NECK_LEFT][2:5] == ((300.0, 5.0), (320.0, 25.0), (392.0, 25.0))


def test_levels_fall_softly_where_another_zone_takes_over() -> None:
    plan = planned(
        "  - zones: neck_left\n    level: 10\n    duration: 30\n"
        "  - zones: neck_right\n    level: 5\n    duration: 30\n"
        "  - zones: neck_right\n    level: 2\n    duration: 30\n"
    )
    assert plan.zones[Zone.NECK_LEFT][-3:] == ((30.0, 10.0), (32.0, 0.0), (90.0, 0.0))
    assert plan.zones[Zone.NECK_RIGHT] == (
        (0.0, 0.0), (30.0, 0.0), (35.0, 5.0), (60.0, 5.0), (60.6, 2.0), (82.0, 2.0), (90.0, 0.0),
    )  # fmt: skip
    assert plan.motions[0].patterns[Zone.NECK_LEFT.index] == Pattern()


@pytest.mark.parametrize(
    ("seconds", "level", "curve"),
    [
        # Softly, over the second half of the step at most, and no slower than 5 points a second.
        (10, 40, {0: 40.0, 5: 40.0, 7.5: 20.0, 10: 0.0}),
        (30, 40, {0: 40.0, 22: 40.0, 26: 20.0, 30: 0.0}),
        (30, 10, {0: 10.0, 28: 10.0, 29: 5.0, 30: 0.0}),
    ],
)
def test_a_zone_lets_go_in_the_second_half_of_a_step_before_one_by_hand(
    seconds: int, level: int, curve: dict[float, float]
) -> None:
    plan = planned(
        f"  - {{zones: neck, level: {level}, duration: 320}}\n"
        f"  - {{zones: neck, level: {level}, duration: {seconds}}}\n"
        "  - {guide: By hand., duration: 20}\n"
        "  - {zones: neck, level: 5, duration: 30}\n"
    )
    cursor = plan.cursor()
    found = {t: cursor.levels(320 + t)[Zone.NECK_LEFT.index] for t in curve}
    assert found == pytest.approx(curve)


def test_warm_up_ramp_and_what_follows_are_named_by_the_seconds_of_running() -> None:
    plan = planned(
        "  - {zones: neck, level: 5, duration: 30, title: first}\n"
        "  - {zones: neck, level: 5, duration: 20}\n"
        "  - {zones: neck, level: 5, duration: 20}\n"
        "  - {zones: neck, level: 5, duration: 20}\n"
        "  - {zones: neck, level: 5, duration: 230}\n"
        "  - {zones: neck, motion: circle, level: 5, duration: 100}\n"
    )
    assert plan.phases == (
        (0.0, "first"),
        (30.0, "warm-up"),
        (50.0, "warm-up"),
        (60.0, "ramp"),
        (70.0, "ramp"),
        (90.0, "ramp"),
        (300.0, "vibrate"),
        (320.0, "circle"),
        (412.0, "fade"),
    )


def test_motors_are_off_from_the_first_moment_of_a_hands_only_step() -> None:
    plan = planned(
        "  - zones: neck\n    level: 10\n    duration: 60\n"
        "  - guide: By hand.\n    duration: 20\n    bell: true\n    breathe: {in: 4, out: 6}\n"
        "  - zones: neck\n    level: 10\n    duration: 60\n    say: Now lean back.\n"
        "  - rest: 30\n    say: Done.\n"
    )
    curve = dict(plan.zones[Zone.NECK_LEFT])
    assert (curve[58.0], curve[60.0], curve[80.0], curve[140.0]) == (10.0, 0.0, 0.0, 0.0)
    assert plan.running_s == 120.0
    assert plan.fade_at == 132.0
    assert [(g.t, g.motors_off, g.bell) for g in plan.guided] == [
        (60.0, True, True),
        (80.0, False, False),
        (140.0, False, False),
    ]
    off = plan.cursor().at(70.0)
    assert {pattern.motion for pattern in off.patterns} == {Motion.REST}
    assert [name for _, name in plan.phases][-2:] == ["fade", "rest"]


def test_time_at_zero_earns_nothing() -> None:
    plan = planned(
        "  - zones: neck_left\n    duration: 40\n  - rest: 100\n  - zones: neck_left\n    duration: 60\n"
    )
    assert plan.running_s == pytest.approx(102.0)
    assert max(level for t, level in plan.zones[Zone.NECK_LEFT] if t < 158.0) == 10.0


@pytest.mark.parametrize(("left", "right"), [(20, 5), (5, 20)])
@pytest.mark.parametrize(("rest", "falls"), [(30, 4.0), (3, 3.0)])
def test_a_fall_into_a_rest_is_running_until_the_last_zone_is_at_zero(
    left: int, right: int, rest: int, falls: float
) -> None:
    first = (
        f"  - {{zones: neck_left, level: {left}, duration: 20}}\n"
        f"  - {{zones: neck, level: {left}, duration: 200}}\n"
        f"  - {{zones: neck, keyframes: {{neck_left: [[0, {left}]], neck_right: [[0, {left}], [20, {right}]]}}, duration: 20}}\n"  # noqa: E501
    )
    plan = planned(first + f"  - rest: {rest}\n  - {{zones: neck, level: 5, duration: 30}}\n")
    assert plan.running_s == pytest.approx(240.0 + falls + 30.0)


def test_a_last_step_shorter_than_the_fade_fades_from_its_first_moment() -> None:
    plan = planned(
        "  - {zones: neck, level: 5, duration: 300}\n  - {zones: neck, level: 5, duration: 6}\n"
    )
    assert plan.zones[Zone.NECK_LEFT][-2:] == ((300.0, 5.0), (306.0, 0.0))


def test_a_motion_is_told_once_for_as_long_as_it_lasts() -> None:
    plan = planned(
        "  - {zones: neck, level: 5, duration: 30}\n"
        "  - {zones: neck, level: 6, duration: 30}\n"
        "  - {zones: neck, level: 6, motion: glide, direction: up, duration: 30}\n"
        "  - {zones: neck, level: 6, motion: glide, direction: up, period: 9, duration: 30}\n"
        "  - {zones: neck, level: 6, motion: glide, direction: up, period: 9, heat: 38, duration: 30}\n"
    )
    assert [segment.t for segment in plan.motions] == [0.0, 60.0, 90.0, 120.0]


@pytest.mark.parametrize(
    ("extra", "texts"),
    [
        ("", []),
        (", say: Lean in.", ["Lean in."]),
        (", bell: true", [""]),
        (", breathe: {in: 4, out: 6}", [""]),
    ],
)
def test_words_a_bell_or_a_breath_each_make_a_step_one_that_is_heard(
    extra: str, texts: list[str]
) -> None:
    plan = planned(f"  - {{zones: neck, duration: 60{extra}}}\n")
    assert [guided.text for guided in plan.guided] == texts


def test_motors_start_again_after_each_step_by_hand() -> None:
    def powered(level: int) -> str:
        return f"  - {{zones: neck, level: {level}, duration: 60}}\n"

    hands = "  - {guide: By hand., duration: 20}\n"
    plan = planned(powered(5) + hands + powered(5) + powered(6) + hands + powered(5) + hands)
    assert plan.motor_starts == (80.0, 220.0)
    assert planned(hands + powered(5)).motor_starts == (20.0,)


def test_a_long_session_asks_for_signs_of_life() -> None:
    assert planned("  - zones: neck\nduration: 901\n").needs_presence
    assert not planned("  - zones: neck\nduration: 900\n").needs_presence
    assert not planned(
        "  - guide: Rest.\n    duration: 1000\n", "cap: 40\nduration: 1000"
    ).needs_presence


@pytest.mark.parametrize("hands", [30.05, 30.1, 9.9, 12.345])
def test_r8_a_fade_is_seen_whatever_the_last_digits_of_its_times_are(hands: float) -> None:
    """30.05 s and the 60 s after it give two ends that differ by rounding alone; that counted as no fade."""
    steps = f"  - {{guide: Turn., duration: {hands}}}\n  - {{zones: neck, duration: 60}}\n"
    assert planned(steps, "cap: 20").duration_s == pytest.approx(hands + 60)
