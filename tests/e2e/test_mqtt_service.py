"""What a service owes clients of the broker: it is found, announced once, not mistaken, and stopped behind a flood."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiomqtt
import pytest

from massager_ctl.control.admission import Subject
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.model.status import Phase
from tests.e2e.mqtt_harness import Ear, Mosquitto, listener, offered, rig, settings_for, soon

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.needs("mosquitto"),
    pytest.mark.usefixtures("own_folders"),
]

FLOOD = 5000


def _said(state: str, session: int) -> str:
    return json.dumps({"state": state, "session": session})


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_r6_a_stop_is_confirmed_while_a_flood_of_commands_still_waits(
    tmp_path: Path, protocol: str, capsys: pytest.CaptureFixture[str]
) -> None:
    junk = b'{"v":30,"n":"guess","t":1}'
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port, protocol=protocol)) as bench,
        aiomqtt.Client("127.0.0.1", broker.port, max_inflight_messages=FLOOD) as flood,
    ):
        await ear.becomes(phase="idle", problem=False)
        await ear.client.unsubscribe("massager/#")  # it hears the answers, and not the flood itself
        await ear.client.subscribe("massager/neck/+", qos=1)
        bench.let()
        await ear.press("start", "manual")
        await ear.becomes(phase="running")
        for number in range(FLOOD):
            await flood.publish(ear.topic("cmd/level/all"), junk, 0)
            if number % 50 == 0:
                await asyncio.sleep(0)
        await ear.send("stop")
        assert (await ear.event("stopped"))["confirmed"] is True
        assert ear.rejections() < FLOOD, "it had waited until all of them were read"
        # Not one event each, and at most one line in the log each second.
        assert len(ear.events("rejected")) < 100
        assert capsys.readouterr().out.count("mqtt.rejected") < 30


async def test_state_and_nonce_are_there_before_the_service_says_that_it_is(
    tmp_path: Path,
) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port)),
    ):
        await ear.until(lambda: ear.available == "online")
        leaves = [heard.topic.rpartition("/")[2] for heard in ear.heard]
        for leaf in ("nonce", "state", "link"):
            assert leaves.index(leaf) < leaves.index("availability")


async def test_a_will_that_comes_late_is_corrected(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port)),
    ):
        await ear.until(lambda: ear.available == "online")
        mine = ear.last("availability")
        await ear.client.publish(ear.topic("availability"), _said("offline", 7), 1, retain=True)
        await ear.until(lambda: ear.available == "offline")
        await ear.until(lambda: ear.available == "online")
        again = ear.last("availability")
        assert mine is not None
        assert again is not None
        assert again.payload == mine.payload


async def test_two_services_of_one_name_are_noticed_and_neither_is_started(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ear.becomes(phase="idle", problem=False)
        await ear.client.publish(ear.topic("availability"), _said("online", 7), 1, retain=True)
        problem = await ear.event("problem")
        assert "same name" in problem["text"]
        assert "--device NAME=" in problem["remedy"]
        state = await ear.becomes(problem=True)
        assert "same name" in state["advice"]
        bench.let()
        await ear.press("start", "manual")
        assert (await ear.event("rejected"))["why"] == "broker"
        assert bench.controller.status.phase is Phase.IDLE


async def test_a_change_of_form_leaves_the_new_one_alone_at_the_broker(tmp_path: Path) -> None:
    def lying(ear: Ear) -> set[str]:
        newest = {heard.topic: heard for heard in ear.heard if heard.topic.endswith("/config")}
        return {topic for topic, heard in newest.items() if heard.payload}

    device = {"homeassistant/device/neck/config"}
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        async with rig(settings_for(broker.port, discovery="entity")):
            await ear.until(lambda: len(lying(ear)) > 40)
        before = len(ear.heard)
        async with rig(settings_for(broker.port)):
            await ear.until(lambda: lying(ear) == device)
        sent = [heard for heard in ear.heard[before:] if heard.topic.endswith("/config")]
        asked = [heard for heard in sent if heard.payload == b'{"migrate_discovery":true}']
        assert len(asked) > 40
        emptied = [heard for heard in sent if not heard.payload]
        ear.heard.clear()
        async with rig(settings_for(broker.port)):
            await ear.until(lambda: ear.available == "online")
            await ear.becomes(phase="idle", problem=False)
        assert len(emptied) == len(asked)
        assert not any(heard.topic.endswith("/config") and not heard.payload for heard in ear.heard)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("max_packet_size 2000", "packets of at most 2000 bytes"),
        ("retain_available false", "no retained messages"),
        ("max_qos 0", "takes only QoS 0"),
    ],
)
async def test_a_limit_of_the_broker_is_told_with_a_remedy(
    tmp_path: Path, line: str, words: str
) -> None:
    async with (
        Mosquitto(tmp_path, ("allow_anonymous true", line)) as broker,
        rig(settings_for(broker.port)) as bench,
    ):
        await soon(lambda: words in bench.bridge.trouble)


async def test_an_unconfirmed_stop_says_what_to_do_in_an_entity_that_stays(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        with pytest.raises(StopUnconfirmed):  # whoever ends the service is notified once more
            await _unconfirmed(broker, ear)


async def _unconfirmed(broker: Mosquitto, ear: Ear) -> None:
    async with rig(settings_for(broker.port), options="fault=ack_lost=1000@3") as bench:
        await ear.becomes(phase="idle", problem=False)
        bench.let()
        await ear.press("start", "manual")
        await ear.becomes(phase="running")
        await soon(lambda: bench.controller.status.telemetry.uptime_s > 3.2)
        await ear.send("stop")
        stopped = await ear.event("stopped")
        assert stopped["confirmed"] is False
        assert "unplug it" in stopped["text"]
        assert "massager-ctl reset" in stopped["remedy"]
        state = await ear.becomes(problem=True, locked=True)
        assert "take it off and unplug it" in state["advice"].lower()
        bench.let()
        await ear.press("start", "manual")
        rejected = await ear.event("rejected")
        assert "not confirmed" in rejected["text"]
        assert "massager-ctl reset" in rejected["remedy"]
        assert bench.owned.gate.ready_for_s(asyncio.get_running_loop().time()) > 0


async def test_a_medical_lock_is_a_problem_that_says_what_to_do(tmp_path: Path) -> None:
    async with offered(tmp_path, subject=Subject.REAL) as (_, ear, bench):
        state = await ear.becomes(phase="idle", problem=False, locked=False)
        assert (
            "massager-ctl screen" in state["advice"]
        )  # not answered yet: reported, and not a problem
        await ear.send("pain")
        assert (await ear.event("stopped"))["reason"] == "pain"
        state = await ear.becomes(problem=True, locked=True)
        assert "pain was reported" in state["advice"].lower()
        assert "massager-ctl screen" in state["remedy"]
        assert bench.controller.status.phase is Phase.IDLE


async def test_a_running_session_publishes_its_state_every_two_seconds_at_most(
    tmp_path: Path,
) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ear.becomes(phase="idle", problem=False)
        bench.let()
        await ear.press("start", "restorative")
        await ear.becomes(phase="running", playing="restorative")
        await ear.echoes(1)
        topic = ear.topic("state")
        before = sum(heard.topic == topic for heard in ear.heard)
        await ear.echoes(6)
        sent = sum(heard.topic == topic for heard in ear.heard) - before
        assert 1 <= sent <= 4
