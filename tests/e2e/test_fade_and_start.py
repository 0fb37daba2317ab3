"""Fades from any state reach an end that the device confirms, and a stop outruns a start that is being prepared."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from massager_ctl.control.session import Ended
from massager_ctl.errors import Refused
from massager_ctl.model.device import Cause, DeviceState
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.requests import Fade, Pause
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

pytestmark = simulated_time

LOST = Ended(Cause.SAFETY, "the broker is gone (R18)")


async def within(bench: Bench, seconds: float) -> SessionEnd:
    return await asyncio.wait_for(bench.controller.ended(), seconds)


async def test_r18_a_fade_for_the_programs_own_reasons_takes_its_time_and_no_more(
    bench: Bench,
) -> None:
    await bench.play(after_s=90)
    assert max(bench.out.values()) > 5
    bench.controller.fade(LOST, 3.0)
    await asyncio.sleep(1.0)
    assert 0 < max(bench.out.values()) < 10
    end = await within(bench, 2.3)
    assert (end.cause, end.text, end.error) == (Cause.SAFETY, LOST.text, None)
    assert max(bench.out.values()) == 0


async def test_a_fade_overtakes_a_slower_one(bench: Bench) -> None:
    await bench.play(after_s=90)
    bench.controller.request(Fade())
    bench.controller.fade(LOST, 3.0)
    assert (await within(bench, 3.3)).cause is Cause.SAFETY


@pytest.mark.parametrize("ask", ["person", "program"])
async def test_a_fade_in_a_pause_stops_and_is_confirmed(bench: Bench, ask: str) -> None:
    await bench.play(after_s=90)
    bench.controller.request(Pause())
    await asyncio.sleep(5)
    if ask == "person":
        bench.controller.request(Fade())
    else:
        bench.controller.fade(LOST, 3.0)
    end = await within(bench, 0.5)
    assert end.error is None
    assert bench.controller.status.telemetry is not None
    assert bench.controller.status.telemetry.state is DeviceState.IDLE


async def test_a_fade_before_the_first_movement_stops_and_is_confirmed(bench: Bench) -> None:
    await bench.controller.manual()
    bench.controller.request(Fade())
    assert (await within(bench, 0.5)).error is None


async def test_a_fade_without_a_session_changes_nothing(bench: Bench) -> None:
    bench.controller.fade(LOST, 3.0)
    await bench.play(after_s=1)
    await bench.controller.stop()
    before = await bench.controller.ended()
    bench.controller.fade(LOST, 3.0)
    assert await bench.controller.ended() == before


async def test_r6_a_stop_outruns_a_start_that_waits_for_its_admission(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = bench.admission.limits

    async def slowly(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(1)
        return await limits(*args, **kwargs)

    monkeypatch.setattr(bench.admission, "limits", slowly)
    for start in (bench.play(), bench.controller.manual()):
        starting = asyncio.ensure_future(start)
        await asyncio.sleep(0.5)
        await bench.controller.stop()
        with pytest.raises(Refused, match="cancelled"):
            await starting
    await asyncio.sleep(2)
    assert not any(line["type"] == "event" and line["event"] == "arm" for line in bench.trace)


async def test_r18_a_fade_while_it_arms_stops_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = bench.admission.reserve

    async def slowly(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(1)
        return await reserve(*args, **kwargs)

    monkeypatch.setattr(bench.admission, "reserve", slowly)
    starting = asyncio.ensure_future(bench.play())
    await asyncio.sleep(0.5)
    bench.controller.fade(LOST, 3.0)
    with pytest.raises(Refused, match="cancelled"):
        await starting
