"""Faults 26 and 27: a second controller, and a claim that no one keeps up (R4, R6, R17)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.errors import DeviceBusy
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetLevel
from tests.faults.aftermath import SERIAL_T
from tests.faults.ground import Ground, Line, second_host
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.fault(26)
async def test_two_controllers(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    other, _ = second_host(g)
    await other.connect()
    with pytest.raises(DeviceBusy, match="another controller"):
        await other.manual()
    await g.goes_on(1.0)
    g.strike()
    await other.stop()
    g.zero_by(0.1, cause="person")
    assert (await g.over()).cause is Cause.PERSON
    await other.close()
    await g.ledger()


@pytest.mark.fault(27)
async def test_stale_claim(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    other, _ = second_host(g)
    await other.connect()
    g.strike()
    g.tap.line = Line.MUTE
    with pytest.raises(DeviceBusy):
        await other.manual()
    await asyncio.sleep(SERIAL_T + 0.1)
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    await other.manual()
    other.request(SetLevel(20.0))
    await asyncio.sleep(1.0)
    assert g.state == "running"
    assert max(g.out.values()) <= 1.1, "from zero"
    await other.close()
