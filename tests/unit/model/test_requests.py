"""R11, R19: what no device could play is refused before anything changes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from massager_ctl.errors import InputError
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
    check,
)
from massager_ctl.model.units import DIRECTIONS, Direction, Motion, Zone

NONSENSE: list[Any] = [math.nan, math.inf, -math.inf, True, "35", None, -1, 1e308]


@pytest.mark.parametrize(
    "change",
    [
        SetLevel(0.0),
        SetLevel(100, Zone.NECK_LEFT),
        Ease(),
        Ease(0.0),
        SetMotion(Motion.VIBRATE),
        SetMotion(Motion.HOLD, Direction.NONE, Zone.NECK_LEFT, 1),
        SetMotion(Motion.GLIDE, Direction.UP, None, 60.0),
        SetHeat(None),
        SetHeat(30),
        SetHeat(39.0),
        Pause(),
        Resume(),
        Undo(),
        Fade(),
        Presence(),
    ],
)
def test_what_a_device_can_play_passes(change: Change) -> None:
    assert check(change) is None


@pytest.mark.parametrize("value", [*NONSENSE, 100.1])
@pytest.mark.parametrize("kind", [SetLevel, Ease])
def test_r19_a_level_that_is_none_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(InputError):
        check(kind(value))


def test_a_zone_rests_by_its_level_and_not_by_its_motion() -> None:
    with pytest.raises(InputError, match="set its level to 0"):
        check(SetMotion(Motion.REST))


@pytest.mark.parametrize("motion", [motion for motion in Motion if motion is not Motion.REST])
def test_a_motion_takes_its_own_directions_alone(motion: Motion) -> None:
    for way in Direction:
        change = SetMotion(motion, way)
        if way in DIRECTIONS[motion]:
            assert check(change) is None
            continue
        with pytest.raises(InputError, match=f"{motion} has no direction {way}") as caught:
            check(change)
        for suits in DIRECTIONS[motion]:
            assert suits in caught.value.remedy


@pytest.mark.parametrize("period", [*NONSENSE, 0, 0.99, 60.1])
def test_r19_a_cycle_takes_1_to_60_seconds(period: Any) -> None:
    with pytest.raises(InputError, match="1 to 60 seconds"):
        check(SetMotion(Motion.VIBRATE, period_s=period))


@pytest.mark.parametrize(
    "celsius", [*[value for value in NONSENSE if value is not None], 29.9, 39.1]
)
def test_r11_heat_is_off_or_30_to_39_degrees(celsius: Any) -> None:
    with pytest.raises(InputError, match="30 to 39"):
        check(SetHeat(celsius))
