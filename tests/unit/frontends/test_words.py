"""Plain words: one way to say a time, a place, a motion and a reason."""

from __future__ import annotations

import pytest

from massager_ctl.frontends import words
from massager_ctl.model.device import Pattern
from massager_ctl.model.status import Held
from massager_ctl.model.units import DIRECTIONS, Motion, Zone


@pytest.mark.parametrize(
    ("seconds", "left", "gone"),
    [
        (-1.0, "0 s", "0 s"),
        (0.2, "1 s", "0 s"),
        (59.5, "1 min", "59 s"),
        (600.0, "10 min", "10 min"),
        (245.0, "4 min 5 s", "4 min 5 s"),
        (2700.0, "45 min", "45 min"),
    ],
)
def test_times_round_so_that_they_do_not_lie(seconds: float, left: str, gone: str) -> None:
    assert words.lasting(seconds) == left
    assert words.passed(seconds) == gone


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("its time is over (R8)", "its time is over"),
        ("too warm (R11); it is latched", "too warm; it is latched"),
        ("refused (R1, R2 and R3): later", "refused: later"),
        ("on (soft tissue) only", "on (soft tissue) only"),
    ],
)
def test_rule_ids_are_left_out(text: str, said: str) -> None:
    assert words.plain(text) == said


def test_every_motion_and_direction_has_words() -> None:
    said = {words.motion(Pattern(motion, way)) for motion in Motion for way in DIRECTIONS[motion]}
    assert len(said) == sum(len(DIRECTIONS[motion]) for motion in Motion)
    assert not any("none" in one for one in said)


def test_what_holds_a_zone_back() -> None:
    climbing = Held(Zone.NECK_LEFT, 15.8155, 10.0, "R3", 5.8)
    assert words.held(climbing) == "neck, left: 10 % now, 15.8 % in 6 s; it climbs slowly"
    capped = Held(Zone.NECK_LEFT, 60.0, 25.0, "R1, session 1 of 3 (R1)")
    assert words.held(capped) == "neck, left: 60 % is above the cap of 25 % (session 1 of 3)"
    bare = Held(Zone.NECK_LEFT, 60.0, 25.0, "R1")
    assert words.held(bare) == "neck, left: 60 % is above the cap of 25 %"


def test_the_longest_wait_is_the_reason_that_is_given() -> None:
    assert words.longest_held(()) == ""
    first = Held(Zone.TRAPEZIUS_LEFT, 25.0, 18.0, "R2", 170.0)
    second = Held(Zone.NECK_RIGHT, 15.0, 12.0, "R3", 3.0)
    assert words.longest_held((second, first)) == words.held(first)
