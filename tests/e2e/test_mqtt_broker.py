"""What brokers do to people: killed, frozen, restarted, full of old orders, refusing (faults 28 to 31)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetLevel
from massager_ctl.model.status import LinkState, Phase
from tests.e2e.mqtt_harness import (
    PATIENCE_S,
    Ear,
    Mosquitto,
    Rig,
    free_port,
    listener,
    rig,
    settings_for,
    soon,
)

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("mosquitto", "mosquitto_pub")]

LOST_S = 8.0
"""Seconds from the loss to zero (R18)."""


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(tmp_path / "data"))


async def running(ear: Ear, bench: Rig, *, level: float = 5) -> None:
    """A session started from elsewhere, with a level above zero."""
    await ear.becomes(phase="idle", problem=False)
    bench.let()
    await ear.press("start", "manual")
    await ear.becomes(phase="running")
    await ear.press("level/trapezius_left", level)
    await ear.until(lambda: ear.state["levels"]["trapezius_left"] >= 1)


async def fades(bench: Rig, lost_at: float) -> None:
    """It ends by itself within R18's bound, and no sooner than the echo allows."""
    end = await bench.ended()
    took = asyncio.get_running_loop().time() - lost_at
    assert end.cause is Cause.SAFETY
    assert "broker" in end.text
    assert max(bench.controller.status.actual) == 0
    assert 3.0 < took < LOST_S


def now() -> float:
    return asyncio.get_running_loop().time()


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


async def test_nothing_starts_over_a_broker_that_does_not_pass_things_on(tmp_path: Path) -> None:
    """An access list that refuses the echo: orders arrive, and nobody hears what happens."""
    rules = tmp_path / "acl"
    rules.write_text(
        "user service\ntopic read massager/+/cmd/#\ntopic read homeassistant/#\n"
        "user home\ntopic readwrite #\n"
    )
    words = tmp_path / "passwords"
    _passwords(words, service="secret", home="secret")
    lines = (f"acl_file {rules}", f"password_file {words}", "allow_anonymous false")
    async with (
        Mosquitto(tmp_path, lines) as broker,
        listener(broker.port, username="home", password="secret") as ear,
        rig(settings_for(broker.port, username="service", password="secret")) as bench,
    ):
        bench.let()
        await soon(lambda: bench.bridge.connected)
        nonce = bench.owned.gate.nonce
        assert nonce is not None
        await ear.send("start", ear.stamped("manual", nonce=nonce))
        # It gives the connection up after 4 s without an echo, and says why.
        await soon(lambda: "does not deliver" in bench.bridge.trouble)
        assert bench.controller.status.phase is Phase.IDLE
        assert bench.owned.gate.ready_for_s(now()) > 0
        assert ear.last("state") is None


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
            await _nothing_retained(broker, "cmd/start")


async def test_fault_29_a_start_published_live_with_retain_is_ignored_on_mqtt_5(
    tmp_path: Path,
) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port)) as bench,
    ):
        await ear.becomes(phase="idle", problem=False)
        bench.let()
        await ear.send("start", ear.stamped("manual"), retain=True)
        assert (await ear.event("rejected"))["why"] == "retained"
        assert bench.controller.status.phase is Phase.IDLE
        await _nothing_retained(broker, "cmd/start")


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
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port, protocol=protocol)) as bench,
    ):
        await running(ear, bench)
        await _mosquitto_pub(broker, ear.topic("cmd/stop"), "PRESS")
        assert (await ear.event("stopped"))["confirmed"] is True
        if protocol == "3.1.1":
            # Live it looked like any other; it is seen as retained, and cleared, at the next connection.
            before = len(ear.events("stopped"))
            await reconnected(bench, broker)
            await ear.event("stopped", before + 1)
        await _nothing_retained(broker, "cmd/stop")
        bench.let()
        await ear.press("start", "manual")
        await ear.becomes(phase="running")
        await reconnected(bench, broker)
        await ear.becomes(phase="running")
        assert bench.controller.status.phase is Phase.RUNNING


async def reconnected(bench: Rig, broker: Mosquitto) -> None:
    """Somebody takes the bridge's name at the broker, which breaks its connection, until it is back."""
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
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port)) as bench,
    ):
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


async def test_a_wrong_password_is_told_and_the_device_stays_in_local_hands(tmp_path: Path) -> None:
    words = tmp_path / "passwords"
    _passwords(words, service="secret")
    lines = (f"password_file {words}", "allow_anonymous false")
    async with (
        Mosquitto(tmp_path, lines) as broker,
        rig(settings_for(broker.port, username="service", password="guess")) as bench,
    ):
        await soon(lambda: "refuses this client" in bench.bridge.trouble)
        await soon(lambda: bench.controller.status.link is LinkState.UP)
        await bench.controller.manual()
        assert bench.controller.status.phase is Phase.RUNNING
        await bench.controller.stop()


async def test_a_broker_that_is_not_there_is_told_and_found_once_it_is(tmp_path: Path) -> None:
    port = free_port()
    async with rig(settings_for(port)) as bench:
        await soon(lambda: "no connection to the broker" in bench.bridge.trouble)
        async with Mosquitto(tmp_path, port=port), listener(port) as ear:
            await ear.becomes(phase="idle", problem=False)


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_tls_with_the_right_authority_and_with_a_wrong_one(tmp_path: Path) -> None:
    _authority(tmp_path, "right")
    _authority(tmp_path, "wrong")
    _certificate(tmp_path, "right", "server")
    _certificate(tmp_path, "right", "client")
    lines = (
        "allow_anonymous true",
        f"cafile {tmp_path}/right.pem",
        f"certfile {tmp_path}/server.pem",
        f"keyfile {tmp_path}/server.key",
        "require_certificate true",
    )
    secured = {
        "tls": True,
        "cert_file": str(tmp_path / "client.pem"),
        "key_file": str(tmp_path / "client.key"),
    }
    async with Mosquitto(tmp_path, lines) as broker:
        wrong = settings_for(broker.port, ca_file=str(tmp_path / "wrong.pem"), **secured)
        async with rig(wrong) as bench:
            await soon(lambda: "certificate" in bench.bridge.trouble)
            assert not bench.bridge.connected
        bare = settings_for(broker.port)
        async with rig(bare) as bench:  # MQTT in the clear to a port that wants TLS
            await soon(lambda: bench.bridge.trouble)
            assert not bench.bridge.connected
        right = settings_for(broker.port, ca_file=str(tmp_path / "right.pem"), **secured)
        parameters = aiomqtt.TLSParameters(
            ca_certs=right.ca_file, certfile=right.cert_file, keyfile=right.key_file
        )
        async with (
            listener(broker.port, tls_params=parameters) as ear,
            rig(right),
        ):
            await ear.becomes(phase="idle", problem=False)
            await ear.send("stop")
            assert (await ear.event("stopped"))["confirmed"] is True


async def test_the_will_tells_when_the_service_is_gone_and_a_goodbye_when_it_leaves(
    tmp_path: Path,
) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        async with rig(settings_for(broker.port)):
            await ear.until(lambda: ear.available == "online")
            await ear.until(lambda: (h := ear.last("link")) and h.payload == b"online")
        await ear.until(lambda: ear.available == "offline")


async def test_a_lost_device_is_told_and_comes_back_at_rest(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port)) as bench,
    ):
        await running(ear, bench)
        bench.device.drop_links("pulled out")
        stopped = await ear.event("stopped")
        assert (stopped["reason"], stopped["confirmed"]) == ("link_lost", True)
        await ear.until(lambda: any(h.payload == b"offline" for h in ear.heard))
        await ear.until(lambda: (h := ear.last("link")) and h.payload == b"online")
        await ear.becomes(phase="idle", problem=False)
        assert max(bench.controller.status.actual) == 0


async def test_a_session_over_websockets(tmp_path: Path) -> None:
    web = free_port()
    lines = (
        "allow_anonymous true",
        f"listener {web} 127.0.0.1",
        "protocol websockets",
        "allow_anonymous true",
    )
    async with (
        Mosquitto(tmp_path, lines) as broker,
        listener(broker.port) as ear,
        rig(settings_for(web, path="/mqtt")) as bench,
    ):
        await running(ear, bench)
        await ear.send("stop")
        assert (await ear.event("stopped"))["confirmed"] is True


def _passwords(file: Path, **users: str) -> None:
    for number, (user, word) in enumerate(users.items()):
        create = ["-c"] if number == 0 else []
        _run("mosquitto_passwd", "-b", *create, str(file), user, word)


def _authority(folder: Path, name: str) -> None:
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "1", "-subj", f"/CN={name} authority"),
        *("-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"),
    )


def _certificate(folder: Path, authority: str, name: str) -> None:
    extensions = folder / f"{name}.ext"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    _run(
        *("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *(
            "-subj",
            f"/CN={name}",
            "-keyout",
            f"{folder}/{name}.key",
            "-out",
            f"{folder}/{name}.csr",
        ),
    )
    _run(
        *("openssl", "x509", "-req", "-days", "1", "-in", f"{folder}/{name}.csr"),
        *("-CA", f"{folder}/{authority}.pem", "-CAkey", f"{folder}/{authority}.key"),
        *("-CAcreateserial", "-extfile", str(extensions), "-out", f"{folder}/{name}.pem"),
    )


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    assert found is not None, program
    subprocess.run([found, *arguments], check=True, capture_output=True)


async def _mosquitto_pub(broker: Mosquitto, topic: str, payload: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port)),
        *("-t", topic, "-m", payload, "-r", "-q", "1"),
    )
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


async def _nothing_retained(broker: Mosquitto, leaf: str) -> None:
    """A newcomer hears nothing old at this topic, once the clearing has arrived."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                await client.subscribe(f"massager/neck/{leaf}")
                await client.subscribe("massager/neck/availability")
                async for message in client.messages:
                    if message.topic.value.endswith("availability"):
                        return
                    break
            await asyncio.sleep(0.05)
