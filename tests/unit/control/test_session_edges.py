"""R8 at the edges: armed at another time than zero, what ease, pause and fade keep of a setpoint, and the words."""

from __future__ import annotations

import pytest

from massager_ctl.control.session import (
    ARMED_MAX_S,
    ARMED_WITH_PAUSES_MAX_S,
    PAUSE_MAX_S,
    Ended,
    Session,
)
from massager_ctl.model.device import OFF, Cause, Mode, Pattern, Setpoint
from massager_ctl.model.requests import Change, Ease, Fade, Pause, Resume
from massager_ctl.model.status import GuidedStep, Phase
from massager_ctl.model.units import ZERO, Direction, Motion

BEGAN = 10_000.0
KNEAD = Pattern(Motion.KNEAD, Direction.CW)
REST = Pattern(Motion.REST)


class Playing:
    """Ten percent on the first zone for an hour, kneading, warm; the others at rest."""

    id = "playing"
    title = "Playing"
    ramp_s = 300.0
    duration_s = 3600.0

    def at(self, t: float) -> Setpoint:
        return Setpoint((10.0, 0, 0, 0, 0, 0), (KNEAD, REST, REST, REST, REST, REST), 7.0, 36.0)

    def phase_at(self, t: float) -> str:
        return "playing"

    def guided_at(self, t: float) -> GuidedStep | None:
        return None

    def next_motor_start(self, t: float) -> float | None:
        return None

    def take(self, change: Change) -> None:
        raise AssertionError("it takes no change")


@pytest.fixture
def session() -> Session:
    made = Session(Playing())
    made.armed(BEGAN)
    step(made, 0.2)
    return made


def step(session: Session, after_s: float) -> Setpoint:
    wanted = session.step(BEGAN + after_s)
    session.sent(wanted.levels)
    return wanted


def test_r8_armed_time_counts_from_arm_and_pauses_do_not(session: Session) -> None:
    step(session, 1000.0)
    session.take(Pause(), BEGAN + 1000.0)
    step(session, 1200.0)
    session.take(Resume(), BEGAN + 1200.0)
    step(session, ARMED_MAX_S + 200.0 - 6.5)
    assert session.phase is Phase.RUNNING
    step(session, ARMED_MAX_S + 200.0 - 5.5)
    assert session.phase is Phase.FADING
    step(session, ARMED_MAX_S + 200.0 + 1.0)
    assert session.ended is not None
    assert (session.ended.cause, session.ended.text) == (
        Cause.TIME_LIMIT,
        "26 and a half minutes are over (R8)",
    )
    assert session.phase is Phase.ENDED


def pauses(session: Session, seconds: float) -> None:
    """Six pauses of 200 s, running in between, up to so many seconds after ARM."""
    for number in range(6):
        at = 100.0 + 340.0 * number
        step(session, at)
        session.take(Pause(), BEGAN + at)
        step(session, at + 200.0)
        session.take(Resume(), BEGAN + at + 200.0)
        step(session, at + 200.2)
    step(session, seconds)


def test_r8_forty_minutes_with_pauses_fade(session: Session) -> None:
    pauses(session, ARMED_WITH_PAUSES_MAX_S - 6.5)
    assert session.phase is Phase.RUNNING
    step(session, ARMED_WITH_PAUSES_MAX_S - 5.5)
    assert session.phase is Phase.FADING
    step(session, ARMED_WITH_PAUSES_MAX_S + 1.0)
    assert session.ended is not None
    assert session.ended.text == "40 minutes with pauses are over (R8)"


def test_r8_forty_minutes_are_over_in_a_pause(session: Session) -> None:
    pauses(session, ARMED_WITH_PAUSES_MAX_S - 200.0)
    session.take(Pause(), BEGAN + ARMED_WITH_PAUSES_MAX_S - 200.0)
    step(session, ARMED_WITH_PAUSES_MAX_S - 0.1)
    assert session.ended is None
    left_s = session.pause_left_s(BEGAN + ARMED_WITH_PAUSES_MAX_S - 0.1)
    assert left_s == pytest.approx(0.1)
    step(session, ARMED_WITH_PAUSES_MAX_S + 0.1)
    assert session.ended is not None
    assert session.ended.text == "40 minutes with pauses are over (R8)"


def test_r8_a_pause_ends_it_after_four_minutes_of_its_own(session: Session) -> None:
    assert session.pause_left_s(BEGAN + 50.0) is None
    session.take(Pause(), BEGAN + 50.0)
    assert session.pause_left_s(BEGAN + 50.0) == PAUSE_MAX_S
    step(session, 50.0 + PAUSE_MAX_S - 0.1)
    assert session.ended is None
    assert session.pause_left_s(BEGAN + 51.0 + PAUSE_MAX_S) == 0.0
    step(session, 50.0 + PAUSE_MAX_S + 0.1)
    assert session.ended is not None
    assert session.ended.text == "the pause was longer than 4 minutes (R8)"


def test_ease_lowers_and_changes_nothing_else(session: Session) -> None:
    session.take(Ease(4.0), BEGAN + 1.0)
    plain, eased = Playing().at(1.0), step(session, 1.2)
    assert eased == Setpoint((6.0, 0, 0, 0, 0, 0), plain.patterns, 7.0, 36.0, Mode.RUN)


def test_a_pause_keeps_the_motion_and_takes_the_heat(session: Session) -> None:
    session.take(Pause(), BEGAN + 1.0)
    paused = step(session, 1.2)
    assert paused == Setpoint((0, 0, 0, 0, 0, 0), Playing().at(0.0).patterns, 7.0, None, Mode.PAUSE)


def test_a_fade_keeps_the_motion_and_takes_the_heat(session: Session) -> None:
    session.take(Fade(), BEGAN + 1.0)
    fading = step(session, 4.0)
    assert fading.levels == (pytest.approx(5.0), 0, 0, 0, 0, 0)
    assert fading == Setpoint(fading.levels, Playing().at(0.0).patterns, 7.0, None, Mode.FADE)
    step(session, 7.1)
    assert session.ended is not None
    assert (session.ended.cause, session.ended.text) == (Cause.PERSON, "you ended it")


class Warming(Playing):
    """Ten seconds of heat alone."""

    duration_s = 10.0

    def at(self, t: float) -> Setpoint:
        return Setpoint(ZERO, heat_c=36.0)


def test_r11_a_session_that_has_played_to_its_end_asks_for_no_heat() -> None:
    session = Session(Warming())
    session.armed(BEGAN)
    assert session.step(BEGAN + 9.9).heat_c == 36.0
    assert session.step(BEGAN + 10.1) == OFF
    assert session.ended == Ended(Cause.FINISHED, "played to its end")
    assert session.remaining_s == 0.0


class Turning(Playing):
    """The second zone plays for 5 s and then rests, while the first plays to the end."""

    duration_s = 11.0

    def at(self, t: float) -> Setpoint:
        second = 0.6 if t < 5.0 else 0.0
        patterns = (KNEAD, KNEAD if second else REST, REST, REST, REST, REST)
        return Setpoint((10.0, second, 0, 0, 0, 0), patterns, 7.0)


def test_a_zone_that_rests_from_the_border_of_a_step_on_rests_in_the_fade_too() -> None:
    session = Session(Turning())
    session.armed(BEGAN)
    step(session, 4.9)
    step(session, 5.1)
    assert session.phase is Phase.FADING
    fading = step(session, 5.3)
    assert fading.levels[0] > 0
    assert fading.levels[1] == 0
    assert fading.patterns == (KNEAD, REST, REST, REST, REST, REST)


def test_r8_the_fade_at_the_end_is_over_when_the_time_is() -> None:
    session = Session(Turning())
    session.armed(BEGAN)
    step(session, 4.9)
    step(session, 5.05)
    assert session.phase is Phase.FADING
    step(session, 10.9)
    assert session.ended is None
    step(session, 11.01)
    assert session.ended is not None
    assert (session.ended.cause, session.ended.text) == (Cause.FINISHED, "its time is over")


def test_before_its_arm_and_after_its_end_a_session_asks_for_nothing(session: Session) -> None:
    waiting = Session(Playing())
    assert waiting.step(BEGAN) == OFF
    session.end(Ended(Cause.PERSON, "stopped"))
    assert session.step(BEGAN + 1.0) == OFF


def test_at_the_end_of_its_fade_and_of_its_time_a_session_asks_for_nothing(
    session: Session,
) -> None:
    session.sent((10.0, 0, 0, 0, 0, 0))
    session.fade(BEGAN, Ended(Cause.PERSON, "faded"), 5.0)
    assert session.step(BEGAN + 2.5).levels[0] == 5.0
    assert session.step(BEGAN + 6.0) == OFF
    assert session.ended is not None
    short = Playing()
    short.duration_s = 10.0
    played = Session(short)
    played.armed(BEGAN)
    asked = [played.step(BEGAN + second) for second in range(1, 11)]
    assert asked[0] != OFF
    assert asked[-1] == OFF
    assert played.ended is not None
