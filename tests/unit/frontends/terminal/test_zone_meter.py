"""What the bars of manual control show, at any size."""

from __future__ import annotations

import pytest
from tests.unit.frontends.terminal.pictures import STATUS

from massager_ctl.frontends.terminal.layout import ASCII, length, text_of
from massager_ctl.frontends.terminal.manual_input import Link, ManualInput
from massager_ctl.frontends.terminal.zone_meter import (
    BAR_AT,
    WIDE,
    bar_width,
    meters,
    percent_at,
)


def shown(hand: ManualInput, width: int = 78) -> list[str]:
    return text_of(meters(STATUS, hand, width, ASCII)).splitlines()


@pytest.mark.parametrize("width", [20, 39, WIDE, 78, 200])
@pytest.mark.parametrize("hand", [None, ManualInput()])
def test_no_row_is_wider_than_the_screen(width: int, hand: ManualInput | None) -> None:
    assert all(length(row) <= width for row in meters(STATUS, hand, width, ASCII))


def test_a_bar_shows_what_was_asked_the_cap_and_what_is_allowed() -> None:
    hand = ManualInput()
    hand.asked[0] = 30.0
    row = shown(hand)[0]
    bar = row[BAR_AT : BAR_AT + bar_width(78)]
    assert row.startswith("> trapezius")
    assert bar.count("O") == 1
    assert bar.count("|") == 1
    assert bar.index("|") < bar.index("O")
    assert bar.index("#") < bar.index("|")
    assert "18.2 of 30.0  cap 25" in row


def test_the_mirror_of_the_chosen_zone_is_marked() -> None:
    assert shown(ManualInput())[1].startswith(") ")
    assert shown(ManualInput())[2].startswith("  ")
    assert shown(ManualInput(link=Link.SINGLE))[1].startswith("  ")


def test_the_mouse_reads_the_same_scale_as_the_eye() -> None:
    assert percent_at(BAR_AT, 78) == 0
    assert percent_at(BAR_AT + bar_width(78) - 1, 78) == 70
    assert percent_at(BAR_AT - 1, 78) is None
    assert percent_at(77, 78) is None
    assert percent_at(BAR_AT, WIDE - 1) is None, "there is no bar"


def test_a_narrow_screen_shows_numbers_for_both_sides() -> None:
    hand = ManualInput()
    hand.asked[0] = 30.0
    rows = shown(hand, 39)
    assert len(rows) == 3
    assert rows[0].split() == ["trapezius", ">18>30", ">18>0"]
