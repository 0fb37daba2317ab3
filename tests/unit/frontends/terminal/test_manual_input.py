"""What each key of manual control asks for."""

from __future__ import annotations

import pytest

from massager_ctl.frontends.terminal.bindings import Action, View, action
from massager_ctl.frontends.terminal.manual_input import Link, ManualInput
from massager_ctl.model.device import VIBRATE
from massager_ctl.model.requests import Change, Presence, SetHeat, SetLevel, SetMotion
from massager_ctl.model.units import Direction, Motion, Zone


def press(hand: ManualInput, *keys: str, now: float = 0.0) -> list[Change]:
    answer: list[Change] = []
    for key in keys:
        asked = action(key, View.MANUAL)
        answer = hand.key(key, now) if asked is None else hand.act(asked)
    return answer


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("space", Action.STOP),
        ("s", Action.STOP),
        ("!", Action.PAIN),
        ("p", Action.PAUSE),
        ("-", Action.EASE),
        ("+", Action.UNDO),
        ("?", Action.HELP),
        ("q", Action.QUIT),
    ],
)
def test_these_keys_mean_the_same_in_run_and_in_manual(key: str, asked: Action, view: View) -> None:
    assert action(key, view) is asked


def test_keys_that_set_by_hand_mean_nothing_while_a_profile_plays() -> None:
    assert action("h", View.MANUAL) is Action.HEAT
    assert action("h", View.PROFILE) is None


def test_arrows_move_both_sides_while_linked() -> None:
    hand = ManualInput()
    assert press(hand, "right", "right") == [
        SetLevel(2.0, Zone.TRAPEZIUS_LEFT),
        SetLevel(2.0, Zone.TRAPEZIUS_RIGHT),
    ]
    assert press(hand, "pageup", "left") == [
        SetLevel(6.0, Zone.TRAPEZIUS_LEFT),
        SetLevel(6.0, Zone.TRAPEZIUS_RIGHT),
    ]


def test_unlinked_one_side_moves_alone() -> None:
    hand = ManualInput()
    press(hand, "l", "down")
    assert hand.link is Link.SINGLE
    assert press(hand, "right") == [SetLevel(1.0, Zone.TRAPEZIUS_RIGHT)]
    press(hand, "l")
    assert hand.link is Link.LINKED


def test_levels_stay_between_0_and_100() -> None:
    hand = ManualInput()
    assert press(hand, "left", "pagedown")[0] == SetLevel(0.0, Zone.TRAPEZIUS_LEFT)
    assert press(hand, *["pageup"] * 30)[0] == SetLevel(100.0, Zone.TRAPEZIUS_LEFT)


def test_digits_make_a_number_while_they_come_quickly() -> None:
    hand = ManualInput()
    assert press(hand, "2", now=1.0)[0] == SetLevel(2.0, Zone.TRAPEZIUS_LEFT)
    assert press(hand, "5", now=1.5)[0] == SetLevel(25.0, Zone.TRAPEZIUS_LEFT)
    assert press(hand, "5", now=2.0)[0] == SetLevel(5.0, Zone.TRAPEZIUS_LEFT), "255 is not a level"
    assert press(hand, "7", now=9.0)[0] == SetLevel(7.0, Zone.TRAPEZIUS_LEFT)


def test_moving_to_another_zone_begins_a_new_number() -> None:
    hand = ManualInput()
    press(hand, "2", "tab", now=1.0)
    assert hand.zone is Zone.NECK_LEFT
    assert press(hand, "5", now=1.2)[0] == SetLevel(5.0, Zone.NECK_LEFT)
    press(hand, "shift+tab", "up")
    assert hand.zone is Zone.SUBOCCIPITAL_RIGHT


def test_motion_direction_and_heat_go_round() -> None:
    hand = ManualInput()
    assert press(hand, "m") == [SetMotion(Motion.KNEAD, Direction.ALTERNATE, None, 8.0)]
    assert press(hand, "d") == [SetMotion(Motion.KNEAD, Direction.CCW, None, 8.0)]
    assert press(hand, "d", "d") == [SetMotion(Motion.KNEAD, Direction.ALTERNATE, None, 8.0)]
    assert press(hand, "m", "m") == [SetMotion(Motion.GLIDE, Direction.ALTERNATE, None, 8.0)]
    assert press(hand, "m", "m") == [SetMotion(Motion.VIBRATE, Direction.NONE, None, 8.0)]
    assert press(hand, "h") == [SetHeat(36.0)]
    assert press(hand, "h", "h", "h") == [SetHeat(None)]


def test_a_key_without_a_meaning_is_a_presence() -> None:
    assert press(ManualInput(), "x") == [Presence()]
    assert press(ManualInput(), "²") == [Presence()]


def test_a_new_session_begins_at_zero() -> None:
    hand = ManualInput()
    press(hand, "pageup", "m", "h")
    hand.begin()
    assert hand.asked == [0.0] * 6
    assert (hand.pattern, hand.heat) == (VIBRATE, None)
