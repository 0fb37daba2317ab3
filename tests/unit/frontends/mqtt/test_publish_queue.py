"""What waits to be published: in order, of what is retained the newest alone, and never without end."""

from __future__ import annotations

import asyncio
import json

import pytest

from massager_ctl.frontends.mqtt.publish_queue import EVENTS_MAX, Publication, PublishQueue
from massager_ctl.frontends.mqtt.topics import EventType, Leaf, Topics


def outbox() -> PublishQueue:
    return PublishQueue(Topics("neck", "massager", "homeassistant"))


def drained(box: PublishQueue) -> list[Publication]:
    found: list[Publication] = []
    while (letter := box.next()) is not None:
        found.append(letter)
    return found


def test_what_was_put_first_goes_first_and_of_what_is_retained_only_the_newest() -> None:
    box = outbox()
    box.keep(Leaf.NONCE, {"nonce": "a"})
    box.keep(Leaf.STATE, {"n": 1})
    box.event(EventType.STARTED, {"n": 1})
    box.keep(Leaf.STATE, {"n": 2})
    box.event(EventType.STOPPED, {"n": 2})
    nonce, state, first, second = drained(box)
    assert nonce.topic == "massager/neck/nonce"
    assert state == Publication("massager/neck/state", b'{"n":2}', 1, retain=True)
    assert json.loads(first.payload) == {"event_type": "started", "n": 1}
    assert json.loads(second.payload)["event_type"] == "stopped"
    assert (first.retain, first.qos) == (False, 1)


def test_a_nonce_is_never_behind_the_state_that_it_belongs_to() -> None:
    box = outbox()
    box.keep(Leaf.STATE, {"phase": "arming"})
    box.keep(Leaf.NONCE, {"nonce": "b"})
    box.keep(Leaf.STATE, {"phase": "running"})  # takes the place of the first one
    assert [letter.topic for letter in drained(box)] == [
        "massager/neck/nonce",
        "massager/neck/state",
    ]


def test_a_flood_of_rejections_is_counted_and_pushes_nothing_out() -> None:
    box = outbox()
    box.event(EventType.STOPPED, {})
    for _ in range(1000):
        box.event(EventType.REJECTED, {})
    found = drained(box)
    assert len(found) == EVENTS_MAX
    assert b"stopped" in found[0].payload
    assert box.left_out == 1001 - EVENTS_MAX


def test_what_matters_gets_in_however_full_it_is() -> None:
    box = outbox()
    for _ in range(EVENTS_MAX):
        box.event(EventType.REJECTED, {})
    box.event(EventType.STOPPED, {})
    found = drained(box)
    assert len(found) == EVENTS_MAX
    assert b"stopped" in found[-1].payload


@pytest.mark.asyncio
async def test_waiting_for_something_and_for_nothing_more() -> None:
    box = outbox()
    waiting = asyncio.ensure_future(box.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    box.put(Publication("t", b"x"))
    await waiting
    emptied = asyncio.ensure_future(box.emptied())
    assert box.next() is not None
    await asyncio.sleep(0)
    assert not emptied.done()
    assert box.next() is None
    await emptied
    box.keep(Leaf.LINK, "online")
    box.event(EventType.STOPPED, {})
    box.forget_retained()
    assert [letter.topic for letter in drained(box)] == ["massager/neck/event"]
