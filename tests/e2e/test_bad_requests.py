"""R5, R19: what makes no sense, or comes too late, is refused at the controller itself, and changes nothing."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from massager_ctl.errors import InputError, Refused
from massager_ctl.model.requests import (
    Change,
    Ease,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Undo,
)
from massager_ctl.model.status import Phase
from massager_ctl.model.units import Motion
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

pytestmark = simulated_time

NO_NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, -5.0, 10**400, True, "20", None]


@pytest.mark.parametrize("points", NO_NUMBERS)
async def test_an_ease_never_raises_what_plays(bench: Bench, points: Any) -> None:
    await bench.play("gentle", 100)
    before = bench.controller.status.eased
    with pytest.raises(InputError):
        bench.controller.request(Ease(points))
    await asyncio.sleep(1)
    assert bench.controller.status.eased == before == 0.0


@pytest.mark.parametrize("value", [math.nan, -5.0, 10**400, True, "38"])
async def test_a_wrong_value_by_hand_changes_nothing(bench: Bench, value: Any) -> None:
    await bench.controller.manual(600)
    bench.controller.request(SetLevel(5.0))
    for change in (SetLevel(value), SetHeat(value), SetMotion(Motion.VIBRATE, period_s=value)):
        with pytest.raises(InputError):
            bench.controller.request(change)
    assert bench.controller.aims == (5.0,) * 6


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -5.0, 0, True, "600"])
async def test_a_session_by_hand_lasts_a_number_of_seconds(bench: Bench, seconds: Any) -> None:
    with pytest.raises(InputError):
        await bench.controller.manual(seconds)
    assert not bench.controller.status.phase.in_session
    await bench.controller.manual(60)


@pytest.mark.parametrize("late", [SetLevel(9.0), Resume(), Undo(), Presence()])
async def test_r5_a_stale_request_that_could_raise_or_prolong_is_dropped(
    bench: Bench, late: Change
) -> None:
    await bench.controller.manual(600)
    bench.controller.request(SetLevel(5.0))
    await asyncio.sleep(5.0)
    long_ago = bench.loop.time() - 1.1
    bench.controller.request(Ease(), received_at=long_ago)
    bench.controller.request(Pause(), received_at=long_ago)
    with pytest.raises(Refused, match="R5"):
        bench.controller.request(late, received_at=long_ago)
    assert bench.controller.status.phase is Phase.PAUSED
    assert bench.controller.status.eased == 5.0
