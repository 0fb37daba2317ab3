"""One MQTT connection by aiomqtt: made as R18 needs it, with the arrival time of each message (R5) and our errors."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import socket
import ssl
import struct
import termios
from collections.abc import Callable, Generator, Iterable
from typing import Any, Final, Literal, cast

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from msgspec import Struct
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from massager_ctl.aio.faults import report
from massager_ctl.errors import LinkError, LinkLost
from massager_ctl.frontends.mqtt.limits import BrokerRefused, Limits, refusal
from massager_ctl.frontends.mqtt.publish_queue import Publication
from massager_ctl.frontends.mqtt.settings import BrokerSettings, remedy_for
from massager_ctl.model.text import visible

KEEP_ALIVE_S: Final = 10
"""Keep-alive: seconds after which the broker notices that this client is gone."""

TIMEOUT_S: Final = 4.0
"""Maximum seconds to wait for an answer of the broker."""

FAREWELL_S: Final = 1.0
"""Seconds to wait for the broker to take the last publication."""

EVENT_EXPIRY_S: Final = 60
"""Seconds after which an undelivered event expires, on MQTT 5."""

TURN_S: Final = 0.25
"""Seconds between two notes of the time, which show a busy loop."""

_LOG: Final = logging.getLogger("massager_ctl.mqtt")
_LOG.addHandler(logging.NullHandler())  # without a log, paho's messages must not reach the terminal


class Message(Struct, frozen=True):
    """A message. `received_at`: the earliest loop time at which the operating system may have received it (R5)."""

    topic: str
    payload: bytes
    retained: bool
    received_at: float


class Subscription(Struct, frozen=True):
    """A subscription. `live_retain`: whether a live message shows, on MQTT 5, that its sender asked to retain it."""

    topic: str
    qos: Literal[0, 1] = 1
    without_own: bool = False
    live_retain: bool = True


class Receipt:
    """Finds when a message arrived at the earliest, though the loop reads one in each turn (R5).

    Until the socket has been seen empty, everything in it may have arrived with its first byte.
    """

    __slots__ = ("_backlog_since", "_turned_at")

    def __init__(self, now: float) -> None:
        self._turned_at = now
        self._backlog_since: float | None = None

    def turned(self, now: float) -> None:
        """A turn of the loop: what was there before has been read or counts as backlog."""
        self._turned_at = now

    def read(self, now: float) -> float:
        """One message was read; returns its arrival time."""
        if self._backlog_since is not None:
            return self._backlog_since
        return now if now - self._turned_at <= 2 * TURN_S else self._turned_at

    def left(self, unread: bool, read_at: float) -> None:
        """Whether anything is unread after that message, which arrived at `read_at`."""
        self._backlog_since = read_at if unread else None


class _Client(aiomqtt.Client):
    """Exposes what aiomqtt hides: the broker's limits, each message at once, the end of the connection."""

    limits = Limits()
    receipt: Receipt
    on_arrival: Callable[[Message], None]

    def _on_connect(
        self,
        client: Any,
        userdata: Any,
        flags: Any,
        reason_code: Any,
        properties: Properties | None = None,
    ) -> None:
        found = cast("dict[str, Any]", properties.json() if properties is not None else {})
        self.limits = Limits(
            found.get("MaximumPacketSize"),
            bool(found.get("RetainAvailable", 1)),
            min(1, found.get("MaximumQoS", 1)),
        )
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:  # noqa: ARG002
        now = self._loop.time()
        read_at = self.receipt.read(now)
        self.receipt.left(self._unread() > 0, read_at)
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a topic that is not valid text is not ours
            return
        try:
            self.on_arrival(Message(topic, bytes(message.payload), bool(message.retain), read_at))
        except Exception as error:  # noqa: BLE001  from here it would end the reading of this connection
            report(f"a message at {visible(topic)}", error)

    def _unread(self) -> int:
        """Bytes that the operating system holds for this connection."""
        found: Any = self._client.socket()
        if found is None:
            return 0
        held = found.pending() if isinstance(found, ssl.SSLSocket) else 0
        with contextlib.suppress(OSError, ValueError):
            answer = fcntl.ioctl(found.fileno(), termios.FIONREAD, b"\0\0\0\0")
            held += struct.unpack("i", answer)[0]
        return held

    async def lost(self) -> None:
        """Wait for the end of the connection. Raises MqttError unless it was asked for."""
        await asyncio.shield(self._disconnected)


class Connection:
    """One connection, as an async context manager. Its methods raise LinkError and its subclasses when it is lost."""

    def __init__(
        self,
        settings: BrokerSettings,
        identifier: str,
        on_message: Callable[[Message], None],
        *,
        tls: ssl.SSLContext | None = None,
        will: Publication | None = None,
    ) -> None:
        """`identifier`: this client's id. `on_message`: called in the turn that read the message, one per turn."""
        self._settings = settings
        self._identifier = identifier
        self._on_message = on_message
        self._tls = tls
        self._will = will
        self._five = settings.protocol == "5"
        self._stack = contextlib.AsyncExitStack()
        self._client: _Client | None = None
        self._turning: asyncio.TimerHandle | None = None

    @property
    def limits(self) -> Limits:
        return self._up.limits

    async def __aenter__(self) -> Connection:
        settings, will = self._settings, self._will
        client = _Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            logger=_LOG,
            protocol=aiomqtt.ProtocolVersion.V5 if self._five else aiomqtt.ProtocolVersion.V311,
            will=None
            if will is None
            else aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
            # The same id each time, so that an earlier half-open connection is taken over, with its will.
            identifier=self._identifier,
            # The broker keeps nothing for this client while it is away: no old orders (R18). On MQTT 5 the
            # first connection of each client object starts clean.
            clean_session=None if self._five else True,
            properties=_connect_properties() if self._five else None,
            timeout=TIMEOUT_S,
            keepalive=KEEP_ALIVE_S,
            tls_context=self._tls,
            transport="tcp" if settings.path is None else "websockets",
            websocket_path=settings.path,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        client.receipt = Receipt(asyncio.get_running_loop().time())
        client.on_arrival = self._on_message
        with self._translated():
            self._client = await self._stack.enter_async_context(client)
        self._turn()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._turning is not None:
            self._turning.cancel()
        with contextlib.suppress(aiomqtt.MqttError):
            await self._stack.aclose()

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        self._up.receipt.turned(loop.time())
        self._turning = loop.call_later(TURN_S, self._turn)

    async def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Subscribe to these topics. Raises BrokerRefused if the broker does not let this user."""
        for one in wanted:
            with self._translated():
                if self._five:
                    options = SubscribeOptions(
                        one.qos, noLocal=one.without_own, retainAsPublished=one.live_retain
                    )
                    granted = await self._up.subscribe(one.topic, options=options)
                else:
                    granted = await self._up.subscribe(one.topic, one.qos)
            codes = [code if isinstance(code, int) else code.value for code in granted]
            if any(code >= 0x80 for code in codes):
                raise BrokerRefused(
                    f"the broker does not let this user subscribe to {one.topic}",
                    "Its access list must let this user read and write `massager/#`.",
                )

    async def publish(self, publication: Publication) -> None:
        """Publish; with QoS 1 it returns when the broker has it."""
        properties = None
        if self._five and not publication.retain:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = EVENT_EXPIRY_S
        with self._translated():
            await self._up.publish(
                publication.topic,
                publication.payload,
                publication.qos,
                publication.retain,
                properties,
            )

    async def farewell(self, publication: Publication) -> None:
        """Publish a last message, if the broker takes it in time."""
        with contextlib.suppress(LinkError, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self.publish(publication)

    async def lost(self) -> None:
        """Wait until the connection is lost. Raises LinkError."""
        with self._translated():
            await self._up.lost()
        raise LinkLost(f"the broker {self._settings} closed the connection")

    @property
    def _up(self) -> _Client:
        if self._client is None:
            raise LinkLost(f"not connected to {self._settings}")
        return self._client

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except MqttConnectError as error:
            raise refusal(_code(error), str(error)) from None
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise LinkError(
                f"no connection to the broker {self._settings}: {error}",
                remedy_for(str(error), self._settings),
            ) from None


def _code(error: MqttConnectError) -> int:
    found: Any = error.rc
    return found if isinstance(found, int) else int(found.value)


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    return properties
