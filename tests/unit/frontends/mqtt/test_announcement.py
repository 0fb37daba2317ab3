"""What Home Assistant was sent in another form is moved once, in an order that costs no warning and no name."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.devices import device_info
from tests.support.marks import simulated_time

from massager_ctl.errors import LinkError
from massager_ctl.frontends.mqtt.announcement import MIGRATE, Announcement
from massager_ctl.frontends.mqtt.discovery import entities
from massager_ctl.frontends.mqtt.limits import PACKET_DEVICE, PACKET_NEEDED, Limits, check_limits
from massager_ctl.frontends.mqtt.publish_queue import PublishQueue
from massager_ctl.frontends.mqtt.settings import BrokerSettings
from massager_ctl.frontends.mqtt.topics import Topics
from massager_ctl.model.units import Levels

TOPICS = Topics("neck", "massager", "homeassistant")
DEVICE = "homeassistant/device/neck/config"
STOP = "homeassistant/button/neck/stop/config"
FORTY: Levels = (40.0, 40.0, 40.0, 40.0, 40.0, 40.0)
INFO = device_info(
    serial="MS-1", firmware="1.2.3", caps=(70.0,) * 6, dead_man_s=0.5, simulated=False
)


class Broker:
    """What lies at it, and everything that was published in its order."""

    def __init__(self, form: Any) -> None:
        self.settings = BrokerSettings("127.0.0.1", 1883, discovery=form)
        self.queue = PublishQueue(TOPICS)
        self.announcement = Announcement(TOPICS, self.settings, self.queue, "0.1.0")
        self.retained: dict[str, bytes] = {}
        self.order: list[tuple[str, str]] = []

    def connect(self) -> None:
        self.announcement.begin()
        for topic, payload in self.retained.items():
            self.announcement.heard(topic, payload)

    async def announce(self, caps: Levels = FORTY) -> None:
        found = entities(TOPICS, INFO, caps, ["By hand"])
        self.announcement.announce(INFO, found)
        for _ in range(40):
            await asyncio.sleep(0.1)
            while (one := self.queue.next()) is not None:
                kind = (
                    "migrate"
                    if one.payload == MIGRATE
                    else "announced"
                    if one.payload
                    else "emptied"
                )
                self.order.append((kind, one.topic))
                if one.retain and one.payload:
                    self.retained[one.topic] = one.payload
                elif one.retain:
                    self.retained.pop(one.topic, None)


@pytest.mark.parametrize(("old", "new"), [("entity", "device"), ("device", "entity")])
@simulated_time
async def test_a_change_of_form_migrates_empties_and_then_tells(old: str, new: str) -> None:
    before = Broker(old)
    await before.announce()
    after = Broker(new)
    after.retained = dict(before.retained)
    after.connect()
    await after.announce()
    kinds = [kind for kind, _ in after.order]
    assert kinds == sorted(kinds, key=["migrate", "emptied", "announced"].index)
    for kind in ("migrate", "emptied"):
        assert {topic for found, topic in after.order if found == kind} == set(before.retained)
    assert set(after.retained).isdisjoint(before.retained)
    assert (DEVICE in after.retained) is (new == "device")
    # The same ids in both forms: that is by what Home Assistant keeps names and areas.
    ids = [_unique_ids(retained) for retained in (before.retained, after.retained)]
    assert ids[0] == ids[1]
    assert len(ids[0]) > 40
    after.order.clear()
    await after.announce()
    assert {kind for kind, _ in after.order} == {"announced"}


def _unique_ids(retained: dict[str, bytes]) -> set[str]:
    found = {topic: json.loads(payload) for topic, payload in retained.items()}
    if DEVICE in found:
        return {one["unique_id"] for one in found[DEVICE]["cmps"].values() if "unique_id" in one}
    return {one["unique_id"] for one in found.values()}


@simulated_time
async def test_nothing_is_emptied_where_nothing_lies() -> None:
    broker = Broker("device")
    broker.connect()
    await broker.announce()
    await broker.announce()
    assert broker.order == [("announced", DEVICE)] * 2


@simulated_time
async def test_an_entity_that_went_away_is_taken_away_without_a_migration() -> None:
    broker = Broker("entity")
    await broker.announce()
    await broker.announce((40.0, 40.0, 40.0, 40.0, 0.0, 40.0))
    emptied = [topic for kind, topic in broker.order if kind == "emptied"]
    assert len(emptied) == 2
    assert all("suboccipital_left" in topic for topic in emptied)
    assert not any(kind == "migrate" for kind, _ in broker.order)


@simulated_time
async def test_without_discovery_what_lies_there_is_taken_away() -> None:
    broker = Broker("off")
    broker.retained = {DEVICE: b"{}", STOP: b"{}"}
    broker.connect()
    await broker.announce()
    assert broker.retained == {}


def test_a_broker_that_takes_too_little_is_named_with_a_remedy() -> None:
    device, entity = (BrokerSettings("h", 1883, discovery=form) for form in ("device", "entity"))
    for limits in (Limits(), Limits(PACKET_DEVICE), Limits(None, retain=True, qos_max=2)):
        check_limits(limits, device)
    check_limits(Limits(PACKET_NEEDED), entity)
    for limits, settings, words in (
        (Limits(PACKET_DEVICE - 1), device, 'discovery = "entity"'),
        (Limits(PACKET_NEEDED - 1), entity, "max_packet_size"),
        (Limits(retain=False), device, "retain_available"),
        (Limits(qos_max=0), device, "max_qos"),
    ):
        with pytest.raises(LinkError) as raised:
            check_limits(limits, settings)
        assert words in raised.value.remedy


@simulated_time
async def test_the_bounds_of_a_packet_hold_for_what_is_published() -> None:
    for form, bound in (("device", PACKET_DEVICE), ("entity", PACKET_NEEDED)):
        broker = Broker(form)
        await broker.announce()
        assert max(map(len, broker.retained.values())) < bound * 0.9
