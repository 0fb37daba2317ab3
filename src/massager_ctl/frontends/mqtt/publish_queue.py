"""The queue of publications: ordered, only the newest of each retained topic, and bounded for events."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from msgspec import Struct

from massager_ctl.frontends.json_text import visible_json
from massager_ctl.frontends.mqtt.topics import TOPICS, EventType, Leaf, Topics
from massager_ctl.model.text import visible_lines

EVENTS_MAX: Final = 64
"""Maximum number of waiting events; beyond it rejections are only counted, then the oldest event is dropped."""


class Publication(Struct, frozen=True):
    """One publication."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class PublishQueue:
    """Filled from anywhere on the loop, emptied by one writer.

    The nonce goes first, then the rest in order, so that a receiver of a state or an event has the nonce that
    belongs to it. A newer retained publication replaces the older one.
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._waiting: dict[str, Publication] = {}
        """By topic; an event by a number, which is never a topic."""
        self._events: dict[str, EventType] = {}
        self._count = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self.left_out = 0
        """Rejections that were only counted."""

    def event(self, kind: EventType, fields: dict[str, Any]) -> None:
        """Queue an event."""
        if len(self._events) >= EVENTS_MAX:
            if kind is EventType.REJECTED:
                self.left_out += 1
                return
            oldest = next(iter(self._events))
            del self._events[oldest], self._waiting[oldest]
        form = TOPICS[Leaf.EVENT]
        payload = visible_json({"event_type": kind.value, **fields})
        self._count += 1
        key = f"#{self._count}"
        self._events[key] = kind
        self._waiting[key] = Publication(
            self._topics.of(Leaf.EVENT), payload, form.qos, form.retained
        )
        self._woken()

    def keep(self, leaf: Leaf, content: object) -> None:
        """Queue a retained publication."""
        form = TOPICS[leaf]
        payload = (
            visible_lines(content).encode() if isinstance(content, str) else visible_json(content)
        )
        self.put(Publication(self._topics.of(leaf), payload, form.qos, form.retained))

    def put(self, publication: Publication) -> None:
        """Queue anything else; the newest to a topic wins."""
        self._waiting[publication.topic] = publication
        self._woken()

    def next(self) -> Publication | None:
        """Take the next publication."""
        nonce = self._waiting.pop(self._topics.of(Leaf.NONCE), None)
        if nonce is not None:
            return nonce
        for key in self._waiting:
            self._events.pop(key, None)
            return self._waiting.pop(key)
        self._wake.clear()
        self._idle.set()
        return None

    async def wait(self) -> None:
        """Wait until there is something."""
        await self._wake.wait()

    async def emptied(self) -> None:
        """Wait until the writer has published everything."""
        await self._idle.wait()

    def forget_retained(self) -> None:
        """After a lost connection: publish everything retained again; events stay."""
        self._waiting = {key: self._waiting[key] for key in self._events}

    def _woken(self) -> None:
        self._idle.clear()
        self._wake.set()
