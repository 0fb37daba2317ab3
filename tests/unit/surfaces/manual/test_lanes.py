"""What the lanes of manual control show, at any size."""

from __future__ import annotations

import pytest

from massager_ctl.device import Setpoint
from massager_ctl.safety.governor import Held
from massager_ctl.status import LinkState, Phase, Status
from massager_ctl.surfaces.manual.hand import Hand
from massager_ctl.surfaces.manual.lanes import (
    HELP,
    LEFT,
    PLAIN,
    bar_width,
    lane,
    percent_at,
    screen,
    word,
)
from massager_ctl.units import Zone

RUNNING = Status(
    address="sim:",
    link=LinkState.UP,
    phase=Phase.RUNNING,
    remaining_s=599.0,
    caps=(40.0, 40.0, 40.0, 40.0, 35.0, 35.0),
    allowed=(18.0, 18.0, 18.0, 18.0, 18.0, 18.0),
    sent=Setpoint(),
)


@pytest.mark.parametrize("width", [60, 78, 200])
def test_no_row_is_wider_than_the_screen(width: int) -> None:
    *rows, _ = screen(RUNNING, Hand(), width)  # the last one folds
    for row in rows:
        assert len(row) <= width


def test_a_lane_shows_target_cap_and_what_is_allowed() -> None:
    hand = Hand()
    hand.asked[0] = 30.0
    row = lane(RUNNING, hand, Zone.TRAPEZIUS_LEFT, 78, PLAIN)
    bar = row[LEFT : LEFT + bar_width(78)]
    assert row.startswith("> trapezius")
    assert bar.count("O") == 1
    assert bar.count("|") == 1
    assert bar.index("O") < bar.index("|")
    assert "-" in bar
    assert "0.0 of 30.0  cap 40" in row


def test_the_mirror_of_the_chosen_zone_is_marked() -> None:
    assert lane(RUNNING, Hand(), Zone.TRAPEZIUS_RIGHT, 78, PLAIN).startswith(") ")
    assert lane(RUNNING, Hand(), Zone.NECK_RIGHT, 78, PLAIN).startswith("  ")


def test_the_mouse_reads_the_same_scale_as_the_eye() -> None:
    assert percent_at(LEFT, 78) == 0
    assert percent_at(LEFT + bar_width(78) - 1, 78) == 70
    assert percent_at(LEFT - 1, 78) is None
    assert percent_at(77, 78) is None


def test_the_word_says_why_something_is_held_back() -> None:
    held = Held(Zone.TRAPEZIUS_LEFT, 40.0, 18.0, "R2", 170.0)
    said = word(Status(phase=Phase.RUNNING, held=(held,)), Hand())
    assert "18 allowed now, your 40 in 2 min 50 s (R2)" in said


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status(link=LinkState.LOST), "link is gone"),
        (Status(phase=Phase.IDLE), "Enter starts"),
        (Status(phase=Phase.PAUSED), "p goes on"),
        (Status(phase=Phase.ENDED, message="you stopped it"), "At zero: you stopped it"),
        (Status(phase=Phase.RUNNING, attention_in_s=20.0), "within 20 s"),
        (Status(phase=Phase.RUNNING, eased=5.0), "Eased by 5"),
        (Status(phase=Phase.RUNNING), "Space stops"),
    ],
)
def test_the_word_for_each_moment(status: Status, said: str) -> None:
    assert said in word(status, Hand())


def test_nothing_to_say_is_nothing() -> None:
    hand = Hand()
    hand.asked[0] = 5.0
    assert word(RUNNING, hand) == ""


def test_the_help_fits_its_box() -> None:
    assert max(map(len, HELP.splitlines())) <= 72
    assert len(HELP.splitlines()) <= 18
