"""Setpoints over the dialect: the newest alone is kept, and one that waited too long is not sent (R4)."""

from __future__ import annotations

import asyncio

from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Congested, Listener
from tests.unit.drivers.scripted_peer import Peer, on_a_pipe

from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.model.device import Setpoint
from massager_ctl.transports.in_process import pipe
from massager_ctl.wire.messages import SetpointFrame


@simulated_time
async def test_r4_under_congestion_the_newest_setpoint_alone_is_kept() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.arm(cap=40.0, limit_s=600)
        peer.transport.pause()
        for i in range(300):
            driver.send(Setpoint((i / 10, 0, 0, 0, 0, 0)))
        peer.transport.resume()
        await asyncio.sleep(0.05)
        sent = [m for m in peer.heard if isinstance(m, SetpointFrame)]
        assert len(sent) < 150
        assert sent[-1].levels[0] == 299
        assert [m.seq for m in sent] == sorted({m.seq for m in sent})


@simulated_time
async def test_r4_an_unsent_setpoint_is_given_up_at_t_minus_200_ms() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.arm(cap=40.0, limit_s=600)
        peer.transport.pause()
        for _ in range(300):
            driver.send(Setpoint((12.3, 0, 0, 0, 0, 0)))
        driver.send(Setpoint((45.6, 0, 0, 0, 0, 0)))
        await asyncio.sleep(0.31)
        peer.transport.resume()
        await asyncio.sleep(0.05)
        assert all(m.levels[0] == 123 for m in peer.heard if isinstance(m, SetpointFrame))


@simulated_time
async def test_r4_a_setpoint_that_waited_is_not_sent_after_a_newer_one() -> None:
    """A transport tells that it has room a moment after it has."""
    here, there = pipe()
    peer = Peer(there)
    await there.open(peer)
    line = Congested(here)
    driver = ReferenceDriver(line)
    await driver.open(Listener())
    await driver.arm(cap=40.0, limit_s=600)
    line.waits = 1
    driver.send(Setpoint((30.0, 0, 0, 0, 0, 0)))
    line.waits = 0
    driver.send(Setpoint((10.0, 0, 0, 0, 0, 0)))
    driver._send_unsent()
    await asyncio.sleep(0.05)
    assert [m.levels[0] for m in peer.heard if isinstance(m, SetpointFrame)] == [100]
    await driver.close()
