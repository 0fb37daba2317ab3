"""A broker that is killed, frozen, restarted or away, and a device that is lost (fault 28)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetLevel
from massager_ctl.model.status import Phase
from tests.e2e.mqtt_harness import (
    Mosquitto,
    Rig,
    free_port,
    listener,
    offered,
    rig,
    settings_for,
    soon,
)
from tests.e2e.remote_orders import now, running

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.needs("mosquitto", "mosquitto_pub"),
    pytest.mark.usefixtures("own_folders"),
]

LOST_S = 8.0
"""Seconds from the loss to zero (R18)."""


async def fades(bench: Rig, lost_at: float) -> None:
    """It ends on its own within R18's bound, and no sooner than the echo allows."""
    end = await bench.ended()
    took = asyncio.get_running_loop().time() - lost_at
    assert end.cause is Cause.SAFETY
    assert "broker" in end.text
    assert max(bench.controller.status.actual) == 0
    assert 3.0 < took < LOST_S


@contextlib.asynccontextmanager
async def thawed(broker: Mosquitto) -> AsyncGenerator[None]:
    """A frozen broker is thawed whatever happens, or the listeners could never say goodbye."""
    broker.freeze()
    try:
        yield
    finally:
        broker.thaw()


async def test_fault_28_the_broker_is_killed_in_a_session_that_it_started(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, rig(settings_for(broker.port)) as bench:
        async with listener(broker.port) as ear:
            await running(ear, bench)
        lost_at = now()
        await broker.kill()
        await fades(bench, lost_at)


async def test_fault_28_the_broker_freezes_in_a_session_that_it_started(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, rig(settings_for(broker.port)) as bench:
        async with listener(broker.port) as ear:
            await running(ear, bench)
        lost_at = now()
        async with thawed(broker):
            await fades(bench, lost_at)
        # It comes back, and nothing resumes.
        async with listener(broker.port) as ear:
            await ear.becomes(phase="idle")
            assert bench.controller.status.phase is Phase.ENDED


async def test_a_broker_that_is_back_in_time_costs_nothing(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, rig(settings_for(broker.port)) as bench:
        async with listener(broker.port) as ear:
            await running(ear, bench)
            old = ear.nonce
        await broker.kill()
        await broker.start()
        async with listener(broker.port) as ear:
            await ear.becomes(phase="running")
            assert ear.nonce != old
            await ear.echoes(6)  # what was lost would have faded by now
            assert bench.controller.status.phase is Phase.RUNNING
            await ear.send("stop")
            await ear.event("stopped")


async def test_fault_28_a_session_that_was_started_here_goes_on(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, rig(settings_for(broker.port)) as bench:
        async with listener(broker.port) as ear:
            await ear.becomes(phase="idle", problem=False)
        await bench.controller.manual()
        bench.controller.request(SetLevel(5.0))
        await broker.kill()
        await soon(lambda: bench.bridge.lost)
        await soon(lambda: max(bench.controller.status.actual) == 5)
        assert bench.controller.status.phase is Phase.RUNNING
        assert max(bench.controller.status.actual) == 5
        await bench.controller.stop()


async def test_a_broker_that_is_not_there_is_told_and_found_once_it_is(tmp_path: Path) -> None:
    port = free_port()
    async with rig(settings_for(port)) as bench:
        await soon(lambda: "no connection to the broker" in bench.bridge.trouble)
        async with Mosquitto(tmp_path, port=port), listener(port) as ear:
            await ear.becomes(phase="idle", problem=False)


async def test_the_will_tells_when_the_service_is_gone_and_a_goodbye_when_it_leaves(
    tmp_path: Path,
) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        async with rig(settings_for(broker.port)):
            await ear.until(lambda: ear.available == "online")
            await ear.until(lambda: (h := ear.last("link")) and h.payload == b"online")
        await ear.until(lambda: ear.available == "offline")


async def test_a_lost_device_is_told_and_comes_back_at_rest(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await running(ear, bench)
        bench.device.drop_links("pulled out")
        stopped = await ear.event("stopped")
        assert (stopped["reason"], stopped["confirmed"]) == ("link_lost", True)
        await ear.until(lambda: any(h.payload == b"offline" for h in ear.heard))
        await ear.until(lambda: (h := ear.last("link")) and h.payload == b"online")
        await ear.becomes(phase="idle", problem=False)
        assert max(bench.controller.status.actual) == 0
