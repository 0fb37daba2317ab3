"""Faults 1 to 10: the host dies, hangs, sleeps, or its clocks are moved (R4, R10, R24)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.model.device import Cause, Setpoint
from massager_ctl.safety.dose_time import DAY_S
from tests.faults.aftermath import SERIAL_T
from tests.faults.ground import MEMORY, Ground, Line, On, Recipe
from tests.support.marks import simulated_time

pytestmark = simulated_time


ASKED = Setpoint((20.0, 20.0, 20.0, 20.0, 20.0, 20.0))


@pytest.mark.fault(1)
async def test_host_gone(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.strike()
    g.tap.line = Line.MUTE
    await asyncio.sleep(1.0)
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    (entry,) = await g.entries()
    assert entry.charged_s >= g.delivered_s, "open: the whole reservation is charged"


@pytest.mark.fault(2)
async def test_host_stopped(g: Ground) -> None:
    """SIGSTOP as both sides see it: time passes for the device alone, then the backlog arrives."""
    await g.controller.connect()
    await g.run()
    g.tap.line = Line.HELD
    await asyncio.sleep(0.25)
    g.strike()
    g.loop.clock.advance(5.0)
    await asyncio.sleep(0)
    g.tap.let_go()
    await asyncio.sleep(1.0)
    end = await g.over()
    assert end.cause in (Cause.HOST_LATE, Cause.DEAD_MAN)
    g.zero_by(SERIAL_T + 0.1)
    assert g.seen("dead_man")
    await g.ledger()


async def _block(g: Ground, seconds: float, lead_s: float) -> None:
    """The host's loop does nothing for so long, from `lead_s` before its next turn on."""
    turn = g.heartbeat.due
    await asyncio.sleep(turn - g.loop.time() + 0.001)
    turn = g.heartbeat.due
    g.loop.clock.advance(turn - lead_s + seconds - g.loop.time())


async def _blocked(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    before = g.controller.status.sent.levels
    # 260 ms late, and 460 ms after the last setpoint: too late to rise, and not yet T.
    await _block(g, 0.3, lead_s=0.04)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert g.controller.status.sent.levels[0] <= before[0] + 0.2, "no rise for the time it missed"
    await g.goes_on(1.0)
    assert g.controller.status.sent.levels[0] > before[0]
    g.strike()
    await _block(g, 0.45, lead_s=0.02)
    end = await g.over()
    assert end.cause in (Cause.HOST_LATE, Cause.DEAD_MAN)
    g.zero_by(0.2 + 0.45 + 0.1)
    await g.ledger()


@pytest.mark.fault(3)
async def test_loop_blocked(g: Ground) -> None:
    await _blocked(g)


@pytest.mark.fault(3)
@pytest.mark.laid(on=MEMORY, recipe=Recipe(ble=True))
async def test_loop_blocked_on_ble(g: Ground) -> None:
    """T is 1 s here, so it is the host's own stop that ends it."""
    await _blocked(g)
    assert (await g.over()).cause is Cause.HOST_LATE


@pytest.mark.fault(4)
async def test_control_task_dead(g: Ground) -> None:
    """Telemetry is still read and requests are still taken; the heartbeat alone is missing."""
    await g.controller.connect()
    await g.run()
    g.strike()
    g.heartbeat.cancel()
    end = await g.over()
    assert end.cause is Cause.DEAD_MAN
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    await g.ledger()


@pytest.mark.fault(5)
async def test_suspend(g: Ground) -> None:
    """The host sleeps for an hour; the device's clock goes on."""
    await g.controller.connect()
    await g.run()
    g.strike()
    g.loop.clock.suspend(3600.0)
    g.device.firmware._origin -= 3600.0 if g.on is On.MEMORY else 60.0
    end = await g.over()
    assert end.cause in (Cause.HOST_LATE, Cause.DEAD_MAN)
    g.zero_by(SERIAL_T + 0.1)
    await g.ledger()
    await asyncio.sleep(0.3)
    await g.run(1.0)
    assert max(g.out.values()) <= 1.1, "from zero, after a new ARM"
    await g.controller.stop()


@pytest.mark.fault(6)
async def test_wall_clock_back_a_day(g: Ground) -> None:
    await _wall_moves(g, -DAY_S)


@pytest.mark.fault(7)
async def test_wall_clock_on_two_days(g: Ground) -> None:
    await _wall_moves(g, 2 * DAY_S)


@pytest.mark.fault(8)
async def test_ntp_step(g: Ground) -> None:
    await _wall_moves(g, 2.0)
    await g.controller.close()
    await g.controller.connect()
    await _wall_moves(g, -2.0)


async def _wall_moves(g: Ground, seconds: float) -> None:
    """It goes on, and the dose is what it would have been."""
    if g.controller.status.link != "up":
        await g.controller.connect()
    clock = g.loop.clock
    await g.run(1.0)
    g.strike()
    clock.set_wall(clock.wall() + seconds)
    await g.goes_on(2.0)
    g.strike()
    await g.controller.stop()
    g.zero_by(0.1)
    await g.over()
    await g.ledger()
    before = await g.store.recent()
    clock.set_wall(clock.wall() + seconds)
    assert await g.store.recent() == before


class _NoHost:
    """Hears, and says nothing on its own."""

    def telemetry_received(self, telemetry: object) -> None:
        pass

    def driver_lost(self, error: Exception) -> None:
        raise error


async def _hand_driven(g: Ground, gap_s: float, frames: int) -> None:
    """Setpoints from a hand, not from the loop, `gap_s` apart."""
    await g.driver.open(_NoHost())
    await g.driver.arm(cap=50.0, limit_s=600)
    for _ in range(frames):
        g.driver.send(ASKED)
        g.strike()
        await asyncio.sleep(gap_s)


@pytest.mark.fault(9)
async def test_gap_below_t(g: Ground) -> None:
    await _hand_driven(g, 0.9 * SERIAL_T, 8)
    assert g.state == "running"
    assert g.is_up
    assert not g.seen("dead_man")
    g.strike()
    await g.driver.stop(Cause.PERSON)
    g.zero_by(0.1, cause="person")


@pytest.mark.fault(10)
async def test_gap_above_t(g: Ground) -> None:
    await _hand_driven(g, 0.2, 8)
    await asyncio.sleep(1.1 * SERIAL_T - 0.2 + 0.1)
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    g.driver.send(ASKED)
    await asyncio.sleep(1.0)
    assert not g.is_up, "a frame after it feeds nothing"
