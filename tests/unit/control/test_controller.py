"""R4 to R6, R10, R14, R15, R23, R24 at the controller: right below and right above each bound, by real bytes."""

from __future__ import annotations

import asyncio
import itertools
from unittest import mock

import pytest
from tests.faults.ground import Ground, Line, Recipe
from tests.support.marks import simulated_time

from massager_ctl.control.pacer import PERIOD_S, SPACING_S
from massager_ctl.control.run import INFO_S, NO_RISE_LATE_S, STOP_LATE_S, SUSPEND_S
from massager_ctl.control.session import Session
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import ExitCode, IntensityError, LinkLost, Refused, StopUnconfirmed
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Ease, Pause, Presence, SetHeat, SetLevel
from massager_ctl.model.status import LinkState, Phase
from massager_ctl.wire.codec import decode_body
from massager_ctl.wire.messages import GetInfo, Reset, SetpointFrame, Stop

pytestmark = simulated_time

BLE = Recipe(ble=True)
"""A link with T of 1 s, so that the host's own bounds are the first to act."""


def setpoints(g: Ground) -> list[SetpointFrame]:
    said = [decode_body(body) for body in g.tap.written]
    return [frame for frame in said if isinstance(frame, SetpointFrame)]


async def late_by(g: Ground, seconds: float) -> None:
    """The loop comes to its next turn so late."""
    await asyncio.sleep(g.heartbeat.due - g.loop.time() + 0.001)
    due = g.heartbeat.due
    g.loop.clock.advance(due + seconds - g.loop.time())
    await asyncio.sleep(0.001)


async def test_r4_a_setpoint_every_200_ms_each_of_them_newer(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.tap.written.clear()
    await asyncio.sleep(10 * PERIOD_S)
    frames = setpoints(g)
    assert len(frames) == 10
    assert [b.seq - a.seq for a, b in itertools.pairwise(frames)] == [1] * 9
    assert len({frame.echo for frame in frames}) == 10


async def test_r4_the_heartbeat_lasts_as_long_as_the_session(g: Ground) -> None:
    await g.controller.connect()
    for _ in range(2):
        await g.controller.manual(60)
        heartbeat = g.heartbeat
        g.tap.written.clear()
        await asyncio.sleep(5 * PERIOD_S)
        assert len(setpoints(g)) == 5
        await g.controller.stop()
        assert heartbeat.cancelled, "an idle controller is woken by telemetry alone"


async def test_r4_a_request_goes_out_at_once_and_at_most_50_a_second(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    await asyncio.sleep(g.heartbeat.due - g.loop.time() + 0.1)
    g.tap.written.clear()
    asked = g.loop.time()
    g.controller.request(Ease(1.0))
    g.controller.request(Ease(1.0))
    await asyncio.sleep(0)
    assert g.loop.time() == asked
    assert len(g.tap.written) == 1, "in this turn of the loop, as one"
    for _ in range(200):
        g.controller.request(Ease(0.0))
        await asyncio.sleep(0.005)
    assert len(g.tap.written) <= 1 + 1.0 / SPACING_S + 1


async def test_r4_a_request_right_after_a_heartbeat_waits_for_nothing(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    await asyncio.sleep(g.heartbeat.due - g.loop.time() + 0.001)
    g.tap.written.clear()
    g.controller.request(Ease(1.0))
    await asyncio.sleep(0)
    assert len(g.tap.written) == 1
    g.tap.written.clear()
    for _ in range(100):  # more often than may be sent, and across ticks
        g.controller.request(Ease(0.0))
        await asyncio.sleep(0.0205)
    assert len(g.tap.written) <= 1 + 100 * 0.0205 / SPACING_S


async def test_r5_a_request_of_a_second_ago_counts_and_an_older_one_does_not(g: Ground) -> None:
    await g.controller.connect()
    await g.controller.manual(600)
    now = g.loop.time()
    g.controller.request(SetLevel(20.0), received_at=now - 0.99)
    with pytest.raises(Refused, match="R5"):
        g.controller.request(SetLevel(30.0), received_at=now - 1.01)
    assert g.controller.status.target[0] in (0.0, 20.0)
    await asyncio.sleep(PERIOD_S)
    assert g.controller.status.target[0] == 20.0
    g.controller.request(Ease(), received_at=now - 60.0)
    g.controller.request(Pause(), received_at=now - 60.0)
    assert g.controller.status.eased == 5.0, "what lowers is exempt"


@pytest.mark.parametrize(
    ("late", "rises"), [(NO_RISE_LATE_S - 0.01, True), (NO_RISE_LATE_S + 0.01, False)]
)
async def test_r24_late_by_250_ms_raises_nothing(g: Ground, late: float, rises: bool) -> None:
    await g.controller.connect()
    await g.run()
    await late_by(g, late)
    before, after = (frame.levels[0] for frame in setpoints(g)[-2:])
    assert (after > before) is rises
    await g.goes_on(0.5)


@pytest.mark.parametrize(
    ("late", "ends"), [(STOP_LATE_S - 0.01, False), (STOP_LATE_S + 0.01, True)]
)
async def test_r24_late_by_400_ms_stops(g: Ground, late: float, ends: bool) -> None:
    await g.controller.connect()
    await g.run()
    await late_by(g, late)
    if not ends:
        await g.goes_on(0.5)
        return
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.HOST_LATE, ExitCode.REFUSED)
    assert "R24" in end.text


@pytest.mark.parametrize(("seconds", "ends"), [(SUSPEND_S - 0.05, False), (SUSPEND_S + 0.05, True)])
async def test_r10_a_suspend_of_half_a_second_stops(g: Ground, seconds: float, ends: bool) -> None:
    await g.controller.connect()
    g.loop.clock.suspend(100.0)  # before the session it means nothing
    await g.run()
    g.loop.clock.suspend(seconds)
    if not ends:
        await g.goes_on(0.5)
        return
    end = await g.over()
    assert end.cause is Cause.HOST_LATE
    assert "suspended" in end.text


async def test_r15_telemetry_silent_for_1_s_stops(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    undo = g.inject("telemetry_silent")
    await asyncio.sleep(0.8)
    undo()
    await g.goes_on(0.5)
    g.inject("telemetry_silent")
    end = await g.over()
    assert (end.cause, end.error) == (Cause.TELEMETRY_LOST, None)
    g.zero_by(1.0 + PERIOD_S + 0.1)
    await g.ledger(slack_s=2.0)


async def test_r4_old_telemetry_raises_nothing(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("telemetry_silent")
    await asyncio.sleep(0.7)
    held = setpoints(g)[-1].levels[0]
    await asyncio.sleep(PERIOD_S)
    assert setpoints(g)[-1].levels[0] == held


async def test_r15_a_device_that_restarted_is_planned_for_anew(g: Ground) -> None:
    await g.controller.connect()
    boot = g.device.firmware.core.memory.boot
    g.inject("reboot")
    await asyncio.sleep(0.3)
    await g.run()
    assert g.heard("changed")
    assert g.controller.info is not None
    assert g.controller.info.boot == boot + 1


async def test_r15_another_device_in_its_place_is_not_driven(g: Ground) -> None:
    await g.controller.connect()
    g.device.firmware.core.serial = b"ANOTHER\0\0\0\0\0"
    with pytest.raises(LinkLost, match="R15"):
        await g.controller.manual(60)
    assert not g.seen("arm")
    assert g.controller.status.link is LinkState.LOST


async def test_r15_a_device_that_says_other_things_of_itself_in_a_session_is_stopped(
    g: Ground,
) -> None:
    await g.controller.connect()
    await g.run()
    await g.goes_on(2 * INFO_S)
    undo = g.inject("lie_later=20")
    end = await g.over(within=INFO_S + 2 * PERIOD_S)
    assert end.cause is Cause.SAFETY
    assert "R15" in end.text
    assert g.heard("changed")
    g.zero_by(INFO_S + 2 * PERIOD_S + 0.1)
    await g.ledger()
    undo()


async def test_r15_info_is_asked_for_in_a_session_alone_and_what_comes_late_is_ignored(
    g: Ground,
) -> None:
    def asked() -> int:
        return sum(isinstance(decode_body(body), GetInfo) for body in g.tap.written)

    await g.controller.connect()
    await asyncio.sleep(2 * INFO_S)
    assert asked() == 1, "on connecting"
    await g.run()
    g.tap.written.clear()
    g.inject("lie_later=20")
    g.inject("delay=0.2")
    await asyncio.sleep(INFO_S - 2.0 + PERIOD_S)
    assert asked() == 1
    await g.controller.stop()
    end = await g.over()
    await asyncio.sleep(INFO_S)
    assert end.cause is Cause.PERSON
    assert not g.heard("changed")
    assert asked() == 1


async def test_r6_after_a_stop_nothing_but_stops_goes_out(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("ack_lost=1000")
    g.tap.written.clear()
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    with pytest.raises(Refused):
        g.controller.request(SetLevel(50.0))
    await asyncio.sleep(1.0)
    assert [type(decode_body(body)) for body in g.tap.written] == [Stop] * 4


async def test_r6_a_stop_is_on_the_wire_before_the_call_returns_and_never_deduplicated(
    g: Ground,
) -> None:
    await g.controller.connect()
    await g.run()
    for number in range(1, 4):
        before = len(g.tap.written)
        task = g.controller.stop_now()
        assert len(g.tap.written) == before + 1, number
        await task


async def test_r6_leaving_puts_a_stop_on_the_wire_before_anything_is_waited_for(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    before = len(g.tap.written)
    g.controller.stop_on_leaving()
    assert isinstance(decode_body(g.tap.written[before]), Stop)
    await g.over(within=1.0)


async def test_r6_after_an_unconfirmed_stop_nothing_starts_until_it_is_cleared(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.tap.line = Line.MUTE
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.PERSON, ExitCode.UNCONFIRMED)
    assert g.heard("alarm")
    assert "unplug" in g.controller.status.message
    assert g.controller.status.link == "lost", "dropped, so that the dead-man acts"
    with pytest.raises(LinkLost):
        await g.controller.manual(60)
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    g.tap.line = Line.SOUND
    with pytest.raises(StopUnconfirmed):
        await g.controller.close()
    await g.controller.connect()
    with pytest.raises(Refused, match="not confirmed"):
        await g.controller.manual(60)
    await g.controller.reset()
    assert "unplug" not in g.controller.status.message
    await g.run(1.0)


async def test_r14_current_after_a_stop_is_an_alarm(g: Ground) -> None:
    """A device that cannot cut its own power: what is left is to tell the person."""
    await g.controller.connect()
    await g.run(4.0)
    guard = type(g.device.firmware.core.motor_guard)
    with mock.patch.object(guard, "check", return_value=0):
        g.inject("pwm_stuck=neck_left")
        await g.controller.stop()
        await asyncio.sleep(1.0)
    alarms = [event for event in g.events if event.name == "alarm"]
    assert len(alarms) == 1
    assert "unplug it" in alarms[0].text


async def test_r23_nobody_answers_for_5_min_and_it_fades(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.controller.request(SetHeat(35.0))
    asked = g.loop.time()
    await asyncio.sleep(200.0)
    g.controller.request(Presence())
    await asyncio.sleep(299.0)
    await g.goes_on()
    g.strike()
    end = await g.over(within=30)
    assert "R23" in end.text
    assert g.loop.time() - asked <= 200.0 + 300.0 + 10.0
    g.zero_by(1.0 + 10.0)


async def test_a_fault_in_the_program_itself_stops(g: Ground) -> None:
    failures: list[object] = []
    g.loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    await g.controller.connect()
    await g.run()
    g.strike()
    with mock.patch.object(Session, "step", side_effect=RuntimeError("broken")):
        end = await g.over()
    assert end.cause is Cause.SAFETY
    assert "a fault in this program" in end.text
    assert len(failures) == 1
    g.zero_by(PERIOD_S + 0.1)


async def test_r1_the_cap_of_the_arm_is_the_lowest_of_all(g: Ground) -> None:
    await g.controller.connect()
    armed: list[tuple[float, int]] = []
    arm = ReferenceDriver.arm

    async def seen(self: ReferenceDriver, cap: float, limit_s: int) -> None:
        armed.append((cap, limit_s))
        await arm(self, cap, limit_s)

    with mock.patch.object(ReferenceDriver, "arm", seen):
        await g.controller.manual(600, cap=12.0)
    assert armed == [(12.0, 678)], "600 s and 10 more, counted at 0.9"


async def test_a_cap_that_is_no_number_starts_nothing(g: Ground) -> None:
    await g.controller.connect()
    for bad in (float("nan"), -1.0, 101.0, True):
        with pytest.raises(IntensityError):
            await g.controller.manual(60, cap=bad)
    assert not g.seen("arm")


async def test_r7_a_reset_in_a_session_is_refused_and_asks_nothing_of_the_device(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.tap.written.clear()
    with pytest.raises(Refused, match="a session is running"):
        await g.controller.reset()
    assert not [body for body in g.tap.written if isinstance(decode_body(body), Reset)]
    assert g.controller.status.phase is Phase.RUNNING
