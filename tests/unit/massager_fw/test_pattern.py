"""Drives that fall, rests before a reversal, and zones that do not move (R3)."""

from __future__ import annotations

from firmware_sim.config import Limits
from massager_fw.pattern import Direction, Patterns

ALL = 0b111111
CW, CCW, CIRCLE, HOLD = 0x12, 0x22, 0x14, 0x05


def made() -> Patterns:
    """Patterns of a device that was switched on long ago."""
    return Patterns(Limits(), ALL, ALL, -1_000)


def play(patterns: Patterns, level: int, begin: int, end: int) -> None:
    for tick in range(begin, end):
        patterns.step([level] * 6, tick)


def test_r3_a_level_that_falls_takes_both_actuators_of_its_zone_along() -> None:
    patterns = made()
    patterns.ask((CIRCLE,) * 6, 60_000)
    play(patterns, 1_000, 1, 1_501)
    assert patterns.actuators[:2] == [300, 700]
    patterns.fall([100, 1_000, 0, 1_000, 1_000, 1_000], 1_501)
    assert patterns.actuators[:6] == [30, 70, 300, 700, 0, 0]
    assert patterns.drive[:3] == [100, 1_000, 0]
    patterns.zero(1_502)
    assert (patterns.actuators, patterns.drive) == ([0] * 12, [0] * 6)
    assert patterns.settled


def test_r3_a_drive_that_fell_to_zero_at_once_rests_before_it_turns_round() -> None:
    patterns = made()
    patterns.ask((CW,) * 6, 4_000)
    play(patterns, 1_000, 1, 400)
    patterns.fall([0] * 6, 400)
    patterns.ask((CCW,) * 6, 4_000)
    play(patterns, 1_000, 401, 415)
    assert (patterns.drive, patterns.turning(0)) == ([0] * 6, Direction.CW)
    play(patterns, 1_000, 415, 417)
    assert patterns.drive[0] > 0
    assert patterns.turning(0) == Direction.CCW


def test_r3_a_motor_that_ran_without_a_way_rests_before_it_turns() -> None:
    """Where a zone has no vibration, its other motor holds as well: it turned one way, and may have to turn back."""
    patterns = Patterns(Limits(), 0, ALL, -1_000)
    patterns.ask((HOLD,) * 6, 4_000)
    play(patterns, 1_000, 1, 400)
    patterns.ask((CCW,) * 6, 4_000)
    play(patterns, 1_000, 400, 415)
    assert (patterns.drive, patterns.turned(0)) == ([0] * 6, Direction.NONE)
    play(patterns, 1_000, 415, 417)
    assert patterns.drive[0] > 0
    patterns.ask((HOLD,) * 6, 4_000)
    play(patterns, 1_000, 417, 420)
    assert (patterns.turning(0), patterns.turned(0)) == (Direction.NONE, Direction.CCW)


def test_r3_a_hand_over_goes_on_to_its_end_before_it_settles() -> None:
    patterns = made()
    patterns.ask((CIRCLE,) * 6, 60_000)
    play(patterns, 1_000, 1, 1_501)
    patterns.ask((HOLD,) * 6, 60_000)
    for tick in range(1_501, 1_700):
        if not patterns.settled:
            patterns.step([1_000] * 6, tick)
    assert patterns.actuators == [1_000, 0] * 6
    assert patterns.settled
    patterns.ask((CIRCLE,) * 6, 60_000)
    assert not patterns.settled


def test_a_motion_does_not_settle_at_its_peak() -> None:
    patterns = made()
    patterns.ask((CW,) * 6, 4_000)
    drives: list[int] = []
    for tick in range(1, 1_000):
        patterns.step([500] * 6, tick)
        drives.append(patterns.drive[0])
        assert not patterns.settled
    assert drives.count(500) >= 3, "it is at its level now and then"


def test_a_zone_whose_level_is_zero_does_not_turn() -> None:
    patterns = made()
    patterns.ask((CW,) * 6, 4_000)
    play(patterns, 0, 1, 400)
    assert patterns.turning(0) == Direction.NONE
    assert patterns.settled
