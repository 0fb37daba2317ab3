"""Faults 44 to 46: the battery, the charger, a brown-out, and a firmware that hangs (R7, R13)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.errors import DeviceRefused, ExitCode
from massager_ctl.model.device import Cause
from tests.faults.ground import Ground, Recipe
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.fault(44)
async def test_battery_sags_and_recovers(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    undo = g.inject("battery_sag")
    await asyncio.sleep(1.2)
    g.zero_by(1.0)
    assert g.seen("fade")[0]["reason"] == "battery_low"
    undo()
    await asyncio.sleep(2.0)
    assert (g.state, g.is_up) == ("idle", False), "recovery restarts nothing"
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.BATTERY_LOW, ExitCode.REFUSED)
    await g.ledger()


@pytest.mark.fault(44)
@pytest.mark.laid(recipe=Recipe(options="fault=battery=14"))
async def test_battery_below_15(g: Ground) -> None:
    await g.controller.connect()
    with pytest.raises(DeviceRefused, match="battery"):
        await g.controller.manual(60)
    assert (g.state, g.is_up) == ("idle", False)
    await g.ledger()


@pytest.mark.fault(44)
async def test_charging(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    undo = g.inject("charging")
    await asyncio.sleep(0.5)
    g.zero_by(1.0, cause="charging")
    await g.over()
    await asyncio.sleep(0.3)
    with pytest.raises(DeviceRefused, match="charg"):
        await g.controller.manual(60)
    undo()
    await asyncio.sleep(1.0)
    assert not g.is_up
    await g.ledger()


@pytest.mark.fault(45)
async def test_brown_out(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    undo = g.inject("brown_out")
    await asyncio.sleep(0.5)
    undo()
    await asyncio.sleep(2.0)
    g.zero_by(1.0, cause="brown_out")
    end = await g.over()
    assert end.cause is Cause.BROWN_OUT
    assert len(g.seen("boot")) == 2
    await g.ledger()


@pytest.mark.fault(46)
async def test_firmware_hangs(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("hang")
    await asyncio.sleep(1.0)
    g.zero_by(0.512, cause="watchdog")
    await g.over()
    assert len(g.seen("boot")) == 2
    await g.ledger()


@pytest.mark.fault(46)
async def test_firmware_hangs_while_stopping(g: Ground) -> None:
    """A stop that a hung device cannot take is sent again until it can, and is then confirmed."""
    await g.controller.connect()
    await g.run(2.0)
    g.inject("hang")
    asked = g.loop.time()
    await g.controller.stop()
    assert g.loop.time() - asked <= 0.65
    g.zero_by(0.512)
    assert (await g.over()).exit_code is ExitCode.OK
    await g.ledger()
