"""Publishes discovery messages to Home Assistant in one form; messages of an older form are migrated once."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from massager_ctl.frontends.json_text import visible_json
from massager_ctl.frontends.mqtt import discovery
from massager_ctl.frontends.mqtt.discovery import Config, Entity
from massager_ctl.frontends.mqtt.publish_queue import Publication, PublishQueue
from massager_ctl.frontends.mqtt.settings import BrokerSettings
from massager_ctl.frontends.mqtt.topics import Topics
from massager_ctl.model.device import DeviceInfo

MIGRATE: Final = msgspec.json.encode({"migrate_discovery": True})
"""The payload that makes Home Assistant unload an entity but keep its name and area."""

MIGRATION_S: Final = 1.0
"""Seconds between the steps of a migration: Home Assistant drops messages about an entity that it is unloading."""


class Announcement:
    """The retained discovery messages of one device."""

    def __init__(
        self, topics: Topics, settings: BrokerSettings, queue: PublishQueue, version: str
    ) -> None:
        self._topics = topics
        self._form = settings.discovery
        self._queue = queue
        self._version = version
        self._there: set[str] = set()
        """Discovery topics with a retained message at the broker."""
        self._moving: asyncio.Task[None] | None = None
        self._newest: dict[str, bytes] = {}

    def begin(self) -> None:
        """A new connection: retained messages arrive again."""
        self._there.clear()

    def heard(self, topic: str, payload: bytes) -> None:
        """Take a discovery message that arrived or was published."""
        if not payload:
            self._there.discard(topic)
        elif payload != MIGRATE:
            self._there.add(topic)

    def announce(self, info: DeviceInfo | None, found: list[Entity]) -> None:
        """Publish it, after a message of another form was migrated."""
        self._newest = self._messages(info, found)
        if self._moving is not None and not self._moving.done():
            return  # the newest is published at its end
        foreign = sorted(self._there - self._newest.keys())
        if foreign and self._other_form(foreign):
            self._moving = asyncio.ensure_future(self._move(foreign))
        else:
            self._publish(foreign)

    async def end(self) -> None:
        """Cancel a migration under way."""
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.wait({self._moving})

    def _messages(self, info: DeviceInfo | None, found: list[Entity]) -> dict[str, bytes]:
        messages: dict[str, Config | None] = {}
        if self._form == "device":
            content = discovery.device_message(self._topics, info, found, self._version)
            messages[self._topics.device_config] = content
        elif self._form == "entity":
            for entity in found:
                topic = self._topics.entity_config(entity.platform, entity.key)
                content = discovery.entity_message(self._topics, info, entity, self._version)
                messages[topic] = content
        return {
            topic: visible_json(content)
            for topic, content in messages.items()
            if content is not None
        }

    def _other_form(self, foreign: list[str]) -> bool:
        """Whether the retained message is of the form not in use, and not just an entity that was removed."""
        if self._form == "off":
            return False
        return (self._topics.device_config in foreign) == (self._form == "entity")

    async def _move(self, foreign: list[str]) -> None:
        # Emptied before the other form is published: an empty message for an entity known from another topic is
        # a warning in Home Assistant's log, forty of them for each device.
        for topic in foreign:
            self._queue.put(Publication(topic, MIGRATE, 1, retain=False))
        await asyncio.sleep(MIGRATION_S)
        self._clear(foreign)
        await asyncio.sleep(MIGRATION_S)
        self._publish([])

    def _publish(self, gone: list[str]) -> None:
        self._clear(gone)
        for topic, content in self._newest.items():
            self._queue.put(Publication(topic, content, 1, retain=True))
        self._there.update(self._newest)

    def _clear(self, topics: list[str]) -> None:
        for topic in topics:
            self._queue.put(Publication(topic, b"", 1, retain=True))
        self._there.difference_update(topics)
