"""P1: motors that start after hands-only time are announced, and wait for a key where a person watches."""

from __future__ import annotations

import asyncio

import pytest
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

from massager_ctl.control.session import PAUSE_MAX_S, Ended, Session
from massager_ctl.control.setpoint_source import ProfilePlayer
from massager_ctl.model.device import Cause, Mode
from massager_ctl.model.requests import Fade, Presence, Resume
from massager_ctl.model.status import Phase
from massager_ctl.profile.format.load import load_text
from massager_ctl.profile.model import Profile
from massager_ctl.profile.plan.make import make_plan
from massager_ctl.profile.plan.timeline import ANNOUNCE_S
from massager_ctl.safety.limits import combine

TURN = 0.2
"""Seconds of one turn of the control loop."""


def by_hand_first(hands: float, times: int = 1) -> Profile:
    """So many seconds by hand, and then 60 s of motors; so many times."""
    turn = f"  - {{guide: Turn., duration: {hands}}}\n  - {{zones: neck, duration: 60}}\n"
    return load_text(f"title: T\ncap: 20\nsteps:\n{turn * times}", "t.yaml")


class Played:
    """A session of `hands` seconds by hand and 60 s of motors, and its clock."""

    def __init__(self, hands: float, *, waits: bool, turn: float = TURN, times: int = 1) -> None:
        plan = make_plan(by_hand_first(hands, times), combine(()))
        assert len(plan.motor_starts) == times
        assert plan.motor_starts[0] == hands
        self.session = Session(ProfilePlayer(plan), waits=waits)
        self.session.armed(0.0)
        self.now = 0.0
        self.turn = turn
        self.held = False
        self.first_level_at: float | None = None
        self.first_said_at: float | None = None

    def play(self, seconds: float) -> None:
        for _ in range(round(seconds / self.turn)):
            self.now += self.turn
            setpoint = self.session.step(self.now)
            self.session.sent(setpoint.levels)
            if self.first_said_at is None and self.session.motors_in_s(self.now) is not None:
                self.first_said_at = self.now
            if self.first_level_at is None and any(setpoint.levels):
                self.first_level_at = self.now
            if self.session.phase is Phase.PAUSED:
                self.held = True
                assert setpoint.mode is Mode.PAUSE
                assert not any(setpoint.levels)


@pytest.mark.parametrize("hands", [1, 5, 9.9, 10, 30])
def test_motors_never_start_less_than_ten_seconds_after_the_announcement(hands: float) -> None:
    played = Played(hands, waits=False)
    played.play(hands + 20)
    assert played.first_said_at is not None
    assert played.first_level_at is not None
    assert played.first_level_at - played.first_said_at >= ANNOUNCE_S - TURN
    assert played.session.motors_in_s(played.now) is None
    assert played.session.phase is Phase.RUNNING


def test_a_start_that_was_announced_ten_seconds_ago_is_not_held_up() -> None:
    """Turns of 0.3 s: announced at 20.1 s, and due at the turn of 30.3 s."""
    played = Played(30.05, waits=False, turn=0.3)
    played.play(30.3)
    assert not played.held
    assert played.session.played_s == pytest.approx(30.3)
    played.play(0.3)
    assert played.first_level_at is not None
    assert not played.held


def test_a_start_that_was_announced_ten_seconds_ago_waits_for_the_person_who_is_to_say_so() -> None:
    played = Played(30.05, waits=True, turn=0.3)
    played.play(31)
    assert played.held
    assert played.first_level_at is None


def test_each_start_is_announced_anew() -> None:
    played = Played(30.05, waits=False, turn=0.3, times=2)
    played.play(31)
    assert not played.held
    assert played.session.motors_in_s(played.now) is None
    played.play(60 + 18)
    assert played.session.motors_in_s(played.now) is None
    played.play(3)
    assert played.session.motors_in_s(played.now) is not None


def test_an_end_takes_the_announcement_back() -> None:
    played = Played(30, waits=False)
    played.play(22)
    assert played.session.motors_in_s(played.now) is not None
    played.session.end(Ended(Cause.PERSON, "you stopped it"))
    assert played.session.motors_in_s(played.now) is None


def test_the_countdown_goes_down_to_the_start() -> None:
    played = Played(30, waits=False)
    played.play(19)
    assert played.session.motors_in_s(played.now) is None
    played.play(3)
    assert played.session.motors_in_s(played.now) == pytest.approx(8.0, abs=0.01)


def test_a_session_that_waits_starts_no_motor_before_a_person_says_so() -> None:
    played = Played(30, waits=True)
    played.play(100)
    assert played.first_level_at is None
    assert played.session.phase is Phase.PAUSED
    assert played.session.motors_in_s(played.now) == 0.0
    assert played.session.played_s == 30.0, "no second of the motors is over before they start"
    assert played.session.pause_left_s(played.now) == pytest.approx(PAUSE_MAX_S - 70, abs=1)
    played.session.take(Presence(), played.now)
    played.play(1)
    assert played.first_level_at is None, "a sign of life alone raises nothing"
    played.session.take(Resume(), played.now)
    played.play(1)
    assert played.first_level_at is not None
    assert played.session.phase is Phase.RUNNING
    assert played.session.motors_in_s(played.now) is None


def test_a_session_that_waits_in_vain_ends_as_a_long_pause_does() -> None:
    played = Played(30, waits=True)
    played.play(30 + PAUSE_MAX_S + 1)
    assert played.session.ended is not None
    assert played.session.ended.cause is Cause.PAUSE_LIMIT
    assert played.first_level_at is None


def test_a_person_may_leave_while_it_waits() -> None:
    played = Played(30, waits=True)
    played.play(40)
    played.session.take(Fade(), played.now)
    assert played.session.ended is not None
    assert played.first_level_at is None


def test_what_is_left_of_the_programme_is_played_whole() -> None:
    waited, straight = Played(30, waits=True), Played(30, waits=False)
    waited.play(50)
    waited.session.take(Resume(), waited.now)
    waited.play(30)
    straight.play(60)
    assert waited.session.played_s == pytest.approx(straight.session.played_s, abs=3 * TURN)


@simulated_time
async def test_a_session_that_no_person_watches_waits_for_no_word(bench: Bench) -> None:
    """R23: a simulated device is watched by none, whatever the start says."""
    await bench.controller.play(by_hand_first(30), waits=True)
    await asyncio.sleep(40)
    assert bench.controller.status.phase is Phase.RUNNING
    assert any(bench.controller.status.actual)
