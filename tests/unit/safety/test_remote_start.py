"""R18 by examples: each reason for a rejection, and what uses up what."""

from __future__ import annotations

import pytest

from massager_ctl.model.requests import Pause, Request, Resume, SetLevel, Start
from massager_ctl.model.units import Zone
from massager_ctl.safety.remote_start import (
    ECHO_LOST_S,
    READY_S,
    EchoWatch,
    Need,
    Rejected,
    RemoteGate,
    Stamp,
    Why,
    need_of,
)

WALL = 1_800_000_000.0


def renewed() -> RemoteGate:
    gate = RemoteGate()
    gate.renew("first", WALL)
    return gate


def judge(
    gate: RemoteGate, need: Need, stamp: Stamp, now: float = 0.0, wall: float = WALL
) -> Why | None:
    rejected = gate.judge(need, stamp, now=now, wall=wall)
    return None if rejected is None else rejected.why


@pytest.mark.parametrize(
    ("stamp", "why"),
    [
        (Stamp("first", WALL, retained=True), Why.RETAINED),
        (Stamp(None, WALL), Why.NONCE),
        (Stamp("other", WALL), Why.NONCE),
        (Stamp(5, WALL), Why.NONCE),
        (Stamp("first", None), Why.STAMP),
        (Stamp("first", True), Why.STAMP),
        (Stamp("first", float("nan")), Why.STAMP),
        (Stamp("first", float("inf")), Why.STAMP),
        (Stamp("first", str(WALL)), Why.STAMP),
        (Stamp("first", 10**400), Why.STAMP),  # fits no float
        (Stamp("first", -(10**400)), Why.STAMP),
        (Stamp("first", WALL - 3.01), Why.SKEW),
        (Stamp("first", WALL + 2.01), Why.SKEW),
        (Stamp("first", WALL - 3.0), None),
        (Stamp("first", WALL + 2.0), None),
    ],
)
def test_a_raise_needs_a_nonce_and_a_time(stamp: Stamp, why: Why | None) -> None:
    assert judge(renewed(), Need.RAISE, stamp) is why


def test_the_skew_is_told_in_seconds_and_in_words() -> None:
    rejected = renewed().judge(Need.RAISE, Stamp("first", WALL - 7.25), now=0.0, wall=WALL)
    assert isinstance(rejected, Rejected)
    assert rejected.skew_s == pytest.approx(7.25)
    assert "7.2 s behind" in rejected.text
    ahead = renewed().judge(Need.RAISE, Stamp("first", WALL + 60), now=0.0, wall=WALL)
    assert ahead is not None
    assert "60.0 s ahead" in ahead.text


def test_before_the_first_nonce_nothing_raises() -> None:
    assert judge(RemoteGate(), Need.RAISE, Stamp(None, WALL)) is Why.NONCE


def test_the_same_and_an_older_time_are_replays() -> None:
    gate = renewed()
    assert judge(gate, Need.RAISE, Stamp("first", WALL)) is None
    assert judge(gate, Need.RAISE, Stamp("first", WALL)) is Why.REPLAYED
    assert judge(gate, Need.RAISE, Stamp("first", WALL - 0.5)) is Why.REPLAYED
    assert judge(gate, Need.RAISE, Stamp("first", WALL + 0.5)) is None


def test_a_rejected_time_does_not_bar_the_way() -> None:
    gate = renewed()
    assert judge(gate, Need.RAISE, Stamp("other", WALL + 1)) is Why.NONCE
    assert judge(gate, Need.RAISE, Stamp("first", WALL)) is None


def test_a_start_needs_somebody_at_the_machine_and_uses_everything_up() -> None:
    gate = renewed()
    assert judge(gate, Need.START, Stamp("first", WALL)) is Why.NOT_READY
    assert gate.nonce == "first"
    gate.let(10.0)
    assert judge(gate, Need.START, Stamp("first", WALL), now=10.0 + READY_S - 0.1) is None
    assert gate.nonce is None
    assert gate.ready_for_s(11.0) == 0.0
    gate.renew("second", WALL)
    assert judge(gate, Need.START, Stamp("second", WALL + 1), now=11.0) is Why.NOT_READY


def test_ready_runs_out() -> None:
    gate = renewed()
    gate.let(0.0)
    assert gate.ready_for_s(READY_S + 1.0) == 0.0
    assert judge(gate, Need.START, Stamp("first", WALL), now=READY_S) is Why.NOT_READY


def test_ready_later_is_told_until_then() -> None:
    gate = renewed()
    assert gate.ready_in_s(0.0) is None
    gate.let(0.0, opens_in_s=60.0)
    assert (gate.ready_in_s(20.0), gate.ready_for_s(20.0)) == (40.0, 0.0)
    assert (gate.ready_in_s(60.0), gate.ready_for_s(60.0)) == (None, READY_S)


def test_r18_what_was_taken_back_after_a_start_is_not_given_back_with_its_refusal() -> None:
    gate = renewed()
    gate.let(0.0)
    assert judge(gate, Need.START, Stamp("first", WALL)) is None
    gate.revoke()
    gate.give_back()
    assert gate.ready_for_s(0.0) == 0.0


def test_r18_what_made_ready_is_given_back_once() -> None:
    gate = renewed()
    gate.let(0.0)
    assert judge(gate, Need.START, Stamp("first", WALL)) is None
    gate.give_back()
    gate.let(1.0, lasts_s=5.0)
    gate.give_back()
    assert gate.ready_for_s(1.0) == 5.0


def test_what_can_only_lower_needs_nothing() -> None:
    gate = RemoteGate()
    assert judge(gate, Need.FREE, Stamp(None, None, retained=True)) is None


def test_a_new_nonce_is_told_to_who_listens() -> None:
    gate, told = RemoteGate(), list[str | None]()
    remove = gate.add_listener(lambda: told.append(gate.nonce))
    gate.renew("first", WALL)
    remove()
    gate.renew("second", WALL)
    assert told == ["first"]


def test_an_echo_that_came_back_begins_the_time_anew() -> None:
    watch = EchoWatch(0.0)
    watch.heard(3.0)
    assert not watch.lost(3.0 + ECHO_LOST_S - 0.1)
    assert watch.lost(3.0 + ECHO_LOST_S)


@pytest.mark.parametrize(
    ("asked", "need"),
    [
        (Start(), Need.START),
        (SetLevel(10.0), Need.FREE),
        (SetLevel(10.1), Need.RAISE),
        (SetLevel(20.0, Zone.TRAPEZIUS_LEFT), Need.FREE),
        (SetLevel(20.1, Zone.TRAPEZIUS_LEFT), Need.RAISE),
        (Pause(), Need.FREE),
        (Resume(), Need.RAISE),
    ],
)
def test_r18_what_a_request_needs_goes_by_what_it_could_raise(asked: Request, need: Need) -> None:
    assert need_of(asked, (20.0, 10.0, 10.0, 10.0, 10.0, 10.0)) is need


def test_ready_can_be_taken_back() -> None:
    gate = renewed()
    gate.let(0.0)
    gate.revoke()
    assert judge(gate, Need.START, Stamp("first", WALL)) is Why.NOT_READY


def test_the_devices_button_makes_ready_once_however_long_its_flag_stays() -> None:
    gate = renewed()
    gate.attended(0.0, flag=False)
    assert gate.ready_for_s(0.0) == 0.0
    gate.attended(1.0, flag=True)
    assert gate.ready_for_s(2.0) == READY_S - 1.0
    assert judge(gate, Need.START, Stamp("first", WALL), now=2.0) is None
    gate.attended(3.0, flag=True)  # a device that lies, or telemetry from before the ARM
    assert gate.ready_for_s(3.0) == 0.0
    gate.attended(4.0, flag=False)
    gate.attended(5.0, flag=True)
    assert gate.ready_for_s(5.0) == READY_S
    gate.attended(6.0, flag=False)
    assert gate.ready_for_s(6.0) == 0.0


def test_the_terminals_word_outlives_the_buttons() -> None:
    gate = renewed()
    gate.let(0.0)
    gate.attended(1.0, flag=True)
    gate.attended(2.0, flag=False)
    assert gate.ready_for_s(2.0) == READY_S - 2.0


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    gate = renewed()
    assert judge(gate, Need.RAISE, Stamp("first", WALL)) is None
    earlier = WALL - 3600
    assert judge(gate, Need.RAISE, Stamp("first", earlier), wall=earlier) is Why.REPLAYED
    gate.renew("second", earlier)
    assert judge(gate, Need.RAISE, Stamp("second", earlier + 5), wall=earlier + 5) is None


def test_r18_a_button_that_was_let_go_is_not_given_back_with_a_refused_start() -> None:
    gate = renewed()
    gate.attended(0.0, flag=False)
    gate.attended(1.0, flag=True)
    assert judge(gate, Need.START, Stamp("first", WALL), now=2.0) is None
    gate.attended(3.0, flag=False)
    gate.give_back()
    assert gate.ready_for_s(3.0) == 0.0


def test_r18_what_made_ready_is_given_back_with_a_refused_start() -> None:
    gate = renewed()
    gate.attended(0.0, flag=False)
    gate.attended(1.0, flag=True)
    assert judge(gate, Need.START, Stamp("first", WALL), now=2.0) is None
    assert gate.ready_for_s(2.0) == 0.0
    gate.give_back()
    assert gate.ready_for_s(2.0) == READY_S - 1.0
    gate.give_back()
    gate.revoke()
    gate.give_back()
    assert gate.ready_for_s(2.0) == 0.0, "it is given back once"


def test_r18_a_button_held_anew_is_not_shortened_by_what_is_given_back() -> None:
    gate = renewed()
    gate.attended(0.0, flag=False)
    gate.attended(1.0, flag=True)
    assert judge(gate, Need.START, Stamp("first", WALL), now=2.0) is None
    gate.attended(3.0, flag=False)
    gate.attended(4.0, flag=True)
    gate.give_back()
    assert gate.ready_for_s(4.0) == READY_S


def test_r18_ready_runs_out_in_a_suspend_as_well() -> None:
    slept = 0.0
    gate = RemoteGate(lambda: slept)
    gate.renew("first", WALL)
    gate.let(0.0)
    gate.attended(0.0, flag=True)
    slept = READY_S
    assert gate.ready_for_s(1.0) == 0.0
    assert judge(gate, Need.START, Stamp("first", WALL), now=1.0) is Why.NOT_READY


def test_r18_a_start_that_was_planned_is_ready_then_whatever_the_computer_slept() -> None:
    slept = 1000.0
    gate = RemoteGate(lambda: slept)
    gate.let(0.0, opens_in_s=3600.0, lasts_s=600.0)
    slept += 3000.0
    assert gate.ready_in_s(500.0) == 100.0
    assert gate.ready_for_s(500.0) == 0.0
    assert gate.ready_for_s(700.0) == 500.0
