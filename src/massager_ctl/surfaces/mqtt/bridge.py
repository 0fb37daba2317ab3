"""One device on one broker: connects, comes back, tells what is, and passes orders on to the desk (R18)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from massager_ctl.clock import Clock
from massager_ctl.controller import Controller
from massager_ctl.device import Cause, DeviceState
from massager_ctl.errors import LinkError
from massager_ctl.profile.library import entries
from massager_ctl.profile.load import ID_FORM
from massager_ctl.safety.remote import ECHO_EVERY_S, ECHO_LOST_S, EchoWatch, RemoteGate
from massager_ctl.status import Event, LinkState, Phase, Status
from massager_ctl.surfaces.backoff import Backoff
from massager_ctl.surfaces.ending import end_all
from massager_ctl.surfaces.mqtt import discovery
from massager_ctl.surfaces.mqtt.client import Broker, Message
from massager_ctl.surfaces.mqtt.commands import MANUAL
from massager_ctl.surfaces.mqtt.desk import Desk
from massager_ctl.surfaces.mqtt.outbox import Letter, Outbox
from massager_ctl.surfaces.mqtt.settings import BrokerSettings
from massager_ctl.surfaces.mqtt.state import (
    Remote,
    link_word,
    significant,
    state_document,
    wants_attention,
)
from massager_ctl.surfaces.mqtt.topics import EventType, Leaf, Topics
from massager_ctl.units import Levels

WATCH_S: Final = 0.25
"""Seconds between two looks at the echo; with R18's 4 s and 3 s a lost broker means zero within 8 s."""

STATE_EVERY_S: Final = 1.0
STATE_SPACING_S: Final = 0.1
"""Seconds between two states: while things flow, and at the least."""

_LATCHED: Final = frozenset({DeviceState.LATCHED, DeviceState.FAULT})


class MqttBridge:
    """Runs until it is cancelled; the device is driven whether or not a broker is there."""

    def __init__(
        self,
        settings: BrokerSettings,
        device: str,
        controller: Controller,
        gate: RemoteGate,
        clock: Clock,
        caps: Callable[[], Levels],
        *,
        on_event: Callable[[EventType, dict[str, Any]], None] | None = None,
    ) -> None:
        """`caps`: percent a zone, in force now or for the next session. `on_event`: for metrics."""
        self.topics = Topics(device, settings.prefix, settings.discovery_prefix)
        self._settings = settings
        self._controller = controller
        self._gate = gate
        self._clock = clock
        self._caps = caps
        self._on_event = on_event
        self._outbox = Outbox(self.topics)
        self._desk = Desk(controller, gate, clock, self)
        self._log = structlog.get_logger().bind(device=device, broker=str(settings))
        self._echoes: dict[bytes, float] = {}
        """When each echo was sent that has not come back."""
        self._watch: EchoWatch | None = None
        self._news = asyncio.Event()
        self._told: dict[str, Any] = {}
        self._told_caps: Levels | None = None
        self._before = controller.status
        self._problem = ""
        self.trouble = ""
        """Why there is no connection, after it failed; empty once there is one."""
        self._version = version("massager-ctl")
        self._identifier = f"massager-ctl-{device}-{secrets.token_hex(4)}"
        self._retelling: asyncio.Future[None] | None = None
        self.connected = False

    # What the desk needs.

    @property
    def echo_lost(self) -> bool:
        return self._watch is None or self._watch.lost(self._now())

    @property
    def caps(self) -> Levels:
        status = self._controller.status
        return status.caps if status.phase.in_session and any(status.caps) else self._caps()

    def say(self, kind: EventType, fields: dict[str, Any]) -> None:
        if self._on_event is not None:
            self._on_event(kind, fields)
        log = self._log.warning if kind in _WORRYING else self._log.info
        log(f"mqtt.{kind.value}", **fields)
        self._outbox.event(kind, fields)

    def renew(self) -> None:
        """A new nonce: what was sent before is void."""
        self._gate.renew(secrets.token_urlsafe(12), self._clock.wall())
        self._outbox.keep(Leaf.NONCE, {"nonce": self._gate.nonce})

    def changed(self) -> None:
        self._news.set()

    # Its life.

    async def run(self) -> None:
        """Keep a connection until cancelled. Raises ConfigError where a certificate cannot be used."""
        remove = (
            self._controller.add_listener(self._status_changed),
            self._controller.add_event_listener(self._event),
        )
        self.renew()
        watching = asyncio.ensure_future(self._watch_broker())
        backoff = Backoff(0.5, 30.0)
        try:
            while True:
                try:
                    async with Broker(self._settings, self.topics, self._identifier) as broker:
                        backoff.reset()
                        await self._attend(broker)
                except LinkError as error:
                    self._lost(error)
                finally:
                    self.connected = False
                await asyncio.sleep(backoff.next_s())
        finally:
            await end_all([watching])
            for call in remove:
                call()

    async def flush(self, seconds: float) -> None:
        """Wait until all is told, `seconds` at the most."""
        await self._desk.settled()
        if self.connected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._outbox.emptied(), seconds)

    def _lost(self, error: LinkError) -> None:
        if error.message != self.trouble:
            self.trouble = error.message
            self._log.warning("mqtt.lost", text=error.message, remedy=error.remedy)

    async def _attend(self, broker: Broker) -> None:
        """Everything that a connection is for. Raises LinkError when it is lost."""
        self._outbox.forget_picture()
        self.renew()  # before the first message can arrive: a backlog carries older nonces
        await broker.subscribe()
        self.connected = True
        self.trouble = ""
        self._log.info("mqtt.connected", protocol=broker.protocol)
        await self._tell_all()
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                self._read(broker),
                self._write(broker),
                self._tell_states(),
                self._echo(broker),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end_all(tasks)

    async def _read(self, broker: Broker) -> None:
        async for message in broker.messages():
            self._take(message)

    def _take(self, message: Message) -> None:
        if message.topic == self.topics.of(Leaf.ECHO):
            self._heard(message.payload)
        elif message.topic == self.topics.birth:
            self.renew()
            if message.payload == b"online":
                self._retelling = asyncio.ensure_future(self._tell_all())
        else:
            named = self.topics.named(message.topic)
            if named is None:
                return
            if message.retained and message.payload:
                self._outbox.put(Letter(message.topic, b"", 1, retain=True))
            if message.payload or named == "stop":
                self._desk.take(named, message.payload, retained=message.retained)

    async def _write(self, broker: Broker) -> None:
        while True:
            letter = self._outbox.next()
            if letter is None:
                await self._outbox.wait()
            else:
                await broker.publish(letter)

    # The echo.

    async def _echo(self, broker: Broker) -> None:
        began = self._now()
        self._echoes.clear()
        while True:
            content = secrets.token_hex(8).encode()
            self._echoes[content] = self._now()
            await broker.publish(Letter(self.topics.of(Leaf.ECHO), content, 0))
            await asyncio.sleep(ECHO_EVERY_S)
            if self.echo_lost and self._now() - began > ECHO_LOST_S:
                raise LinkError(
                    "the broker does not pass on what this service publishes",
                    "Its access list must let this user read and write `massager/#`; or the link is half open.",
                )

    def _heard(self, payload: bytes) -> None:
        """One that was sent 4 s ago or more says nothing about now."""
        sent = self._echoes.pop(payload, None)
        now = self._now()
        if sent is not None and now - sent < ECHO_LOST_S:
            if self._watch is None:
                self._watch = EchoWatch(now)
            self._watch.heard(now)

    async def _watch_broker(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            if self._desk.started_session and self.echo_lost:
                self._desk.broker_lost()

    # What is told.

    async def _tell_all(self) -> None:
        """Everything that is retained, discovery first."""
        self._desk.profiles = await asyncio.to_thread(_profiles)
        self._outbox.keep(Leaf.AVAILABILITY, "online")
        self._tell_discovery()
        self._outbox.keep(Leaf.LINK, link_word(self._controller.status))
        self._outbox.keep(Leaf.NONCE, {"nonce": self._gate.nonce})
        self._told = {}
        self._news.set()

    def _tell_discovery(self) -> None:
        self._told_caps = self.caps
        form, info = self._settings.discovery, self._controller.info
        found = discovery.entities(self.topics, info, self.caps, sorted(self._desk.profiles))
        # The form that is not in use is taken away, so that no entity is there twice.
        device: Any = None
        if form == "device":
            device = discovery.device_message(self.topics, info, found, self._version)
        letters = [(self.topics.device_config, device)]
        for entity in found:
            topic = self.topics.entity_config(entity.platform, entity.key)
            message = discovery.entity_message(self.topics, info, entity, self._version)
            letters.append((topic, message if form == "entity" else None))
        letters.sort(key=lambda letter: letter[1] is not None)
        for topic, message in letters:
            content = b"" if message is None else msgspec.json.encode(message)
            self._outbox.put(Letter(topic, content, 1, retain=True))

    async def _tell_states(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATE_EVERY_S):
                    await self._news.wait()
            self._news.clear()
            document = self._document()
            if document != self._told:
                self._told = document
                self._outbox.keep(Leaf.STATE, document)
                if self._told_caps != self.caps:
                    self._tell_discovery()
            await asyncio.sleep(STATE_SPACING_S)

    def _document(self) -> dict[str, Any]:
        remote = Remote(
            self._gate.ready_for_s(self._now()), self._desk.skew_s, self._problem_text()
        )
        return state_document(self._controller.status, self._desk.choices, remote, self.caps)

    def _problem_text(self) -> str:
        if self._controller.status.link is not LinkState.UP:
            return "there is no link to the device"
        return self._problem

    def _status_changed(self, status: Status) -> None:
        before, self._before = self._before, status
        now = self._now()
        telemetry = status.telemetry
        if telemetry is not None and status.link is LinkState.UP:
            self._gate.attended(now, flag=telemetry.attended)
        if status.link is not before.link:
            self._outbox.keep(Leaf.LINK, link_word(status))
            if status.link is LinkState.UP and self.connected:
                self._tell_discovery()
        self._session_changed(before, status)
        if wants_attention(status) and not wants_attention(before):
            self.say(EventType.ATTENTION, {"within_s": 30})
        if _latched(status) and not _latched(before):
            cause = telemetry.cause.value if telemetry else Cause.UNKNOWN.value
            self.say(EventType.ESTOP, {"reason": cause})
        if significant(self._document()) != significant(self._told):
            self._news.set()

    def _session_changed(self, before: Status, status: Status) -> None:
        runs = status.phase.in_session and status.phase is not Phase.ARMING
        ran = before.phase.in_session and before.phase is not Phase.ARMING
        if runs and not ran:
            self._problem = ""
            self.renew()
            self.say(
                EventType.STARTED,
                {
                    "profile": status.profile,
                    "title": status.title,
                    "minutes": round(status.duration_s / 60, 1),
                    "remote": self._desk.started_session,
                },
            )
        elif before.phase.in_session and not status.phase.in_session:
            self._desk.session_over()
            self.renew()
            if ran:
                self._tell_end(status)

    def _tell_end(self, status: Status) -> None:
        confirmed = status.exit_code != 5
        kind = _ENDS.get(status.end_reason, EventType.STOPPED)
        fields = {"reason": status.end_reason, "text": status.message, "confirmed": confirmed}
        self.say(kind, fields)

    def _event(self, event: Event) -> None:
        if event.name in ("alarm", "problem"):
            self._problem = event.text
            self.say(EventType.PROBLEM, {"text": event.text})
        elif event.name == "link_lost":
            self.say(EventType.PROBLEM, {"text": event.text})
        elif event.name == "reset":
            self._problem = ""

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


_ENDS: Final[dict[str, EventType]] = {
    Cause.FINISHED.value: EventType.FINISHED,
    Cause.DEAD_MAN.value: EventType.DEAD_MAN,
}

_WORRYING: Final = frozenset(
    {EventType.REJECTED, EventType.PROBLEM, EventType.ESTOP, EventType.DEAD_MAN}
)


def _latched(status: Status) -> bool:
    return status.telemetry is not None and status.telemetry.state in _LATCHED


def _profiles() -> dict[str, Path]:
    """Profiles by id; a name that stands for two files is left out."""
    found: dict[str, Path] = {}
    twice: set[str] = set()
    for entry in entries():
        if entry.name in found:
            twice.add(entry.name)
        if ID_FORM.fullmatch(entry.name) and entry.name != MANUAL:
            found[entry.name] = entry.path
    return {name: path for name, path in found.items() if name not in twice}
