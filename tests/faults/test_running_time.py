"""Faults 47 and 53: clocks that are fast or slow, and stops that would renew what was used up (R8, R9)."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from firmware_sim.trace_rules import Bounds, violations
from massager_ctl.errors import DeviceRefused, DoseSpent
from massager_ctl.model.device import Cause, Setpoint
from tests.faults.aftermath import SERIAL_T
from tests.faults.by_hand import Hand
from tests.faults.ground import MEMORY, Ground, Recipe
from tests.support.marks import simulated_time

pytestmark = simulated_time


async def _clock_off(g: Ground, rate: float) -> None:
    """Short bounds hold in device time; a session is over in true time by what the host counts."""
    await g.controller.connect()
    await g.run(2.0)
    await g.goes_on(3.0)
    g.strike()
    g.heartbeat.cancel()
    await asyncio.sleep(1.2)
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    await g.over()
    entry = (await g.entries())[0]
    true_s = g.delivered_s / rate
    assert entry.charged_s >= min(true_s, g.delivered_s) - 1e-6


@pytest.mark.fault(47)
@pytest.mark.laid(recipe=Recipe(options="fault=clock=%2B10%25"))
async def test_device_clock_fast(g: Ground) -> None:
    await _clock_off(g, 1.1)


@pytest.mark.fault(47)
@pytest.mark.laid(recipe=Recipe(options="fault=clock=-10%25"))
async def test_device_clock_slow(g: Ground) -> None:
    await _clock_off(g, 0.9)


@pytest.mark.fault(47)
@pytest.mark.laid(on=MEMORY, recipe=Recipe(options="fault=clock=-10%25"))
async def test_allowance_on_a_slow_clock(g: Ground) -> None:
    """R8: 1800 s of running in any hour, in true time, though this device counts 1620 of its own seconds."""
    driver = g.driver
    await driver.open(Hand())
    await _run_out(g)
    spans = [(s["t"] / 0.9, any(s["out"].values())) for s in g.samples]
    ran = sum(b[0] - a[0] for a, b in pairwise(spans) if a[1])
    assert 1600 <= ran <= 1801


async def _run_out(g: Ground) -> None:
    """A host without rules drives until the device lets it no more."""
    refused = ""
    for _ in range(6):
        await asyncio.sleep(0.2)
        try:
            await g.driver.arm(cap=100.0, limit_s=1800)
        except DeviceRefused as error:
            refused = error.result
            break
        for _ in range(round(700 / 0.2)):
            g.driver.send(Setpoint((50.0, 50.0, 50.0, 50.0, 50.0, 50.0)))
            await asyncio.sleep(0.2)
        await g.driver.stop(Cause.PERSON)
    assert refused == "allowance"


@pytest.mark.fault(53)
@pytest.mark.laid(on=MEMORY)
async def test_stop_and_arm_again_and_again(g: Ground) -> None:
    """R8 on the device alone: however it is cut up, 1620 s of running and no more."""
    await g.driver.open(Hand())
    await _run_out(g)
    assert 1600 <= g.delivered_s <= 1621
    assert violations(g.trace, Bounds(rise=2.0)) == []


@pytest.mark.fault(53)
@pytest.mark.laid(on=MEMORY)
async def test_stop_and_start_on_the_host(g: Ground) -> None:
    """R9 on the host alone: three sessions a day, with rests, whatever the device would allow."""
    await g.controller.connect()
    for _ in range(3):
        await g.run(150.0)
        await g.controller.stop()
        await g.over()
        with pytest.raises(DoseSpent):
            await g.controller.manual(60)
        g.loop.clock.suspend(700.0)
    with pytest.raises(DoseSpent, match="3 sessions"):
        await g.controller.manual(60)
    await g.ledger()
