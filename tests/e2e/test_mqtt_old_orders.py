"""Old orders from a broker: retained, queued, repeated, expired; none of them acts (faults 29 to 31)."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from massager_ctl.model.status import Phase
from tests.e2e.mqtt_harness import (
    PATIENCE_S,
    Mosquitto,
    Rig,
    listener,
    offered,
    rig,
    settings_for,
    soon,
)
from tests.e2e.remote_orders import nothing_retained, running

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.needs("mosquitto", "mosquitto_pub"),
    pytest.mark.usefixtures("own_folders"),
]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_fault_29_a_retained_start_is_ignored_and_cleared(
    tmp_path: Path, protocol: str
) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        for payload in ("PRESS", "ON", json.dumps({"v": "manual", "n": "x", "t": time.time()})):
            await _mosquitto_pub(broker, ear.topic("cmd/start"), payload)
        async with rig(settings_for(broker.port, protocol=protocol)) as bench:
            bench.let()
            rejected = await ear.event("rejected")
            assert rejected["command"] == "start"
            assert rejected["why"] == "retained"
            await ear.becomes(phase="idle", problem=False)
            assert bench.controller.status.phase is Phase.IDLE
            await nothing_retained(broker, "cmd/start")


async def test_fault_29_a_start_published_live_with_retain_is_ignored_on_mqtt_5(
    tmp_path: Path,
) -> None:
    async with offered(tmp_path) as (broker, ear, bench):
        await ear.becomes(phase="idle", problem=False)
        bench.let()
        await ear.send("start", ear.stamped("manual"), retain=True)
        assert (await ear.event("rejected"))["why"] == "retained"
        assert bench.controller.status.phase is Phase.IDLE
        await nothing_retained(broker, "cmd/start")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_fault_30_a_backlog_of_a_thousand_orders_is_ignored(
    tmp_path: Path, protocol: str
) -> None:
    """Recorded while they were good, delivered in one burst once they are not, a stop at their very end."""
    async with (
        Mosquitto(tmp_path) as broker,
        rig(settings_for(broker.port, protocol=protocol)) as bench,
    ):
        async with listener(broker.port) as ear:
            await ear.becomes(phase="idle", problem=False)
            starts = [ear.stamped("manual") for _ in range(500)]
            raises = [ear.stamped(40 - number / 100) for number in range(500)]
        await broker.kill()
        await broker.start()
        async with listener(broker.port) as ear:
            await ear.becomes(phase="idle", problem=False)
            bench.let()
            for start, level in zip(starts, raises, strict=True):
                await ear.send("start", start, qos=0)
                await ear.send("level/all", level, qos=0)
            before = len(ear.events("stopped"))
            await ear.send("stop")
            assert (await ear.event("stopped", before + 1))["confirmed"] is True
            assert {event["why"] for event in ear.events("rejected")} == {"nonce"}
            assert bench.controller.status.phase is Phase.IDLE
            # One that is fresh still works after that.
            await ear.press("start", "manual")
            await ear.becomes(phase="running")
            await ear.send("stop")
            await ear.becomes(phase="idle")


async def test_fault_30_nothing_is_queued_for_the_service_while_it_is_away(tmp_path: Path) -> None:
    lines = ("allow_anonymous true", "queue_qos0_messages true", "max_queued_messages 0")
    async with Mosquitto(tmp_path, lines) as broker, listener(broker.port) as ear:
        async with rig(settings_for(broker.port)) as bench:
            await ear.becomes(phase="idle", problem=False)
            start = ear.stamped("manual")
        await ear.until(lambda: ear.available == "offline")
        for _ in range(1000):
            await ear.send("start", start)
        ear.heard.clear()
        async with rig(settings_for(broker.port)) as bench:
            bench.let()
            await ear.becomes(phase="idle", problem=False)
            await ear.send("stop")
            await ear.event("stopped")
            assert ear.events("rejected") == []
            assert bench.controller.status.phase is Phase.IDLE


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_fault_31_a_retained_stop_stops_once_and_is_cleared(
    tmp_path: Path, protocol: str
) -> None:
    async with offered(tmp_path, protocol=protocol) as (broker, ear, bench):
        await running(ear, bench)
        await _mosquitto_pub(broker, ear.topic("cmd/stop"), "PRESS")
        assert (await ear.event("stopped"))["confirmed"] is True
        if protocol == "3.1.1":
            # Live it looked like any other; it is seen as retained, and cleared, at the next connection.
            before = len(ear.events("stopped"))
            await reconnected(bench, broker)
            await ear.event("stopped", before + 1)
        await nothing_retained(broker, "cmd/stop")
        bench.let()
        await ear.press("start", "manual")
        await ear.becomes(phase="running")
        await reconnected(bench, broker)
        await ear.becomes(phase="running")
        assert bench.controller.status.phase is Phase.RUNNING


async def reconnected(bench: Rig, broker: Mosquitto) -> None:
    """Someone takes the bridge's name at the broker, which breaks its connection, until it is back."""
    nonce = bench.owned.gate.nonce
    async with aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        identifier=bench.bridge._identifier,
        protocol=aiomqtt.ProtocolVersion.V5,
    ):
        await soon(lambda: not bench.bridge.connected)
    await soon(lambda: bench.bridge.connected and bench.owned.gate.nonce != nonce)


async def test_duplicates_have_no_effect(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await running(ear, bench)
        stamped = ear.stamped(9)
        await ear.send("level/trapezius_left", stamped)
        await ear.send("level/trapezius_left", "4")
        for _ in range(50):
            await ear.send("level/trapezius_left", stamped)
        await ear.until(lambda: ear.rejections() >= 50)
        assert {event["why"] for event in ear.events("rejected")} == {"replayed"}
        assert bench.controller.aims[0] == 4
        for _ in range(20):
            await ear.send("stop")
        await ear.event("stopped")
        await ear.becomes(phase="idle")


async def test_an_expired_order_never_arrives_on_mqtt_5(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        expiry = Properties(PacketTypes.PUBLISH)
        expiry.MessageExpiryInterval = 1
        await ear.client.publish(ear.topic("cmd/stop"), b"x", 1, True, expiry)
        await asyncio.sleep(2.5)  # longer than it is worth
        async with rig(settings_for(broker.port)):
            await ear.becomes(phase="idle", problem=False)
            await ear.send("pause")
            await ear.event("rejected")  # everything that had waited would have come before it
            assert ear.events("stopped") == []


async def _mosquitto_pub(broker: Mosquitto, topic: str, payload: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port)),
        *("-t", topic, "-m", payload, "-r", "-q", "1"),
    )
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
