"""R5, R6, R14, R18 at the controller: starts that meet a stop or each other, and what is told without a session."""

from __future__ import annotations

import asyncio
import time
from unittest import mock

import pytest
from tests.faults.ground import Ground, Line
from tests.support.marks import simulated_time
from tests.unit.control.test_lying_device import reports
from tests.unit.control.test_motor_start import by_hand_first

from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.control.controller import Controller
from massager_ctl.control.stop_path import LOOKS, RUNS_ON_S
from massager_ctl.errors import DeviceRefused, LinkLost, Refused, StopUnconfirmed
from massager_ctl.model.device import OFF, Cause
from massager_ctl.model.requests import MANUAL, Origin, Start
from massager_ctl.model.status import Event, Phase
from massager_ctl.model.units import ZERO

pytestmark = simulated_time


async def test_r9_what_the_day_leaves_is_known_before_the_first_start(g: Ground) -> None:
    await g.controller.connect()
    await asyncio.sleep(0.1)
    assert g.admission.dose_left_s is not None
    assert g.store.left_s() == g.admission.dose_left_s


async def test_r6_a_cancelled_close_whose_stop_is_not_confirmed_says_so(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.tap.line = Line.MUTE
    closing = asyncio.ensure_future(g.controller.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(StopUnconfirmed):
        await closing


async def test_r6_a_stop_cancels_no_start_that_was_carried_out(g: Ground) -> None:
    await g.controller.connect()
    await g.controller.manual(60)
    refused = g.controller.receive(Start(MANUAL))
    with pytest.raises(Refused, match="already running"):
        await g.controller.begin(refused)
    waiting = g.controller.receive(Start(MANUAL))
    await g.controller.stop()
    assert (refused.cancelled, waiting.cancelled) == (False, True)


async def test_r7_a_reset_of_a_device_that_is_not_latched_says_so(g: Ground) -> None:
    await g.controller.connect()
    with pytest.raises(DeviceRefused, match="latched"):
        await g.controller.reset()
    assert not g.heard("reset")


async def test_r7_a_reset_of_an_unconfirmed_stop_is_shown_at_once(g: Ground) -> None:
    await g.controller.connect()
    g.tap.line = Line.MUTE
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    g.tap.line = Line.SOUND
    await g.controller.connect()
    shown: list[str] = []
    g.controller.add_listener(lambda status: shown.append(status.message))
    await g.controller.reset()
    assert shown[-1] == ""


async def test_r6_a_stop_without_a_session_that_is_not_confirmed_is_shown_at_once(
    g: Ground,
) -> None:
    await g.controller.connect()
    g.tap.line = Line.MUTE
    shown: list[str] = []
    g.controller.add_listener(lambda status: shown.append(status.message))
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    assert "unplug" in shown[-1]
    assert "unplug" in g.controller.status.message


async def test_r6_a_device_that_is_being_stopped_is_shown_as_sent_nothing(g: Ground) -> None:
    await g.controller.connect()
    await g.run(6.0)
    g.tap.line = Line.MUTE
    stopping = g.controller.stop_now()
    status = g.controller.status
    assert status.phase is Phase.STOPPING
    assert (status.remaining_s, status.target, status.sent) == (0.0, ZERO, OFF)
    with pytest.raises(StopUnconfirmed):
        await stopping
    assert "unplug" in g.controller.status.message, "rather than that you stopped it"


async def test_r15_a_link_that_was_closed_in_order_and_opened_anew_is_not_held_to_the_stop_before(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    await g.run()
    await g.controller.stop()
    await g.controller.close()
    reports(monkeypatch, levels=(20.0,) * len(ZERO))
    await g.controller.connect()
    await asyncio.sleep(LOOKS * RUNS_ON_S)
    assert g.controller.unconfirmed is None
    assert not g.heard("alarm")


async def test_before_the_first_session_there_is_no_end_to_wait_for(g: Ground) -> None:
    await g.controller.connect()
    with pytest.raises(Refused, match="no session yet"):
        await g.controller.ended()


async def test_r5_of_two_starts_at_once_one_runs_and_the_other_is_refused(g: Ground) -> None:
    await g.controller.connect()
    starts = [g.controller.manual(60) for _ in range(2)]
    one, other = await asyncio.gather(*starts, return_exceptions=True)
    (refused,) = [each for each in (one, other) if each is not None]
    assert isinstance(refused, Refused)
    assert "already running" in str(refused)
    assert g.controller.status.phase is Phase.RUNNING
    await g.controller.stop()
    assert len(await g.entries()) == 1


async def test_r6_a_stop_while_a_start_is_reserved_charges_nothing_for_it(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    reserve = g.store.reserve

    async def slow(*given: object, **named: object) -> object:
        reserved = await reserve(*given, **named)  # type: ignore[arg-type]
        await g.controller.stop()
        return reserved

    monkeypatch.setattr(g.store, "reserve", slow)
    with pytest.raises(Refused, match="a stop was requested meanwhile"):
        await g.controller.manual(60)
    (entry,) = await g.entries()
    assert (entry.open, entry.charged_s) == (False, 0.0)


async def test_r6_a_stop_in_the_turn_of_the_arm_ends_that_start(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    arm = g.driver.arm

    async def met(cap: float, limit_s: int) -> None:
        await arm(cap, limit_s)
        g.controller.stop_now(Cause.PERSON, "you stopped it")

    monkeypatch.setattr(g.driver, "arm", met)
    with pytest.raises(Refused, match="ended before it started: you stopped it"):
        await g.controller.manual(60)
    assert (await g.over()).cause is Cause.PERSON


async def test_r14_current_that_still_flows_stops_the_next_session_too(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[object] = []
    g.loop.set_exception_handler(lambda _, context: failures.append(context))
    await g.controller.connect()
    await g.run(4.0)
    await g.controller.stop()
    reports(monkeypatch, levels=ZERO, current_ma=500)
    await asyncio.sleep(1.0)
    assert len([event for event in g.events if event.name == "alarm"]) == 1
    await g.controller.manual(60)
    end = await g.over(within=1.0)
    assert (end.cause, "R14" in end.text) == (Cause.SAFETY, True)
    assert failures == []


async def test_r18_a_start_from_elsewhere_waits_for_no_one_here(g: Ground) -> None:
    await g.controller.connect()
    for origin, phase in ((Origin.REMOTE, Phase.RUNNING), (Origin.LOCAL, Phase.PAUSED)):
        await g.controller.play(by_hand_first(30), waits=True, origin=origin)
        await asyncio.sleep(32.0)
        assert g.controller.status.phase is phase
        await g.controller.stop()


async def test_several_devices_share_a_scheduler_and_one_alone_has_the_time_of_day(
    g: Ground,
) -> None:
    scheduler = Scheduler()
    controller = Controller(g.driver, g.admission, scheduler=scheduler)
    told: list[Event] = []
    controller.add_event_listener(told.append)
    with mock.patch.object(scheduler, "every", wraps=scheduler.every) as every:
        await controller.connect()
        await controller.manual(60)
    assert every.called
    assert told[0].at == pytest.approx(time.time(), abs=60.0)
    await controller.stop()
    await controller.close()


async def test_r15_a_start_without_a_link_says_so_first(g: Ground) -> None:
    await g.controller.connect()
    g.tap.line = Line.MUTE
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    with pytest.raises(LinkLost):
        await g.controller.manual(60)
