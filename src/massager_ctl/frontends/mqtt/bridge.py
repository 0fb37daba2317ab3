"""Connects one device to one broker: two connections, and all parts between them and the controller (R18).

Data flows one way: connection → command handler → controller → publisher → queue → connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

import structlog

from massager_ctl.aio.backoff import Backoff
from massager_ctl.aio.clock import Clock
from massager_ctl.aio.tasks import end_all
from massager_ctl.control.controller import Controller
from massager_ctl.control.outlook import Outlook
from massager_ctl.errors import LinkError
from massager_ctl.frontends.mqtt.announcement import Announcement
from massager_ctl.frontends.mqtt.availability import OFFLINE, Availability
from massager_ctl.frontends.mqtt.choices import RemoteState, profile_titles
from massager_ctl.frontends.mqtt.command_handler import CommandHandler
from massager_ctl.frontends.mqtt.connection import Connection, Message, Subscription
from massager_ctl.frontends.mqtt.echo import Echo
from massager_ctl.frontends.mqtt.limits import check_limits
from massager_ctl.frontends.mqtt.publish_queue import Publication, PublishQueue
from massager_ctl.frontends.mqtt.publisher import OnEvent, Publisher
from massager_ctl.frontends.mqtt.settings import BrokerSettings, tls_context
from massager_ctl.frontends.mqtt.state import clip
from massager_ctl.frontends.mqtt.topics import TOPICS, Leaf, Name, Topics
from massager_ctl.safety.remote_start import ECHO_EVERY_S, ECHO_LOST_S, RemoteGate

WATCH_S: Final = 0.25
"""Seconds between two checks of the echo; with R18's 4 s and 3 s a lost broker means zero within 8 s."""

SERVED_S: Final = 60.0
"""Seconds after which a connection counts as good: a retry after its loss waits only briefly."""

RETRY_FIRST_S: Final = 0.5
RETRY_LONGEST_S: Final = 30.0
"""Seconds between two attempts to connect."""

STOPS: Final = "stops"
COMMANDS: Final = "commands"
"""The two connections: one for stops, pain and all that is published, one for every other command.

A stop and its answer have their own, so that they never wait behind what others have sent (R6).
"""

_URGENT: Final = frozenset({Name.STOP, Name.PAIN})


class MqttBridge:
    """Runs until it is cancelled; the device works with or without a broker."""

    def __init__(
        self,
        settings: BrokerSettings,
        device: str,
        controller: Controller,
        gate: RemoteGate,
        clock: Clock,
        outlook: Callable[[], Outlook],
        *,
        on_event: OnEvent | None = None,
    ) -> None:
        """`outlook`: what the next start would get. `on_event`: for metrics."""
        self.topics = topics = Topics(device, settings.prefix, settings.discovery_prefix)
        self._settings = settings
        self._log = structlog.get_logger().bind(device=device, broker=str(settings))
        self._queue = PublishQueue(topics)
        self._state = RemoteState()
        self._announcement = Announcement(topics, settings, self._queue, version("massager-ctl"))
        self._publisher = Publisher(
            controller,
            gate,
            clock,
            self._state,
            outlook,
            self._queue,
            topics,
            self._announcement,
            on_event=on_event,
            log=self._log,
        )
        self._handler = CommandHandler(
            controller, gate, clock, self._state, self._publisher, self._trouble_of_broker
        )
        self._echo = Echo((STOPS, COMMANDS))
        self._availability = Availability()
        self._identifier = f"massager-ctl-{device}-{secrets.token_hex(4)}"
        self._heard_itself = asyncio.Event()
        self._publishing_all: asyncio.Future[None] | None = None
        self.trouble = ""
        """Why the connection failed; empty once there is one."""
        self.connected = False

    @property
    def lost(self) -> bool:
        """Whether the broker has delivered nothing for 4 s, or nothing yet (R18)."""
        return self._echo.lost(self._now())

    async def run(self) -> None:
        """Keep a connection until cancelled. Raises ConfigError if a certificate cannot be used."""
        tls = await asyncio.to_thread(tls_context, self._settings)
        self._publisher.renew_nonce()
        backoff = Backoff(RETRY_FIRST_S, RETRY_LONGEST_S)
        watching = asyncio.ensure_future(self._watch())
        try:
            with self._publisher.listening():
                while True:
                    began = self._now()
                    try:
                        await self._connected(tls)
                    except LinkError as error:
                        self._lost(error)
                    finally:
                        self.connected = False
                    if self._now() - began >= SERVED_S:
                        backoff.reset()
                    await asyncio.sleep(backoff.next_s())
        finally:
            await end_all([watching])
            await self._announcement.end()

    async def flush(self, seconds: float) -> None:
        """Wait until everything is published, at most `seconds`."""
        await self._handler.settled()
        if self.connected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._queue.emptied(), seconds)

    def _lost(self, error: LinkError) -> None:
        if error.message != self.trouble:
            self.trouble = error.message
            self._log.warning("mqtt.lost", text=clip(error.message), remedy=clip(error.remedy))

    async def _connected(self, tls: ssl.SSLContext | None) -> None:
        """Serve both connections. Raises LinkError when one of them is lost."""
        will = self._said(self._availability.begin())
        async with (
            Connection(
                self._settings, f"{self._identifier}-commands", self._command, tls=tls
            ) as commands,
            Connection(
                self._settings, self._identifier, self._message, will=will, tls=tls
            ) as stops,
        ):
            check_limits(stops.limits, self._settings)
            self._queue.forget_retained()
            self._announcement.begin()
            self._echo.begin()
            self._heard_itself.clear()
            self._publisher.renew_nonce()  # before the first message can arrive: a backlog carries older nonces
            await stops.subscribe(self._wanted())
            await self._read_profiles()  # before a command can name one
            await commands.subscribe(
                (
                    Subscription(self.topics.commands, without_own=True),
                    Subscription(self.topics.of(Leaf.ECHO), 0),
                )
            )
            self.connected = True
            self.trouble = ""
            self._log.info("mqtt.connected", protocol=self._settings.protocol)
            try:
                await self._serve(stops, commands)
            finally:
                await stops.farewell(self._said(self._availability.payload(OFFLINE)))

    async def _serve(self, stops: Connection, commands: Connection) -> None:
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                stops.lost(),
                commands.lost(),
                self._send_echoes(stops),
                self._begin(),
                self._write(stops),
                self._publisher.run(),
            )
        ]
        try:
            pending = set(tasks)
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            await end_all(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.exception()  # both connections end with the same broker; one error is reported

    def _wanted(self) -> tuple[Subscription, ...]:
        topics = self.topics
        return (
            *(Subscription(topics.command(name), without_own=True) for name in sorted(_URGENT)),
            Subscription(topics.birth),
            *(Subscription(topic, without_own=True) for topic in topics.discovered),
            Subscription(topics.of(Leaf.AVAILABILITY), live_retain=False),
            Subscription(topics.of(Leaf.ECHO), 0),
        )

    async def _begin(self) -> None:
        """Publish `online` once the retained messages have arrived, after state and nonce."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ECHO_LOST_S / 2):
                await self._heard_itself.wait()
        self._publish_all()

    async def _born(self) -> None:
        """Publish all again for a Home Assistant that has just started, and look for new profiles."""
        await self._read_profiles()
        self._publish_all()

    async def _read_profiles(self) -> None:
        self._state.profiles = await asyncio.to_thread(profile_titles)

    def _publish_all(self) -> None:
        self._publisher.all()
        self._put_online()

    def _put_online(self) -> None:
        self._queue.put(self._said(self._availability.online(self._now())))

    def _said(self, payload: bytes) -> Publication:
        form = TOPICS[Leaf.AVAILABILITY]
        return Publication(
            self.topics.of(Leaf.AVAILABILITY), payload, form.qos, retain=form.retained
        )

    async def _write(self, stops: Connection) -> None:
        while True:
            publication = self._queue.next()
            if publication is None:
                await self._queue.wait()
            else:
                await stops.publish(publication)

    # Incoming messages.

    def _message(self, message: Message) -> None:
        """Take a message on the connection for stops."""
        topics, now = self.topics, self._now()
        if message.topic == topics.of(Leaf.ECHO):
            if self._echo.heard(STOPS, message.payload, now):
                self._heard_itself.set()  # and so everything that lay at the broker
        elif (named := topics.named(message.topic)) is not None:
            self._take(named, message)
        elif message.topic == topics.of(Leaf.AVAILABILITY):
            self._availability.heard(message.payload, now, retained=message.retained)
        elif message.topic == topics.birth:
            self._publisher.renew_nonce()
            if message.payload == b"online":
                self._publishing_all = asyncio.ensure_future(self._born())
        else:
            self._announcement.heard(message.topic, message.payload)

    def _command(self, message: Message) -> None:
        """Take a message on the other connection."""
        if message.topic == self.topics.of(Leaf.ECHO):
            self._echo.heard(COMMANDS, message.payload, self._now())
        elif (named := self.topics.named(message.topic)) is not None and named not in _URGENT:
            self._take(named, message)

    def _take(self, named: str, message: Message) -> None:
        if message.retained and message.payload:
            self._queue.put(Publication(message.topic, b"", 1, retain=True))
        if message.payload or named == Name.STOP:
            self._handler.take(
                named, message.payload, retained=message.retained, received_at=message.received_at
            )

    # The broker.

    async def _send_echoes(self, stops: Connection) -> None:
        began, topic = self._now(), self.topics.of(Leaf.ECHO)
        while True:
            await stops.publish(Publication(topic, self._echo.next(self._now()), 0))
            await asyncio.sleep(ECHO_EVERY_S)
            now = self._now()
            if self._echo.lost(now) and now - began > ECHO_LOST_S:
                raise LinkError(
                    "the broker does not deliver what this service publishes",
                    "Its access list must let this user read and write `massager/#`. Otherwise the link is half open.",
                )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            now = self._now()
            if self.lost:
                self._handler.broker_lost()
            self._publisher.conflict(there=self._availability.conflict(now))
            if self.connected and self._availability.due(now):
                self._put_online()

    def _trouble_of_broker(self) -> str:
        if self.lost:
            return "the broker has not answered for 4 seconds"
        if self._availability.conflict(self._now()):
            return "another service on this broker uses the same name for a device"
        return ""

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
