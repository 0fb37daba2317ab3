"""What a level starts at, and that its caps hold by themselves (R1, R2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_sim.config import Limits
from massager_fw.levels import Levels

ALL = 0b111111


def test_a_session_starts_at_zero_whatever_was_before() -> None:
    levels = Levels(Limits(), ALL)
    levels.open(1000)
    levels.ask([1_000] * 6, 0)
    levels.rise()
    levels.open(1000)
    assert levels.level == levels.asked == levels.target == [0] * 6
    assert (levels.up, levels.rising) == (False, False)


@pytest.mark.parametrize(("cap", "expected"), [(1000, 7_000), (700, 7_000), (300, 3_000)])
def test_r1_the_caps_hold_whatever_the_envelope_gives(cap: int, expected: int) -> None:
    levels = Levels(replace(Limits(), envelope=lambda running, cap: 10_000), ALL)
    levels.open(cap)
    levels.ask([10_000, 0, 0, 0, 0, 0], 0)
    assert levels.target[0] == expected
