"""R1 to R3, R8, R20: what lowers a plan, how the sum over all zones is shared, and that a plan says so."""

from __future__ import annotations

import pytest
from tests.unit.profile.planned import ONE, planned

from massager_ctl.errors import Refused
from massager_ctl.model.units import Zone
from massager_ctl.safety.limits import CapLayer, combine


def test_the_sum_over_all_zones_stays_within_200() -> None:
    plan = planned("  - zones: all\nduration: 10 min\n", "cap: 70")
    assert sum(plan.cursor().levels(400.0)) == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("aim", "highest"),
    [
        # What a zone may have counts in the sum, not what was asked for it; and no more than was asked.
        ("level: 45", 25.0),
        ("level: 20", 20.0),
        ("keyframes: [[10, 10], [60, 10], [300, 45], [400, 45]]", 25.0),
        ("keyframes: [[10, 10], [60, 10], [300, 20], [400, 20]]", 20.0),
    ],
)
def test_a_lowered_plan_has_all_of_the_sum_that_is_allowed(aim: str, highest: float) -> None:
    limits = combine((CapLayer.flat("user", 40.0, "your cap"),), sum_cap=100.0)
    steps = f"  - {{zones: [trapezius, neck], {aim}, duration: 500}}\n"
    plan = planned(steps, head="cap: 70", limits=limits)
    found = {zone: max(level for _, level in points) for zone, points in plan.zones.items()}
    assert found == pytest.approx(dict.fromkeys(plan.zones, highest))


def test_the_sum_is_shared_by_what_each_zone_may_have() -> None:
    local = CapLayer("local", (40.0, 40.0, 20.0, 20.0, 0.0, 0.0), "a sore spot")
    steps = "  - {zones: [trapezius, neck], level: 45, duration: 500}\n"
    plan = planned(steps, head="cap: 70", limits=combine((local,), sum_cap=100.0))
    found = {zone: max(level for _, level in points) for zone, points in plan.zones.items()}
    assert found[Zone.TRAPEZIUS_LEFT] == pytest.approx(40.0 * 100 / 120)
    assert found[Zone.NECK_LEFT] == pytest.approx(20.0 * 100 / 120)


def test_a_plan_says_why_it_was_lowered() -> None:
    first = CapLayer.flat("first", 25.0, "session 1 of 3")
    plan = planned(ONE, limits=combine((first,)))
    assert plan.notes == ("session 1 of 3: capped at 25",)
    assert max(level for _, level in plan.zones[Zone.TRAPEZIUS_LEFT]) == 25.0
    low = CapLayer("local", (10.0, 70.0, 70.0, 70.0, 70.0, 70.0), "a sore spot")
    assert planned(ONE, limits=combine((low,))).notes == (
        "a sore spot: capped at 10 (trapezius_left)",
    )
    assert planned(ONE).notes == ()
    assert planned(ONE).hash != plan.hash


def test_nothing_left_is_refused() -> None:
    none = CapLayer.flat("user", 0.0, "your limits file is unreadable")
    with pytest.raises(
        Refused, match="nothing of 'p' is left to play: your limits file is unreadable"
    ):
        planned(ONE, limits=combine((none,)))


def test_a_zone_with_a_cap_of_zero_is_left_out() -> None:
    low = CapLayer("local", (0.0, 70.0, 70.0, 70.0, 70.0, 70.0), "a sore spot")
    steps = (
        "  - zones: trapezius_left\n    duration: 60\n"
        "  - zones: trapezius_right\n    duration: 60\n"
        "  - zones: trapezius_left\n    duration: 60\n"
    )
    plan = planned(steps, limits=combine((low,)))
    assert set(plan.zones) == {Zone.TRAPEZIUS_RIGHT}
    assert (plan.fade_at, plan.running_s) == (112.0, 60.0)


def test_a_level_with_many_digits_is_never_rounded_above_its_own_cap() -> None:
    plan = planned(
        "  - {zones: neck, duration: 140, level: 1}\n"
        "  - {zones: neck, duration: 9, keyframes: [[9, 1.140625]]}\n"
        "  - {zones: neck, duration: 30}\n",
        head="cap: 1.140625\nfade: 5",
    )
    assert max(level for _, level in plan.zones[Zone.NECK_LEFT]) <= 1.140625


def test_the_limits_of_a_plan_name_each_cap_once_and_serve_for_the_next_plan() -> None:
    """The cap of the profile that was planned before does not lower the next one."""
    limits = combine((CapLayer.flat("user", 50.0, "your cap"),))
    weak = planned(ONE, "cap: 10", limits=limits)
    assert [layer.name for layer in weak.limits.layers] == ["bounds", "user", "profile"]
    strong = planned(ONE, "cap: 40", limits=weak.limits)
    assert strong.limits == planned(ONE, "cap: 40", limits=limits).limits
