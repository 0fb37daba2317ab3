"""The edges of R9, R10, R18, R21 to R23 that mutation testing asked about: defaults, words, what is unknown."""

from __future__ import annotations

import math

import pytest

from massager_ctl.errors import DoseSpent, InputError, IntensityError, Refused
from massager_ctl.model.requests import Origin
from massager_ctl.safety import dose, pain
from massager_ctl.safety.dose import DoseState, Entry, tally
from massager_ctl.safety.dose_time import ClockReading, greatest_age
from massager_ctl.safety.governor import Governor
from massager_ctl.safety.limits import CapLayer, combine
from massager_ctl.safety.presence import EVERY_S, PresenceTimer, Watcher, needed, require_watcher
from massager_ctl.safety.remote_start import (
    ECHO_LOST_S,
    STAMP_AHEAD_S,
    EchoWatch,
    Need,
    RemoteGate,
    Stamp,
    Why,
)
from massager_ctl.safety.screening import (
    QUESTIONS,
    SYMPTOMS,
    Answer,
    Answered,
    Blocked,
    Obstacle,
    evaluate,
)

WALL = 1_800_000_000.0


@pytest.mark.parametrize(
    ("state", "planned_s", "said", "remedy"),
    [
        (DoseState(open=True), 60.0, "already running", "Wait for its end"),
        (DoseState(rest_s=90.0), 60.0, "resting", "Start again in 1 min 30 s."),
        (DoseState(used_s=1500.0), 301.0, "takes 5 min 1 s", "massager-ctl history"),
        (DoseState(used_s=1799.5), 0.0, "used up", "stops counting"),
        (DoseState(sessions=3), 0.0, "3 sessions", "stops counting"),
    ],
)
def test_r9_a_refusal_says_why_and_what_to_do(
    state: DoseState, planned_s: float, said: str, remedy: str
) -> None:
    with pytest.raises(DoseSpent, match=said) as caught:
        dose.check(state, planned_s)
    assert remedy in caught.value.remedy


def test_r9_one_second_that_is_left_may_be_used() -> None:
    dose.check(DoseState(used_s=1799.0), 1.0)


def test_r9_an_open_session_is_of_now() -> None:
    state = tally([Entry(0.0, 1800.0, open=True)], 500.0, 7)
    assert state.rest_s == 1800.0
    assert state.sessions_ever == 7


def test_r9_seven_days_are_seven() -> None:
    day = dose.DAY_S
    entries = [Entry(10 * day - k * day / 2, 300.0) for k in range(20)]
    assert tally(entries, 10 * day).days == 7
    assert tally([Entry(0.0, 300.0)], 7 * day).days == 0


def test_r10_an_age_across_boots_goes_by_the_wall_clock_alone() -> None:
    then, later = ClockReading("one", 100.0, WALL), ClockReading("two", 5000.0, WALL + 60.0)
    assert greatest_age(then, later) == 60.0
    assert greatest_age(then, ClockReading("two", 5000.0, WALL)) == 0.0
    assert greatest_age(then, ClockReading("two", 5000.0, WALL + 0.5)) == 0.5
    assert math.isinf(greatest_age(then, ClockReading("two", 5000.0, WALL - 1.0)))
    assert greatest_age(then, ClockReading("one", 100.0, WALL - 9.0)) == 0.0


def test_r18_each_rejection_has_its_words() -> None:
    gate = RemoteGate()
    assert gate.nonce is None
    gate.renew("n", WALL)
    said: dict[Why, str] = {}
    for stamp in (
        Stamp("n", WALL, retained=True),
        Stamp("x", WALL),
        Stamp("n", None),
        Stamp("n", WALL - 60),
    ):
        rejected = gate.judge(Need.RAISE, stamp, now=0.0, wall=WALL)
        assert rejected is not None
        said[rejected.why] = rejected.text
    start = gate.judge(Need.START, Stamp("n", WALL), now=0.0, wall=WALL)
    assert start is not None
    said[start.why] = start.text
    assert gate.judge(Need.RAISE, Stamp("n", WALL), now=0.0, wall=WALL) is None
    again = gate.judge(Need.RAISE, Stamp("n", WALL), now=0.0, wall=WALL)
    assert again is not None
    said[again.why] = again.text
    assert set(said) == set(Why)
    assert "retained" in said[Why.RETAINED]
    assert "nonce" in said[Why.NONCE]
    assert "no time" in said[Why.STAMP]
    assert "behind" in said[Why.SKEW]
    assert "ready" in said[Why.NOT_READY]
    assert "already taken" in said[Why.REPLAYED]


def test_r18_a_clock_set_back_bars_the_future_for_two_seconds_and_no_more() -> None:
    gate = RemoteGate()
    gate.renew("a", WALL)
    assert gate.judge(Need.RAISE, Stamp("a", WALL), now=0.0, wall=WALL) is None
    gate.renew("b", WALL - 100.0)
    early = Stamp("b", WALL - 100.0 + STAMP_AHEAD_S)
    assert gate.judge(Need.RAISE, early, now=0.0, wall=WALL - 100.0) is not None
    later = Stamp("b", WALL - 100.0 + STAMP_AHEAD_S + 0.1)
    assert gate.judge(Need.RAISE, later, now=0.0, wall=WALL - 99.0) is None


def test_r18_a_button_that_was_held_before_counts_from_its_first_report() -> None:
    gate = RemoteGate()
    gate.attended(5.0, flag=True)
    assert gate.ready_for_s(5.0) > 0


def test_r18_the_broker_is_lost_at_four_seconds() -> None:
    watch = EchoWatch(10.0)
    assert not watch.lost(10.0 + ECHO_LOST_S - 0.001)
    assert watch.lost(10.0 + ECHO_LOST_S)


def test_r21_what_is_no_answer_says_what_is() -> None:
    with pytest.raises(InputError, match="'perhaps' is not a valid answer") as caught:
        Answer.parse("perhaps")
    assert caught.value.remedy == "Answer yes, no or not certain."


def test_r22_the_lowered_cap_names_its_reason() -> None:
    layer = pain.lowered([3600.0], 40.0)
    assert layer is not None
    assert layer.name == "pain"
    assert layer.reason == "mild pain was reported in the last 24 hours"
    assert layer.caps == (30.0,) * 6


def test_r1_the_first_sessions_name_their_reason() -> None:
    layer = dose.first_sessions_layer(DoseState(sessions_ever=1))
    assert layer is not None
    assert (layer.name, layer.reason) == ("first sessions", "session 2 of 3")


def test_r23_without_heat_a_short_local_session_needs_nobody() -> None:
    assert not needed(900.0, Origin.LOCAL)
    assert PresenceTimer.for_session(900.0, Origin.LOCAL, 0.0, watcher=Watcher.NOBODY) is None
    require_watcher(900.0, Origin.LOCAL, Watcher.NOBODY)


@pytest.mark.parametrize(
    ("seconds", "origin", "heat"),
    [(901.0, Origin.LOCAL, False), (60.0, Origin.REMOTE, False), (60.0, Origin.LOCAL, True)],
)
def test_r23_each_reason_alone_needs_somebody(seconds: float, origin: Origin, heat: bool) -> None:
    for ask in (
        lambda: require_watcher(seconds, origin, Watcher.NOBODY, heat=heat),
        lambda: PresenceTimer.for_session(seconds, origin, 0.0, heat=heat, watcher=Watcher.NOBODY),
    ):
        with pytest.raises(Refused, match=r"R23") as caught:
            ask()
        assert "terminal" in caught.value.remedy
    made = PresenceTimer.for_session(seconds, origin, 50.0, heat=heat)
    assert made is not None
    assert made.due_in(50.0) == EVERY_S


def test_r1_r2_r3_what_holds_a_level_is_named_with_its_zone_and_number() -> None:
    governor = Governor(combine([CapLayer.flat("user", 40, "your own cap")]))
    wanted = (40.0, 0, 0, 0, 0, 0)
    for turn in range(451):
        governor.admit(0.2 * turn, wanted, driven=True, may_rise=True)
    (held,) = governor.held(wanted)
    assert (held.zone, held.wanted, held.rule) == ("trapezius_left", 40.0, "R2")
    assert held.allowed == pytest.approx(10 + 30 * 30 / 240, abs=0.1)
    assert held.allowed * 10 == pytest.approx(round(held.allowed * 10))
    slow = Governor(combine([]))
    slow.admit(0.0, wanted, driven=True, may_rise=True)
    slow.admit(5.0, (8.0, 0, 0, 0, 0, 0), driven=True, may_rise=True)
    (held,) = slow.held((8.0, 0, 0, 0, 0, 0))
    assert (held.zone, held.allowed, held.rule) == ("trapezius_left", 5.0, "R3")
    assert held.ready_in_s == pytest.approx(3.0)


@pytest.mark.parametrize(("seconds", "rule"), [(2.0, "R3"), (7.4, "R3"), (20.0, "R1")])
def test_r1_a_cap_is_named_only_once_the_level_is_at_it(seconds: float, rule: str) -> None:
    governor = Governor(combine([CapLayer.flat("user", 8, "your own cap")]))
    wanted = (30.0, 0, 0, 0, 0, 0)
    governor.admit(0.0, wanted, driven=True, may_rise=True)
    governor.admit(seconds, wanted, driven=True, may_rise=True)
    (held,) = governor.held(wanted)
    assert held.rule.split(",")[0] == rule


@pytest.mark.parametrize("bad", [math.nan, -1, "50"])
def test_r19_the_number_that_was_refused_is_named(bad: object) -> None:
    with pytest.raises(IntensityError) as caught:
        Governor(combine([])).admit(0.0, (bad, 0, 0, 0, 0, 0), driven=False, may_rise=True)
    assert caught.value.message == f"level {bad!r} is not a number from 0 to 100"
    assert caught.value.remedy == ""


def test_r21_each_reason_names_its_question_and_says_why() -> None:
    now, then = (
        ClockReading("one", 40 * 86_400.0, WALL),
        ClockReading("one", 0.0, WALL - 40 * 86_400.0),
    )
    answers = {question.id: Answered(question.id, Answer.NO, now) for question in QUESTIONS}
    answers["stroke"] = Answered("stroke", Answer.YES, now)
    answers["lying"] = Answered("lying", Answer.NO, then)
    verdict = evaluate(answers, now)
    assert isinstance(verdict, Blocked)
    said = {reason.question: (reason.obstacle, reason.text) for reason in verdict.reasons}
    assert said["stroke"] == (Obstacle.ANSWER, "a doctor should agree to massage first")
    assert said["lying"] == (Obstacle.EXPIRED, "answered too long ago")
    assert said[SYMPTOMS.id] == (Obstacle.UNANSWERED, "not answered")
