"""R25: coarse steps are taken from below, and what can never be reached is refused with its numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import Refused
from massager_ctl.model.device import Channel
from massager_ctl.model.requests import Origin
from massager_ctl.model.units import ZONES, Levels, Zone
from massager_ctl.safety.assurance import (
    NOTHING_SHOWN,
    Allowed,
    Assurance,
    Confirmation,
    DeadMan,
    OnDisconnect,
    Shown,
    allowed,
    counted,
    require,
)
from massager_ctl.safety.steps import Steps

LEFT, RIGHT = Zone.TRAPEZIUS_LEFT, Zone.TRAPEZIUS_RIGHT
TWO = Steps((Channel((LEFT, RIGHT), (10.0, 20.0, 50.0)), Channel((Zone.NECK_LEFT,), (5.0,))))
NONE = Steps(())

levels = st.tuples(*(st.floats(0, 100) for _ in ZONES))


def at(left: float, right: float, neck: float = 0.0) -> Levels:
    return (left, right, neck, 0.0, 0.0, 0.0)


@given(levels)
def test_r25_no_zone_is_ever_above_what_it_may_have(wanted: Levels) -> None:
    taken = TWO.taken(wanted)
    assert all(got <= want + 1e-6 for got, want in zip(taken, wanted, strict=True))
    assert taken[:2] in ((0.0, 0.0), (10.0, 10.0), (20.0, 20.0), (50.0, 50.0))
    assert TWO.taken(taken) == taken
    assert NONE.taken(wanted) == wanted


def test_the_lower_of_two_zones_decides_for_one_output() -> None:
    assert TWO.numbers(at(60.0, 19.9, 5.0)) == (1, 1)
    assert TWO.levels((2, 0)) == at(20.0, 20.0)
    assert TWO.beside(LEFT) == (LEFT, RIGHT)
    assert TWO.beside(Zone.NECK_RIGHT) == (Zone.NECK_RIGHT,)


def test_only_the_way_to_a_first_step_that_is_wanted_earns() -> None:
    assert TWO.waits(at(10.0, 10.0), at(9.9, 9.9))
    assert not TWO.waits(at(9.0, 10.0), at(5.0, 5.0))
    assert not TWO.waits(at(20.0, 20.0), at(10.0, 10.0))
    assert not NONE.waits(at(20.0, 20.0), at(0.0, 0.0))


def test_what_cannot_be_reached_is_refused_with_both_numbers() -> None:
    strong = Steps((Channel((LEFT,), (33.3, 100.0)),))
    with pytest.raises(Refused, match=r"33\.3 % and the cap is 25 %"):
        strong.require_some(at(25.0, 25.0))
    strong.require_some(at(34.0, 0.0))
    NONE.require_some(at(0.0, 0.0))
    with pytest.raises(Refused, match=r"lowest step at trapezius_left is 33\.3 %.* 30 % there"):
        strong.require_worth([at(0.0, 0.0), at(30.0, 0.0)], "a made-up session")
    strong.require_worth([at(0.0, 0.0), at(40.0, 0.0)], "a made-up session")
    strong.require_worth([], "hands only")
    NONE.require_worth([at(1.0, 1.0)], "any")


declarations = st.builds(
    Assurance,
    dead_man=st.sampled_from((DeadMan.NONE, DeadMan.OWN)),
    on_disconnect=st.sampled_from(OnDisconnect),
    own_timer=st.booleans(),
    stop=st.sampled_from(Confirmation),
    stall_sensing=st.booleans(),
    own_remote=st.booleans(),
    bench_only=st.booleans(),
)
sights = st.builds(
    Shown,
    levels_seen=st.booleans(),
    stops_when_left=st.booleans(),
    ends_by_timer=st.booleans(),
    reads_back=st.booleans(),
    no_remote=st.booleans(),
)


def no_more(one: Allowed, other: Allowed) -> bool:
    """Whether `one` allows nothing that `other` does not."""
    caps = one.cap is not None and (other.cap is None or one.cap <= other.cap)
    return caps and one.worn <= other.worn and one.kneading <= other.kneading and not one.heat


@given(declarations, sights, st.booleans())
def test_r25_what_is_declared_only_lowers_and_only_what_was_seen_counts(
    declared: Assurance, shown: Shown, guardian: bool
) -> None:
    found = allowed(counted(declared, shown), guardian=guardian)
    best_that_was_seen = Assurance(
        dead_man=DeadMan.OWN,
        on_disconnect=OnDisconnect.STOPS,
        own_timer=True,
        stop=Confirmation.STATE,
        own_remote=False,
    )
    assert no_more(found, allowed(declared, guardian=guardian))
    assert no_more(found, allowed(counted(best_that_was_seen, shown), guardian=guardian))
    assert not allowed(counted(declared, NOTHING_SHOWN), guardian=guardian).worn
    if declared.bench_only and not shown.levels_seen:
        assert not found.worn


def test_heat_is_refused_without_a_dead_man() -> None:
    found = allowed(Assurance(on_disconnect=OnDisconnect.STOPS), guardian=True)
    with pytest.raises(Refused, match="no heat"):
        require(found, duration_s=60.0, origin=Origin.LOCAL, heat=True, bench=False)
