"""aiomqtt's one home: one connection, made as R18 needs it, and its errors in our own words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import deque
from collections.abc import AsyncIterator, Generator
from typing import Final

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from msgspec import Struct
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from massager_ctl.errors import LinkError, LinkLost
from massager_ctl.surfaces.mqtt.outbox import Letter
from massager_ctl.surfaces.mqtt.settings import BrokerSettings, tls_context
from massager_ctl.surfaces.mqtt.topics import TOPICS, Leaf, Name, Topics

KEEP_ALIVE_S: Final = 10
"""Seconds after which the broker notices that this client is gone; the echo notices the other way round."""

TIMEOUT_S: Final = 4.0
"""Seconds to wait for any answer of the broker."""

FAREWELL_S: Final = 1.0
"""Seconds to wait for the broker to take the last `offline`."""

EVENT_EXPIRY_S: Final = 60
"""Seconds for which an event is worth delivering, on MQTT 5."""

_URGENT: Final = (f"/cmd/{Name.STOP}", f"/cmd/{Name.PAIN}")
_LOG: Final = logging.getLogger("massager_ctl.mqtt")


class BrokerRefused(LinkError):
    """The broker is there and says no: to the password, the protocol, or a subscription."""

    code = "broker_refused"


class Message(Struct, frozen=True):
    """What arrived."""

    topic: str
    payload: bytes
    retained: bool


class _StopsFirst(asyncio.Queue[aiomqtt.Message]):
    """What has arrived and was not looked at yet; stops overtake everything else (R6)."""

    _queue: deque[aiomqtt.Message]

    def _put(self, item: aiomqtt.Message) -> None:
        if item.topic.value.endswith(_URGENT):
            self._queue.appendleft(item)
        else:
            self._queue.append(item)


class Broker:
    """One connection, as an async context. All its methods raise LinkError and its kin when it is lost."""

    def __init__(self, settings: BrokerSettings, topics: Topics, identifier: str) -> None:
        """`identifier`: this client's name, the same one for each connection of this process."""
        self._identifier = identifier
        self._settings = settings
        self._topics = topics
        self._five = settings.protocol == "5"
        self._stack = contextlib.AsyncExitStack()
        self._client: aiomqtt.Client | None = None

    @property
    def protocol(self) -> str:
        return self._settings.protocol

    async def __aenter__(self) -> Broker:
        settings = self._settings
        context = await asyncio.to_thread(tls_context, settings)
        form = TOPICS[Leaf.AVAILABILITY]
        client = aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            logger=_LOG,
            queue_type=_StopsFirst,
            protocol=aiomqtt.ProtocolVersion.V5 if self._five else aiomqtt.ProtocolVersion.V311,
            will=aiomqtt.Will(
                self._topics.of(Leaf.AVAILABILITY), b"offline", form.qos, form.retained
            ),
            # The same name each time, so that a half-open connection of before is taken over, its will included.
            identifier=self._identifier,
            # Nothing is kept for this client while it is away: no backlog, no old orders (R18). On MQTT 5 the
            # first connection of each client object starts clean.
            clean_session=None if self._five else True,
            properties=_connect_properties() if self._five else None,
            timeout=TIMEOUT_S,
            keepalive=KEEP_ALIVE_S,
            tls_context=context,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        with self._translated():
            self._client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        client = self._client
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await client.publish(
                        self._topics.of(Leaf.AVAILABILITY), b"offline", 1, retain=True
                    )
        with contextlib.suppress(aiomqtt.MqttError):
            await self._stack.aclose()

    async def subscribe(self) -> None:
        """Hear commands, the own echo, and Home Assistant's birth."""
        wanted = (
            (self._topics.commands, 1, True),
            (self._topics.of(Leaf.ECHO), 0, False),
            (self._topics.birth, 1, False),
        )
        for topic, qos, without_own in wanted:
            with self._translated():
                if self._five:
                    options = SubscribeOptions(qos, noLocal=without_own, retainAsPublished=True)
                    granted = await self._up.subscribe(topic, options=options)
                else:
                    granted = await self._up.subscribe(topic, qos)
            codes = [code if isinstance(code, int) else code.value for code in granted]
            if any(code >= 0x80 for code in codes):
                raise BrokerRefused(
                    f"the broker does not let this user listen to {topic}",
                    "Its access list must let this user read and write `massager/#`.",
                )

    async def publish(self, letter: Letter) -> None:
        """Publish; with QoS 1 it returns when the broker has it."""
        properties = None
        if self._five and not letter.retain:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = EVENT_EXPIRY_S
        with self._translated():
            await self._up.publish(
                letter.topic, letter.payload, letter.qos, letter.retain, properties
            )

    async def messages(self) -> AsyncIterator[Message]:
        """What arrives, stops first."""
        with self._translated():
            async for message in self._up.messages:
                payload = message.payload
                yield Message(message.topic.value, bytes(payload), message.retain)

    @property
    def _up(self) -> aiomqtt.Client:
        if self._client is None:
            raise LinkLost(f"there is no connection to {self._settings}")
        return self._client

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except MqttConnectError as error:
            raise BrokerRefused(
                f"the broker {self._settings} refuses this client: {error}",
                "Check `username`, `password` and `protocol` under `[mqtt]` in the settings.",
            ) from None
        except aiomqtt.MqttError as error:
            raise LinkError(f"no connection to the broker {self._settings}: {error}") from None


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    return properties
