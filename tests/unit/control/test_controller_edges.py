"""R6, R7, R15 at the controller: what must still hold where two things happen in one turn, or one after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.faults.ground import Ground, Line, On, Recipe, laid
from tests.support.marks import simulated_time

from massager_ctl.control.session import Ended
from massager_ctl.errors import DeviceRefused, ExitCode, Refused, StopUnconfirmed
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import MANUAL, Origin, SetLevel, Start
from massager_ctl.model.units import ZERO
from massager_ctl.wire.codec import decode_body
from massager_ctl.wire.messages import SetpointFrame

pytestmark = simulated_time


@pytest_asyncio.fixture
async def g(tmp_path: Path) -> AsyncGenerator[Ground]:
    async with laid(On.MEMORY, Recipe(ble=True), tmp_path) as ground:
        yield ground


async def test_a_start_is_told(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    (started,) = [event for event in g.events if event.name == "started"]
    assert "min" in started.text


async def test_an_end_is_told_once_with_its_reason_and_shown(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("telemetry_silent")  # which tells listeners as well
    shown: list[tuple[str, str]] = []
    g.controller.add_listener(lambda status: shown.append((status.phase, status.message)))
    await asyncio.gather(*(g.controller.stop_now(Cause.PERSON, "you stopped it") for _ in "123"))
    await g.over()
    assert [event.text for event in g.events if event.name == "ended"] == ["you stopped it"]
    assert ("ended", "you stopped it") in shown


async def test_what_is_sent_is_shown_while_the_device_says_nothing(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("telemetry_silent")
    await asyncio.sleep(0.15)
    shown: list[float] = []
    g.controller.add_listener(lambda status: shown.append(max(status.sent.levels)))
    g.controller.request(SetLevel(1.0))
    await asyncio.sleep(0.65)
    assert len(shown) >= 3
    assert shown[-1] == 1.0


async def test_r6_a_fade_after_a_stop_sends_nothing(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.tap.written.clear()
    stopping = g.controller.stop_now()
    g.controller.fade(Ended(Cause.LINK_LOST, "the broker is gone"), 3.0)
    await stopping
    frames = [decode_body(body) for body in g.tap.written]
    assert not any(isinstance(frame, SetpointFrame) for frame in frames)


async def test_r7_a_reset_that_the_device_refuses_leaves_an_unconfirmed_stop_as_it_is(
    g: Ground,
) -> None:
    await g.controller.connect()
    await g.run()
    g.tap.line = Line.MUTE
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    g.tap.line = Line.SOUND
    await g.controller.connect()
    g.device.press()
    with pytest.raises(DeviceRefused):
        await g.controller.reset()
    with pytest.raises(Refused, match="not confirmed"):
        await g.controller.manual(60)
    g.device.release()


async def test_r6_a_cancelled_close_is_cancelled_once_its_stop_is_confirmed(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    closing = asyncio.ensure_future(g.controller.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert g.device.firmware.core.session is None
    assert (await g.over()).cause is Cause.HOST_CLOSING


@pytest.mark.parametrize("seconds_left", [0.5, 2.0])
async def test_r7_a_button_in_the_last_second_is_no_end_of_its_own(
    g: Ground, seconds_left: float
) -> None:
    await g.controller.connect()
    await g.controller.manual(60)
    await asyncio.sleep(60.0 - seconds_left)
    g.device.press()
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.BUTTON, ExitCode.REFUSED)
    g.device.release()


async def test_r7_a_reset_is_told(g: Ground) -> None:
    await g.controller.connect()
    g.device.press()
    await asyncio.sleep(0.3)
    g.device.release()
    await asyncio.sleep(0.3)
    assert not g.heard("reset")
    await g.controller.reset()
    assert g.events[-1].name == "reset"


async def test_r9_what_a_closed_session_delivered_is_in_the_ledger_when_close_returns(
    g: Ground,
) -> None:
    await g.controller.connect()
    await g.run()
    await g.controller.close()
    (entry,) = await g.entries()
    assert not entry.open
    assert entry.charged_s >= g.delivered_s > 0


async def test_a_request_at_this_machine_shows_a_person_only_where_the_session_came_from_elsewhere(
    g: Ground,
) -> None:
    await g.controller.connect()
    await g.run()
    for origin in (Origin.LOCAL, Origin.REMOTE):
        g.controller.request(SetLevel(1.0), origin=origin)
    assert not g.heard("present")
    await g.controller.stop()
    await g.over()
    attempt = g.controller.receive(Start(profile=MANUAL), origin=Origin.REMOTE)
    await g.controller.begin(attempt)
    g.controller.request(SetLevel(0.0), origin=Origin.REMOTE)
    assert not g.heard("present")
    g.controller.request(SetLevel(0.0), origin=Origin.LOCAL)
    assert g.heard("present")


async def test_r18_what_manual_control_aims_at_is_zero_without_it(g: Ground) -> None:
    await g.controller.connect()
    assert g.controller.aims == ZERO
    await g.run(level=20.0)
    assert max(g.controller.aims) == 20.0
    await g.controller.stop()
    await g.over()
    assert g.controller.aims == ZERO
