"""What waits to be published: in order, the newest picture alone, and never without end."""

from __future__ import annotations

import asyncio
import json

from massager_ctl.surfaces.mqtt.outbox import EVENTS_MAX, Letter, Outbox
from massager_ctl.surfaces.mqtt.topics import EventType, Leaf, Topics


def outbox() -> Outbox:
    return Outbox(Topics("neck", "massager", "homeassistant"))


def drained(box: Outbox) -> list[Letter]:
    found: list[Letter] = []
    while (letter := box.next()) is not None:
        found.append(letter)
    return found


def test_events_go_first_and_in_order_and_only_the_newest_picture() -> None:
    box = outbox()
    box.keep(Leaf.STATE, {"n": 1})
    box.event(EventType.STARTED, {"n": 1})
    box.keep(Leaf.STATE, {"n": 2})
    box.event(EventType.STOPPED, {"n": 2})
    first, second, third = drained(box)
    assert json.loads(first.payload) == {"event_type": "started", "n": 1}
    assert json.loads(second.payload)["event_type"] == "stopped"
    assert third == Letter("massager/neck/state", b'{"n":2}', 1, retain=True)
    assert (first.retain, first.qos) == (False, 1)


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


def test_waiting_for_something_and_for_nothing_more() -> None:
    async def main() -> None:
        box = outbox()
        waiting = asyncio.ensure_future(box.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        box.put(Letter("t", b"x"))
        await waiting
        emptied = asyncio.ensure_future(box.emptied())
        assert box.next() is not None
        await asyncio.sleep(0)
        assert not emptied.done()
        assert box.next() is None
        await emptied
        box.keep(Leaf.LINK, "online")
        box.forget_picture()
        assert box.next() is None

    asyncio.run(main())
