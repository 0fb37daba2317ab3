"""The asyncio shell in simulated time: sessions over the memory link, closed links, unplugging."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.marks import simulated_time
from tests.unit.firmware_sim.lone_device import LOW
from tests.unit.firmware_sim.memory_client import Client

from firmware_sim import wire
from firmware_sim.links.memory import open_simulator
from massager_fw.states import Cause, Result


@simulated_time
async def test_a_session_over_the_memory_link() -> None:
    client = Client(open_simulator("seed=4&battery=50"))
    client.send(wire.GetInfo(7))
    assert client.heard == []  # never inside the host's own call
    await client.arm()
    assert client.last(wire.Info).token == 7
    assert client.last(wire.Ack).result == Result.OK
    await client.drive(3.0)
    assert client.last(wire.Telemetry).level == LOW
    client.send(wire.Stop(2, 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert client.last(wire.Ack).of == wire.FrameType.STOP
    client.sim.close()
    client.sim.close()
    await asyncio.sleep(0.01)
    assert client.lost == ["the simulated device was switched off"]
    client.link.close()


@simulated_time
async def test_what_is_written_to_a_closed_link_is_nothing() -> None:
    client = Client(open_simulator())
    await client.arm()
    await client.drive(1.0)
    client.link.close()
    client.link.close()
    assert client.core.cause is Cause.LINK_LOST
    heard = len(client.heard)
    client.send(wire.GetInfo(1))
    await asyncio.sleep(0.5)
    assert len(client.heard) == heard
    client.sim.close()
    with pytest.raises(ConnectionError):
        Client(client.sim)


@simulated_time
async def test_ten_minutes_of_device_time_are_not_ten_minutes_of_waking() -> None:
    sim = open_simulator()
    await asyncio.sleep(600.0)
    assert sim.device.firmware.core.tick >= 600 * 50 - 5
    sim.close()


@simulated_time
async def test_an_unplugged_device_can_be_reached_again_when_it_is_back() -> None:
    client = Client(open_simulator("fault=unplug@1:2"))
    changes: list[bool] = []
    client.sim.device.watch_plug(lambda: changes.append(client.sim.device.plugged))
    await asyncio.sleep(1.5)
    assert client.lost == ["the simulated device was unplugged"]
    with pytest.raises(ConnectionError):
        Client(client.sim)
    await asyncio.sleep(2.0)
    assert changes == [False, True]
    again = Client(client.sim)
    await again.arm()
    assert again.last(wire.Ack).result == Result.OK
    client.sim.close()
