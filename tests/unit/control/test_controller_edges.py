"""R6, R7, R15 at the controller: what must still hold where two things happen in one turn, or one after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.faults.ground import Ground, Line, On, Recipe, laid
from tests.support.marks import simulated_time

from massager_ctl.control.session import FADE_S, Ended
from massager_ctl.errors import (
    DeviceRefused,
    DriverFault,
    ExitCode,
    LinkLost,
    MassagerError,
    Refused,
    StopUnconfirmed,
    StoreError,
)
from massager_ctl.model.device import Cause, DeviceInfo
from massager_ctl.model.requests import MANUAL, Origin, SetLevel, Start
from massager_ctl.model.units import ZERO
from massager_ctl.safety.dose import CHECKPOINT_OVERDUE_S
from massager_ctl.wire.codec import decode_body
from massager_ctl.wire.messages import SetpointFrame, Stop

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
    assert ("set", "set asked for") in [(event.name, event.text) for event in g.events]


async def test_r4_the_first_setpoint_follows_the_arm_at_once(g: Ground) -> None:
    await g.controller.connect()
    g.tap.written.clear()
    await g.controller.manual(60)
    frames = [decode_body(body) for body in g.tap.written]
    assert isinstance(frames[-1], SetpointFrame)


async def test_r9_a_ledger_that_takes_no_checkpoint_is_told_and_fades_the_session(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreError("the disk is full")

    await g.controller.connect()
    monkeypatch.setattr(g.store, "checkpoint", full)
    await g.run(6.0)
    assert "the disk is full" in [event.text for event in g.events if event.name == "problem"]
    end = await g.over(within=CHECKPOINT_OVERDUE_S + FADE_S)
    assert (end.cause, end.text) == (Cause.SAFETY, "the dose ledger could not be written (R9)")


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
    assert [type(frame) for frame in frames] == [Stop]


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


@pytest.mark.parametrize("seconds", [4.9, 5.1])  # INFO is due in the turn of one of these ends
async def test_a_session_that_has_played_to_its_end_sends_one_stop_and_nothing_after_it(
    g: Ground, seconds: float
) -> None:
    failures: list[object] = []
    g.loop.set_exception_handler(lambda _, context: failures.append(context))
    await g.controller.connect()
    await g.controller.manual(seconds)
    await asyncio.sleep(seconds - 0.1)
    g.tap.written.clear()
    assert (await g.over()).cause is Cause.FINISHED
    frames = [type(decode_body(body)) for body in g.tap.written]
    assert frames[-1] is Stop
    assert frames.count(Stop) == 1
    assert failures == []


@pytest.mark.parametrize(
    ("error", "cause", "told"),
    [
        (DriverFault("the guardian is gone", ""), Cause.SAFETY, "problem"),
        (LinkLost("it was unplugged", ""), Cause.LINK_LOST, "link_lost"),
    ],
)
async def test_r15_what_the_driver_loses_ends_the_session_with_that_error(
    g: Ground, error: MassagerError, cause: Cause, told: str
) -> None:
    await g.controller.connect()
    await g.run()
    g.strike()
    g.controller.driver_lost(error)
    end = await g.over()
    assert (end.cause, end.text, end.error) == (cause, error.message, error)
    assert error.message in [event.text for event in g.events if event.name == told]
    await asyncio.sleep(1.2)
    g.zero_by(1.2)


async def test_r25_a_fault_of_the_driver_is_the_error_of_its_end_also_where_no_stop_is_confirmed(
    g: Ground,
) -> None:
    await g.controller.connect()
    await g.run()
    g.tap.line = Line.MUTE
    fault = DriverFault("the guardian is gone", "")
    g.controller.driver_lost(fault)
    assert (await g.over()).error is fault
    assert g.controller.unconfirmed is not None


async def test_a_stop_that_is_cancelled_with_the_loop_fails_nothing(g: Ground) -> None:
    failures: list[object] = []
    g.loop.set_exception_handler(lambda _, context: failures.append(context))
    await g.controller.connect()
    await g.run()
    stopping = g.controller.stop_now()
    stopping.cancel()
    await asyncio.sleep(0.1)
    assert stopping.cancelled()
    assert failures == []


async def test_a_stop_is_shown_before_it_is_confirmed(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    shown: list[str] = []
    g.controller.add_listener(lambda status: shown.append(status.phase))
    stopping = g.controller.stop_now()
    assert shown == ["stopping"]
    await stopping


async def test_r15_each_state_of_the_link_is_shown(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def absent(_: object) -> DeviceInfo:
        raise LinkLost("nothing is there", "")

    assert (g.controller.status.link, g.controller.info) == ("closed", None)
    shown: list[str] = []
    g.controller.add_listener(lambda status: shown.append(status.link))
    with monkeypatch.context() as patched:
        patched.setattr(g.driver, "open", absent)
        with pytest.raises(LinkLost, match="nothing is there"):
            await g.controller.connect()
    assert shown == ["connecting", "lost"]
    with pytest.raises(LinkLost, match="not connected"):
        await g.controller.manual(60)
    await g.controller.connect()
    assert shown[2:4] == ["connecting", "up"]
    assert g.heard("connected")
    await g.controller.close()
    assert shown[-1] == "closed"
    with pytest.raises(LinkLost, match="not connected"):
        await g.controller.manual(60)


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
    assert g.heard("button")
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
