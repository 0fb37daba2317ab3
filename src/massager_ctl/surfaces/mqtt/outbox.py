"""What waits to be published: events in order, the picture only as it is now; a flood is bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import msgspec
from msgspec import Struct

from massager_ctl.surfaces.mqtt.topics import TOPICS, EventType, Leaf, Topics

EVENTS_MAX: Final = 64
"""Events that may wait; beyond it rejections are only counted, then the oldest event goes."""


class Letter(Struct, frozen=True):
    """One publication."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Outbox:
    """Filled from anywhere on the loop, emptied by one writer."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._events: deque[tuple[EventType, Letter]] = deque()
        self._newest: dict[str, Letter] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self.left_out = 0
        """Rejections that were only counted."""

    def event(self, kind: EventType, fields: dict[str, Any]) -> None:
        """Tell that something happened."""
        if len(self._events) >= EVENTS_MAX:
            if kind is EventType.REJECTED:
                self.left_out += 1
                return
            self._events.popleft()
        form = TOPICS[Leaf.EVENT]
        payload = msgspec.json.encode({"event_type": kind.value, **fields})
        letter = Letter(self._topics.of(Leaf.EVENT), payload, form.qos, form.retained)
        self._events.append((kind, letter))
        self._woken()

    def keep(self, leaf: Leaf, content: object) -> None:
        """Publish what is so now; an older letter to the same topic that still waits is dropped."""
        form = TOPICS[leaf]
        payload = content.encode() if isinstance(content, str) else msgspec.json.encode(content)
        self.put(Letter(self._topics.of(leaf), payload, form.qos, form.retained))

    def put(self, letter: Letter) -> None:
        """Publish anything else; the newest to a topic wins."""
        self._newest.pop(letter.topic, None)
        self._newest[letter.topic] = letter
        self._woken()

    def next(self) -> Letter | None:
        """The next to go: events before pictures."""
        if self._events:
            return self._events.popleft()[1]
        for topic in self._newest:
            return self._newest.pop(topic)
        self._wake.clear()
        self._idle.set()
        return None

    async def wait(self) -> None:
        """Until there is something."""
        await self._wake.wait()

    async def emptied(self) -> None:
        """Until the writer has published everything and found nothing more."""
        await self._idle.wait()

    def _woken(self) -> None:
        self._idle.clear()
        self._wake.set()

    def forget_picture(self) -> None:
        """After a lost connection the picture is told anew; events stay."""
        self._newest.clear()
