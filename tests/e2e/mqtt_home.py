"""Someone who presses on a whole device in simulated time: a command handler, its gate and its publisher."""

from __future__ import annotations

import json
from typing import Any

from massager_ctl.control.outlook import Outlook
from massager_ctl.frontends.mqtt.announcement import Announcement
from massager_ctl.frontends.mqtt.choices import RemoteState, profile_titles
from massager_ctl.frontends.mqtt.command_handler import CommandHandler
from massager_ctl.frontends.mqtt.publish_queue import PublishQueue
from massager_ctl.frontends.mqtt.publisher import Publisher
from massager_ctl.frontends.mqtt.settings import BrokerSettings
from massager_ctl.frontends.mqtt.topics import EventType, Topics
from massager_ctl.safety.remote_start import RemoteGate
from tests.e2e.harness import Bench

TOPICS = Topics("neck", "massager", "homeassistant")


class Home:
    """A command handler with its gate and its publisher, and someone who presses; the queue is never emptied."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.gate = RemoteGate()
        self.said: list[tuple[EventType, dict[str, Any]]] = []
        self.trouble = ""
        self.state = RemoteState()
        self.state.profiles = profile_titles()
        clock = bench.loop.clock
        queue = PublishQueue(TOPICS)
        self.queue = queue
        settings = BrokerSettings("127.0.0.1", 1883)
        self.publisher = Publisher(
            bench.controller,
            self.gate,
            clock,
            self.state,
            lambda: Outlook((40.0, 40.0, 40.0, 40.0, 35.0, 35.0)),
            queue,
            TOPICS,
            Announcement(TOPICS, settings, queue, "0"),
            on_event=lambda kind, fields: self.said.append((kind, fields)),
        )
        self.handler = CommandHandler(
            bench.controller, self.gate, clock, self.state, self.publisher, lambda: self.trouble
        )
        self._presses = 0
        self.publisher.renew_nonce()

    @property
    def started(self) -> bool:
        """Whether the open session was started from here."""
        attempt = self.state.attempt
        return attempt is not None and self.bench.controller.open_attempt is attempt

    def stamped(self, value: Any = "PRESS", age_s: float = 0.0) -> bytes:
        self._presses += 1  # simulated time stands still between two presses; a person's does not
        wall = self.bench.loop.clock.wall() + self._presses * 1e-3
        return json.dumps({"v": value, "n": self.gate.nonce, "t": wall - age_s}).encode()

    def take(
        self, named: str, payload: bytes = b"", *, retained: bool = False, age_s: float = 0.0
    ) -> None:
        """`age_s`: for how long the operating system has had it."""
        received_at = self.bench.loop.time() - age_s
        self.handler.take(named, payload, retained=retained, received_at=received_at)

    def press(self, named: str, value: Any = "PRESS") -> None:
        self.take(named, self.stamped(value))

    async def start(self, value: Any = "manual") -> None:
        self.gate.let(self.bench.loop.time())
        self.press("start", value)
        await self.handler.settled()

    def whys(self) -> list[str]:
        return [fields["why"] for kind, fields in self.said if kind is EventType.REJECTED]

    def queued(self) -> list[str]:
        """What waits to be published, in its order: the last part of a topic, and the type of an event."""
        found: list[str] = []
        while (publication := self.queue.next()) is not None:
            leaf = publication.topic.rpartition("/")[2]
            content = json.loads(publication.payload) if leaf == "event" else {}
            found.append(content.get("event_type", leaf))
        return found
