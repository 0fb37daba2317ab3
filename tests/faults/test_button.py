"""Faults 49 to 52: a button that bounces, sticks, or hangs on a broken cable, and resets at the wrong time (R7)."""

from __future__ import annotations

import asyncio

import pytest

from firmware_sim import wire
from massager_ctl.errors import DeviceRefused, ExitCode
from massager_ctl.model.device import Cause
from tests.faults.by_hand import on_the_line
from tests.faults.ground import Ground
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.fault(49)
async def test_button_bounces(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("button_bounce")
    await asyncio.sleep(1.0)
    g.zero_by(0.05, state="latched", cause="button")
    assert g.device.firmware.core.latch == 1, "one press, one latch"
    await _latched(g)


async def _latched(g: Ground) -> None:
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.BUTTON, ExitCode.REFUSED)
    with pytest.raises(DeviceRefused, match=r"latched \(button\)"):
        await g.controller.manual(60)
    assert not g.is_up
    await g.ledger()


@pytest.mark.fault(49)
async def test_button_sticks(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    undo = g.inject("button_stuck")
    await asyncio.sleep(6.0)
    g.zero_by(0.05, state="latched", cause="button")
    await _latched(g)
    with pytest.raises(DeviceRefused, match="button"):
        await g.controller.reset()
    undo()
    await asyncio.sleep(0.3)
    assert g.state == "latched", "the hold began before there was a latch to clear"


@pytest.mark.fault(50)
async def test_button_cable_open(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    undo = g.inject("button_open")
    await asyncio.sleep(0.5)
    g.zero_by(0.05, state="latched", cause="button_open")
    assert (await g.over()).cause is Cause.BUTTON_OPEN
    with pytest.raises(DeviceRefused, match="button"):
        await g.controller.reset()
    undo()
    await asyncio.sleep(0.3)
    await g.controller.reset()
    assert (g.state, g.is_up) == ("idle", False)
    await g.ledger()


async def _pressed_once(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.strike()
    g.device.press()
    await asyncio.sleep(0.1)
    g.zero_by(0.05, state="latched", cause="button")


@pytest.mark.fault(51)
async def test_reset_while_pressed(g: Ground) -> None:
    await _pressed_once(g)
    await g.over()
    with pytest.raises(DeviceRefused, match="button") as caught:
        await g.controller.reset()
    assert caught.value.result == "button"
    assert g.state == "latched"
    g.device.release()
    await asyncio.sleep(0.3)
    await g.controller.reset()
    assert (g.state, g.is_up) == ("idle", False), "a reset raises nothing"
    await g.ledger()


@pytest.mark.fault(51)
async def test_reset_names_an_older_latch(g: Ground) -> None:
    """R7: a new cause voids what was asked before it."""
    await _pressed_once(g)
    await g.over()
    g.device.release()
    await asyncio.sleep(0.3)
    core = g.device.firmware.core
    old = wire.Reset(9, core.challenge, core.latch)
    g.device.press()
    g.device.release()
    await asyncio.sleep(0.3)
    g.tap.inner.write(on_the_line(old))
    g.tap.inner.write(on_the_line(wire.Reset(10, core.challenge, old.latch)))
    await asyncio.sleep(0.3)
    assert g.state == "latched"
    assert core.latch == 2


@pytest.mark.fault(52)
async def test_reset_held(g: Ground) -> None:
    """A hold of 2 s clears once, at its release; a button that stays down clears nothing."""
    await _pressed_once(g)
    await g.over()
    g.device.release()
    await asyncio.sleep(0.3)
    g.device.press()
    await asyncio.sleep(4.0)
    assert g.state == "latched", "still held"
    g.device.release()
    await asyncio.sleep(0.3)
    assert (g.state, g.is_up) == ("idle", False)
    assert len(g.seen("reset")) == 1
    g.device.press()
    await asyncio.sleep(0.2)
    assert g.state == "latched", "the next press is a stop again"
    await g.ledger()
