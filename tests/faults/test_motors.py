"""Faults 41 to 43: a motor stalls, draws too much, or does not stop (R7, R12, R14)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.errors import DeviceRefused
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetMotion
from massager_ctl.model.units import Direction, Motion
from tests.faults.aftermath import tripped
from tests.faults.ground import Ground
from tests.support.marks import simulated_time

pytestmark = simulated_time

STALL_BOUND_S = 0.5


@pytest.mark.fault(41)
async def test_stall_of_kneading(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.controller.request(SetMotion(Motion.KNEAD, Direction.CW))
    await g.goes_on(3.0)
    g.inject("stall")
    await asyncio.sleep(1.0)
    g.zero_by(STALL_BOUND_S + 0.04, state="fault", cause="stall")
    await asyncio.sleep(3.0)
    assert not g.is_up, "no retry"
    await tripped(g, Cause.STALL)


@pytest.mark.fault(41)
async def test_stall_of_vibration(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("stall=neck_left")
    await asyncio.sleep(1.0)
    g.zero_by(STALL_BOUND_S + 0.04, state="fault", cause="stall")
    await tripped(g, Cause.STALL)


@pytest.mark.fault(42)
async def test_over_current(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("over_current")
    await asyncio.sleep(0.5)
    g.zero_by(0.3, state="fault", cause="over_current")
    await tripped(g, Cause.OVER_CURRENT)


@pytest.mark.fault(43)
async def test_pwm_stuck_after_a_stop(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    undo = g.inject("pwm_stuck=neck_left")
    g.strike()
    await g.controller.stop()
    g.zero_by(0.1)
    switched = g.now
    await asyncio.sleep(0.4)
    (trip,) = g.seen("trip")
    assert trip["t"] - switched <= 0.3
    assert (g.state, g.cause) == ("fault", "stuck_output")
    assert g.device.firmware.core.plant.motors.powered is False
    assert g.samples[-1]["current_ma"] == 0
    with pytest.raises(DeviceRefused, match="fault"):
        await g.controller.manual(60)
    with pytest.raises(DeviceRefused, match="cause"):
        await g.controller.reset()
    undo()
    await asyncio.sleep(0.3)
    await g.controller.reset()
    assert g.state == "idle"
    assert g.device.firmware.core.plant.motors.powered is True
    await g.ledger()
