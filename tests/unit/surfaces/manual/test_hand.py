"""What each key of manual control means."""

from __future__ import annotations

import pytest

from massager_ctl.requests import (
    Change,
    Ease,
    Fade,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    SignOfLife,
    UndoEase,
)
from massager_ctl.status import Phase, Status
from massager_ctl.surfaces.manual.hand import Deed, Hand, Link
from massager_ctl.units import Direction, Motion, Zone

RUNNING = Status(phase=Phase.RUNNING)


def press(
    hand: Hand, *keys: str, status: Status = RUNNING, now: float = 0.0
) -> list[Change] | Deed:
    answer: list[Change] | Deed = []
    for key in keys:
        answer = hand.key(key, status, now)
    return answer


@pytest.mark.parametrize(
    ("key", "deed"),
    [
        ("space", Deed.STOP),
        ("s", Deed.STOP),
        ("exclamation_mark", Deed.PAIN),
        ("question_mark", Deed.HELP),
        ("q", Deed.QUIT),
    ],
)
@pytest.mark.parametrize("phase", list(Phase))
def test_these_keys_mean_the_same_in_every_phase(key: str, deed: Deed, phase: Phase) -> None:
    assert press(Hand(), key, status=Status(phase=phase)) is deed


def test_enter_starts_only_where_nothing_runs() -> None:
    assert press(Hand(), "enter", status=Status(phase=Phase.ENDED)) is Deed.START
    assert press(Hand(), "enter") == [SignOfLife()]


def test_arrows_move_both_sides_while_linked() -> None:
    hand = Hand()
    assert press(hand, "right", "right") == [
        SetLevel(2.0, Zone.TRAPEZIUS_LEFT),
        SetLevel(2.0, Zone.TRAPEZIUS_RIGHT),
    ]
    assert press(hand, "pageup", "left") == [
        SetLevel(6.0, Zone.TRAPEZIUS_LEFT),
        SetLevel(6.0, Zone.TRAPEZIUS_RIGHT),
    ]


def test_unlinked_one_side_moves_alone() -> None:
    hand = Hand()
    press(hand, "l", "down")
    assert hand.link is Link.SINGLE
    assert press(hand, "right") == [SetLevel(1.0, Zone.TRAPEZIUS_RIGHT)]
    press(hand, "l")
    assert hand.link is Link.LINKED


def test_levels_stay_between_0_and_100() -> None:
    hand = Hand()
    assert press(hand, "left", "pagedown")[0] == SetLevel(0.0, Zone.TRAPEZIUS_LEFT)
    assert press(hand, *["pageup"] * 30)[0] == SetLevel(100.0, Zone.TRAPEZIUS_LEFT)


def test_digits_make_a_number_while_they_come_quickly() -> None:
    hand = Hand()
    assert press(hand, "2", now=1.0)[0] == SetLevel(2.0, Zone.TRAPEZIUS_LEFT)
    assert press(hand, "5", now=1.5)[0] == SetLevel(25.0, Zone.TRAPEZIUS_LEFT)
    assert press(hand, "5", now=2.0)[0] == SetLevel(5.0, Zone.TRAPEZIUS_LEFT), "255 is no level"
    assert press(hand, "7", now=9.0)[0] == SetLevel(7.0, Zone.TRAPEZIUS_LEFT)


def test_moving_to_another_zone_begins_a_new_number() -> None:
    hand = Hand()
    press(hand, "2", "tab", now=1.0)
    assert hand.zone is Zone.NECK_LEFT
    assert press(hand, "5", now=1.2)[0] == SetLevel(5.0, Zone.NECK_LEFT)
    press(hand, "shift+tab", "up")
    assert hand.zone is Zone.SUBOCCIPITAL_RIGHT


def test_motion_direction_and_heat_go_round() -> None:
    hand = Hand()
    assert press(hand, "m") == [SetMotion(Motion.KNEAD, Direction.ALTERNATE, None, 8.0)]
    assert press(hand, "d") == [SetMotion(Motion.KNEAD, Direction.CCW, None, 8.0)]
    assert press(hand, "d", "d") == [SetMotion(Motion.KNEAD, Direction.ALTERNATE, None, 8.0)]
    assert press(hand, "m", "m") == [SetMotion(Motion.GLIDE, Direction.ALTERNATE, None, 8.0)]
    assert press(hand, "m", "m") == [SetMotion(Motion.VIBRATE, Direction.NONE, None, 8.0)]
    assert press(hand, "h") == [SetHeat(36.0)]
    assert press(hand, "h", "h", "h") == [SetHeat(None)]


def test_pause_ease_and_fade() -> None:
    hand = Hand()
    assert press(hand, "p") == [Pause()]
    assert press(hand, "p", status=Status(phase=Phase.PAUSED)) == [Resume()]
    assert press(hand, "minus") == [Ease()]
    assert press(hand, "plus") == [UndoEase()]
    assert press(hand, "f") == [Fade()]


def test_a_key_without_a_meaning_is_a_sign_of_life() -> None:
    assert press(Hand(), "x") == [SignOfLife()]
    assert press(Hand(), "²") == [SignOfLife()]


def test_a_new_session_begins_at_zero() -> None:
    hand = Hand()
    press(hand, "pageup", "m", "h")
    hand.begin()
    assert hand.asked == [0.0] * 6
    assert (hand.motion, hand.heat) == (Motion.VIBRATE, None)
