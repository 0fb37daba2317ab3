"""R1, R2, R3 and R19 at the host's one gate."""

from __future__ import annotations

import math

import pytest

from massager_ctl.errors import IntensityError
from massager_ctl.model.status import Held
from massager_ctl.model.units import ZERO, Zone
from massager_ctl.safety.envelope import envelope, reached_at
from massager_ctl.safety.governor import Governor
from massager_ctl.safety.limits import BOUNDS, CapLayer, combine, fit_sum

FULL = (100.0,) * 6


def played(governor: Governor, seconds: float, wanted: tuple[float, ...] = FULL) -> list[float]:
    """Levels of trapezius_left at each 0.2 s for so long, with a device that follows."""
    start = governor._last or 0.0
    return [
        governor.admit(start + 0.2 * i, wanted, driven=True, may_rise=True)[0]
        for i in range(1, round(seconds / 0.2) + 1)
    ]


def test_r1_the_lowest_layer_wins_zone_by_zone_and_can_be_named() -> None:
    limits = combine([CapLayer.flat("user", 40, "your own cap")])
    assert limits.caps == (40, 40, 40, 40, 35, 35)
    assert limits.binding(Zone.NECK_LEFT).name == "user"
    assert limits.binding(Zone.SUBOCCIPITAL_LEFT).name == "bounds"
    assert limits.cap == 40


def test_r1_no_layer_can_lift_the_bounds_or_the_sum() -> None:
    limits = combine([CapLayer.flat("liar", 255, "says a device")], sum_cap=999)
    assert limits.caps == BOUNDS
    assert limits.sum_cap == 200


def test_r1_a_device_that_allows_less_in_sum_gets_less() -> None:
    assert combine([], sum_cap=120).sum_cap == 120


def test_r1_the_sum_is_scaled_down_evenly() -> None:
    assert sum(fit_sum([70, 70, 50, 50, 35, 35], 200)) == pytest.approx(200)
    assert fit_sum([10, 20], 200) == [10, 20]
    scaled = fit_sum([100, 50], 75)
    assert scaled == [50, 25]


def test_r2_envelope_corners() -> None:
    assert envelope(0, 70, 300) == 10
    assert envelope(60, 70, 300) == 10
    assert envelope(180, 70, 300) == pytest.approx(40)
    assert envelope(300, 70, 300) == 70
    assert envelope(9999, 70, 300) == 70
    assert envelope(0, 6, 300) == 6
    assert envelope(120, 6, 300) == 6
    assert envelope(500, 6, 300) == 6


def test_r2_reached_at_is_the_inverse() -> None:
    assert reached_at(10, 70, 300) == 0
    assert reached_at(40, 70, 300) == pytest.approx(180)
    assert reached_at(70, 70, 300) == pytest.approx(300)
    assert math.isinf(reached_at(71, 70, 300))


def test_r2_a_request_for_everything_climbs_as_the_envelope_says() -> None:
    levels = played(Governor(combine([])), 301, (100, 0, 0, 0, 0, 0))
    for i, level in enumerate(levels, start=1):
        assert level <= envelope(0.2 * i, 70, 300) + 1e-9
        assert level <= 10 or i > 300
    assert levels[-1] == 70


def test_r1_everything_at_full_ends_at_the_sum_bound_shared_evenly() -> None:
    governor = Governor(combine([]))
    played(governor, 320)
    levels = governor.admit(400, FULL, driven=True, may_rise=True)
    assert levels == (45.1, 45.1, 32.2, 32.2, 22.5, 22.5)


def test_r2_a_ramp_below_300_s_is_taken_as_300() -> None:
    assert Governor(combine([]), ramp_s=1).ramp_s == 300


def test_r2_a_ramp_above_300_s_is_kept() -> None:
    governor = Governor(combine([]), ramp_s=600)
    governor.running_s = 330.0
    assert governor.allowed()[0] == 40


def test_r2_time_in_which_the_device_does_not_drive_earns_nothing() -> None:
    governor = Governor(combine([]))
    for i in range(3000):
        governor.admit(0.2 * i, FULL, driven=False, may_rise=True)
    assert governor.running_s == 0
    assert governor.allowed()[0] == 10


def test_r2_time_in_which_nothing_was_asked_of_the_device_earns_nothing() -> None:
    governor = Governor(combine([]))
    for i in range(100):
        governor.admit(0.2 * i, ZERO, driven=True, may_rise=True)
    assert governor.running_s == 0


def test_r3_rises_one_point_a_second_and_falls_at_once() -> None:
    governor = Governor(combine([]))
    levels = played(governor, 5)
    assert levels[:5] == [0.0, 0.2, 0.4, 0.6, 0.8] or levels[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert governor.admit(5.1, ZERO, driven=True, may_rise=True) == ZERO
    assert governor.admit(5.3, FULL, driven=True, may_rise=True)[0] == pytest.approx(0.2)


def test_r3_many_calls_gain_nothing() -> None:
    governor = Governor(combine([]))
    levels = ZERO
    for i in range(1001):
        levels = governor.admit(i * 0.001, FULL, driven=True, may_rise=True)
    assert levels[0] <= 1.0


def test_r3_a_clock_that_goes_back_gains_nothing() -> None:
    governor = Governor(combine([]))
    governor.admit(100.0, FULL, driven=True, may_rise=True)
    assert governor.admit(50.0, FULL, driven=True, may_rise=True) == ZERO


def test_r24_no_rise_when_the_loop_was_late_and_no_credit_afterwards() -> None:
    governor = Governor(combine([]))
    played(governor, 3)
    before = governor.admit(3.2, FULL, driven=True, may_rise=True)[0]
    assert governor.admit(9.2, FULL, driven=True, may_rise=False)[0] == before
    assert governor.admit(9.4, FULL, driven=True, may_rise=True)[0] == pytest.approx(before + 0.2)


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, 1e308, -1, 256, 100.1, True, "50", None, [50]]
)
def test_r19_nonsense_makes_zero_and_says_so(bad: object) -> None:
    governor = Governor(combine([]))
    played(governor, 5)
    with pytest.raises(IntensityError):
        governor.admit(5.2, (bad, 5, 5, 5, 5, 5), driven=True, may_rise=True)
    after = governor.admit(5.4, FULL, driven=True, may_rise=True)
    assert max(after) <= 0.2 + 1e-9


def test_r19_a_wrong_number_of_zones_makes_zero() -> None:
    governor = Governor(combine([]))
    with pytest.raises(IntensityError, match="5 levels"):
        governor.admit(0, (1,) * 5, driven=True, may_rise=True)


def test_held_says_which_rule_and_how_long() -> None:
    governor = Governor(combine([CapLayer.flat("user", 40, "your own cap")]))
    played(governor, 120)
    (held,) = governor.held((40.0, 0, 0, 0, 0, 0))
    assert held.rule == "R2"
    assert held.ready_in_s == pytest.approx(300 - governor.running_s)


def test_held_by_slew_and_by_cap() -> None:
    governor = Governor(combine([CapLayer.flat("user", 8, "your own cap")]))
    played(governor, 2)
    (by_slew,) = governor.held((8.0, 0, 0, 0, 0, 0))
    assert by_slew.rule == "R3"
    played(governor, 20)
    (by_cap,) = governor.held((30.0, 0, 0, 0, 0, 0))
    assert by_cap == Held(Zone.TRAPEZIUS_LEFT, 30, 8, "R1, your own cap")
    assert governor.held((8.0, 0, 0, 0, 0, 0)) == ()
