"""What a session plays: a plan as it stands, or a person's hand."""

from __future__ import annotations

import pytest

from massager_ctl.control.setpoint_source import ManualSource, ProfilePlayer
from massager_ctl.model.device import OFF, VIBRATE, Pattern
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
)
from massager_ctl.model.status import GuidedStep
from massager_ctl.model.units import ZERO, Direction, Motion, Zone
from massager_ctl.profile.format.load import load_text
from massager_ctl.profile.plan.make import Plan, make_plan
from massager_ctl.safety.limits import combine

TEXT = """
title: ProfilePlayer
cap: 20
duration: 5m
steps:
  - {zones: all, duration: 180, level: 8}
  - {guide: Turn your head., duration: 40, breathe: {in: 4, out: 6}, bell: true}
  - {guide: Look ahead., duration: 20}
  - {zones: all, duration: 60, level: 8, say: Rest your hands.}
"""


@pytest.fixture
def plan() -> Plan:
    return make_plan(load_text(TEXT, "played"), combine(()))


def test_a_plan_plays_what_its_cursor_says(plan: Plan) -> None:
    played, cursor = ProfilePlayer(plan), plan.cursor()
    assert (played.id, played.title) == ("played", "ProfilePlayer")
    assert (played.duration_s, played.ramp_s) == (300.0, 300.0)
    for second in range(301):
        assert played.at(second) == cursor.at(second)
        assert played.phase_at(second) == cursor.phase_at(second)
    assert played.at(100.0).levels == (8.0,) * 6


def test_a_step_by_hand_says_how_long_it_lasts_what_to_breathe_and_what_comes_next(
    plan: Plan,
) -> None:
    played = ProfilePlayer(plan)
    assert played.guided_at(10.0) is None
    assert played.guided_at(185.0) == GuidedStep(
        "Turn your head.", 35.0, 40.0, True, "Breathe out.", "Look ahead."
    )
    assert played.guided_at(230.0) == GuidedStep(
        "Look ahead.", 10.0, 20.0, False, "", "Rest your hands."
    )


def test_words_while_the_motors_run_announce_no_next_step(plan: Plan) -> None:
    step = ProfilePlayer(plan).guided_at(250.0)
    assert step is not None
    assert (step.text, step.remaining_s, step.following) == ("Rest your hands.", 50.0, "")


@pytest.mark.parametrize("change", [SetLevel(40.0), SetMotion(Motion.HOLD), SetHeat(35.0), Pause()])
def test_a_plan_takes_no_change_by_hand(plan: Plan, change: Change) -> None:
    played = ProfilePlayer(plan)
    played.take(change)
    assert [played.at(second) for second in (0, 100, 250)] == [
        ProfilePlayer(plan).at(second) for second in (0, 100, 250)
    ]


def test_a_hand_sets_one_zone_or_all() -> None:
    manual = ManualSource()
    assert manual.at(0.0) == OFF
    manual.take(SetLevel(20.0))
    manual.take(SetLevel(5.0, Zone.NECK_LEFT))
    assert manual.at(1.0).levels == (20.0, 20.0, 5.0, 20.0, 20.0, 20.0)
    manual.take(SetMotion(Motion.GLIDE, Direction.UP, Zone.NECK_RIGHT, 8.0))
    glide = Pattern(Motion.GLIDE, Direction.UP)
    assert manual.at(1.0).patterns == (VIBRATE, VIBRATE, VIBRATE, glide, VIBRATE, VIBRATE)
    assert manual.at(1.0).period_s == 8.0
    manual.take(SetHeat(36.5))
    assert manual.at(1.0).heat_c == 36.5
    assert manual.at(1.0).levels == (20.0, 20.0, 5.0, 20.0, 20.0, 20.0)
    manual.take(SetMotion(Motion.KNEAD, Direction.CW))
    assert manual.at(1.0).patterns == (Pattern(Motion.KNEAD, Direction.CW),) * 6
    manual.take(SetHeat(None))
    manual.take(SetLevel(0.0))
    assert (manual.at(1.0).heat_c, manual.at(1.0).levels) == (None, ZERO)


@pytest.mark.parametrize("change", [Pause(), Resume(), Ease(), Fade()])
def test_what_belongs_to_the_session_moves_no_level_of_a_hand(change: Change) -> None:
    manual = ManualSource()
    manual.take(SetLevel(20.0))
    before = manual.at(0.0)
    manual.take(change)
    assert manual.at(0.0) == before
