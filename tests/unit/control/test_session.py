"""The session machine on its own: time, pauses, eases, fades (R8)."""

from __future__ import annotations

import pytest

from massager_ctl.control.session import Ended, Session
from massager_ctl.control.setpoint_source import ManualSource
from massager_ctl.model.device import Cause, Mode, Pattern, Setpoint
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Undo,
)
from massager_ctl.model.status import GuidedStep, Phase
from massager_ctl.model.units import ZERO, Direction, Levels, Motion, Zone


class Steady:
    """A programme of one level that fades on its own in its last 5 seconds."""

    id = "steady"
    title = "Steady"
    ramp_s = 300.0

    def __init__(self, duration_s: float = 100.0, level: float = 20.0) -> None:
        self.duration_s = duration_s
        self.level = level

    def at(self, t: float) -> Setpoint:
        level = self.level * min(1.0, max(0.0, (self.duration_s - t) / 5.0))
        return Setpoint((level, level, 0, 0, 0, 0))

    def phase_at(self, t: float) -> str:
        return "steady"

    def guided_at(self, t: float) -> GuidedStep | None:
        return None

    def next_motor_start(self, t: float) -> float | None:
        return None

    def take(self, change: Change) -> None:
        raise AssertionError("a steady programme takes no change")


def run(session: Session, start: float, end: float) -> Setpoint:
    """Step every 0.2 s as the controller does, all wishes granted; the last wish."""
    wanted = Setpoint()
    for i in range(round(start * 5) + 1, round(end * 5) + 1):
        if session.ended is not None:
            break
        wanted = session.step(i / 5)
        session.sent(wanted.levels)
    return wanted


@pytest.fixture
def session() -> Session:
    session = Session(Steady())
    session.armed(0.0)
    return session


def test_nothing_is_wanted_before_arm() -> None:
    session = Session(Steady())
    assert session.step(5.0).levels == ZERO
    assert session.phase is Phase.ARMING


def test_it_plays_and_ends_finished(session: Session) -> None:
    assert run(session, 0, 50).levels[0] == 20
    assert session.remaining_s == pytest.approx(50)
    run(session, 50, 101)
    assert session.ended == Ended(Cause.FINISHED, "played to its end")
    assert session.step(200).levels == ZERO


def test_a_pause_is_zero_and_stands_still(session: Session) -> None:
    run(session, 0, 10)
    session.take(Pause(), 10.0)
    wanted = run(session, 10, 100)
    assert wanted.mode is Mode.PAUSE
    assert wanted.levels == ZERO
    assert session.played_s == pytest.approx(10)
    session.take(Resume(), 100.0)
    assert run(session, 100, 110).levels[0] == 20
    assert session.played_s == pytest.approx(20)


def test_r8_a_pause_over_four_minutes_ends_it(session: Session) -> None:
    run(session, 0, 10)
    session.take(Pause(), 10.0)
    run(session, 10, 249)
    assert session.ended is None
    run(session, 249, 252)
    assert session.ended is not None
    assert session.ended.cause is Cause.PAUSE_LIMIT


def test_pause_twice_and_resume_twice_change_nothing(session: Session) -> None:
    session.take(Resume(), 1.0)
    session.take(Pause(), 2.0)
    session.take(Pause(), 200.0)
    run(session, 200, 303)
    assert session.ended is not None


def test_ease_and_undo(session: Session) -> None:
    session.take(Ease(), 1.0)
    session.take(Ease(), 1.0)
    assert run(session, 0, 2).levels[0] == 10
    session.take(Undo(), 2.0)
    assert run(session, 2, 3).levels[0] == 15
    session.take(Undo(), 3.0)
    session.take(Undo(), 3.0)
    assert run(session, 3, 4).levels[0] == 20
    session.take(Ease(100), 4.0)
    assert run(session, 4, 5).levels == ZERO


def test_a_fade_takes_six_seconds_and_ends_by_the_person(session: Session) -> None:
    run(session, 0, 10)
    session.take(Fade(), 10.0)
    assert run(session, 10, 13).levels[0] == pytest.approx(10)
    assert session.phase is Phase.FADING
    run(session, 13, 17)
    assert session.ended is not None
    assert session.ended.cause is Cause.PERSON


def test_r8_a_fade_never_outlasts_or_exceeds_its_source() -> None:
    session = Session(Steady(20.0))
    session.armed(0.0)
    run(session, 0, 18)
    session.take(Fade(), 18.0)
    assert run(session, 18, 19).levels[0] == pytest.approx(4.0), "the programme's own fade is lower"
    run(session, 19, 20)
    assert session.ended is not None
    assert session.ended.cause is Cause.PERSON
    assert session.played_s <= 20.0


def test_r8_a_fade_is_over_once_all_is_at_zero_whatever_its_source_does_next() -> None:
    class Gap(Steady):
        def at(self, t: float) -> Setpoint:
            return Setpoint() if 12.0 <= t < 13.0 else super().at(t)

    session = Session(Gap())
    session.armed(0.0)
    run(session, 0, 10)
    session.take(Fade(), 10.0)
    run(session, 10, 12.4)
    assert session.ended is not None, "hands are there now"
    assert session.ended.cause is Cause.PERSON


def test_r3_a_fade_never_rises() -> None:
    source = ManualSource()
    session = Session(source)
    session.armed(0.0)
    session.take(SetLevel(20.0), 0.0)
    run(session, 0, 10)
    session.take(Fade(), 10.0)
    session.take(SetLevel(5.0, Zone.NECK_LEFT), 10.0)
    assert run(session, 10, 11).levels[Zone.NECK_LEFT.index] == 5.0
    session.take(SetLevel(20.0), 11.0)
    assert run(session, 11, 12).levels[Zone.NECK_LEFT.index] == 5.0


def test_a_second_fade_never_makes_it_longer(session: Session) -> None:
    run(session, 0, 10)
    session.take(Fade(), 10.0)
    run(session, 10, 14)
    session.take(Fade(), 14.0)
    run(session, 14, 16.4)
    assert session.ended is not None


def test_a_shorter_fade_overtakes(session: Session) -> None:
    run(session, 0, 10)
    session.take(Fade(), 10.0)
    run(session, 10, 11)
    session.fade(11.0, Ended(Cause.SAFETY, "broker lost"), 2.0)
    run(session, 11, 13.4)
    assert session.ended == Ended(Cause.SAFETY, "broker lost")


def test_a_fade_from_zero_or_from_a_pause_ends_at_once() -> None:
    for phase in ("zero", "pause"):
        session = Session(Steady())
        session.armed(0.0)
        if phase == "pause":
            run(session, 0, 10)
            session.take(Pause(), 10.0)
        session.take(Fade(), 10.0)
        assert session.ended is not None


def test_a_fading_zone_is_never_told_to_rest() -> None:
    session = Session(ManualSource())
    session.armed(0.0)
    session.take(SetLevel(20.0), 0.0)
    session.take(SetMotion(Motion.KNEAD, Direction.CW, Zone.NECK_LEFT), 0.0)
    run(session, 0, 10)
    session.take(Fade(), 10.0)
    wanted = run(session, 10, 12)
    assert wanted.mode is Mode.FADE
    assert wanted.patterns[Zone.NECK_LEFT.index] == Pattern(Motion.KNEAD, Direction.CW)


def test_r8_manual_fades_in_its_last_seconds() -> None:
    session = Session(ManualSource(60))
    session.armed(0.0)
    session.take(SetLevel(20.0, Zone.NECK_LEFT), 0.0)
    assert run(session, 0, 53).levels[2] == 20
    assert run(session, 53, 58).levels[2] < 10
    run(session, 58, 61)
    assert session.ended is not None
    assert session.ended.cause is Cause.FINISHED


def test_r8_manual_lasts_15_minutes_at_most() -> None:
    assert ManualSource(99999).duration_s == 900


def test_r8_armed_time_without_pauses_ends_before_the_device_would_cut() -> None:
    session = Session(Steady(duration_s=4000))
    session.armed(0.0)
    run(session, 0, 1619)
    assert session.ended is not None
    assert session.ended.cause is Cause.TIME_LIMIT


def test_r8_forty_minutes_with_pauses() -> None:
    session = Session(Steady(duration_s=4000))
    session.armed(0.0)
    for start in range(0, 2250, 250):
        run(session, start, start + 40)
        session.take(Pause(), start + 40.0)
        run(session, start + 40, start + 249)
        session.take(Resume(), start + 249.0)
    assert session.ended is None
    run(session, 2249, 2429)
    assert session.ended is not None
    assert session.ended.cause is Cause.TIME_LIMIT


def test_r8_forty_minutes_are_over_in_a_pause() -> None:
    session = Session(Steady(duration_s=4000))
    session.armed(0.0)
    for start in range(0, 2250, 225):
        session.take(Pause(), start + 1.0)
        run(session, start, start + 224)
        session.take(Resume(), start + 224.0)
    session.take(Pause(), 2300.0)
    run(session, 2300, 2429)
    assert session.ended is not None
    assert session.ended.cause is Cause.TIME_LIMIT


def test_a_programme_that_fades_by_itself_at_the_bound_is_finished() -> None:
    session = Session(Steady(duration_s=1590))
    session.armed(0.0)
    run(session, 0, 1591)
    assert session.ended is not None
    assert session.ended.cause is Cause.FINISHED


def test_only_the_first_end_counts(session: Session) -> None:
    session.end(Ended(Cause.PAIN, "pain"))
    session.end(Ended(Cause.FINISHED, "done"))
    assert session.ended == Ended(Cause.PAIN, "pain")


def test_a_fade_after_the_end_changes_nothing(session: Session) -> None:
    run(session, 0, 20)
    session.end(Ended(Cause.PAIN, "pain"))
    session.fade(20.0, Ended(Cause.FINISHED, "done"))
    assert session.phase is Phase.ENDED
    assert session.ended == Ended(Cause.PAIN, "pain")
    assert session.step(20.2).levels == ZERO


def test_manual_sets_levels_motion_and_heat() -> None:
    manual = ManualSource()
    manual.take(SetLevel(30.0))
    manual.take(SetLevel(10.0, Zone.NECK_LEFT))
    manual.take(SetMotion(Motion.CIRCLE, Direction.ALTERNATE, None, 8.0))
    manual.take(SetHeat(38.0))
    manual.take(Presence())
    wanted = manual.at(5)
    expected: Levels = (30, 30, 10, 30, 30, 30)
    assert wanted.levels == expected
    assert wanted.patterns == (Pattern(Motion.CIRCLE, Direction.ALTERNATE),) * 6
    assert (wanted.period_s, wanted.heat_c) == (8.0, 38.0)
    assert manual.phase_at(0) == "manual"
    assert manual.guided_at(0) is None
