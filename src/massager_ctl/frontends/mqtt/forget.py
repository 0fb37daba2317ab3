"""Removes what a broker retains of one device: discovery in both forms, state, availability, old commands."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from massager_ctl.errors import Refused
from massager_ctl.frontends.mqtt.connection import Connection, Message, Subscription
from massager_ctl.frontends.mqtt.publish_queue import Publication
from massager_ctl.frontends.mqtt.settings import BrokerSettings, tls_context
from massager_ctl.frontends.mqtt.topics import Leaf, Topics

LISTEN_S: Final = 2.5
"""Seconds within which a running service is noticed: its echo comes each second."""


async def forget(settings: BrokerSettings, device: str) -> list[str]:
    """Empty every retained topic of a device; returns them. Raises Refused while a service offers it, and LinkError."""
    topics = Topics(device, settings.prefix, settings.discovery_prefix)
    kept: set[str] = set()
    served = asyncio.Event()

    def heard(message: Message) -> None:
        if message.topic == topics.of(Leaf.ECHO):
            served.set()
        elif message.retained and message.payload:
            kept.add(message.topic)

    name = f"massager-ctl-forget-{secrets.token_hex(4)}"
    tls = await asyncio.to_thread(tls_context, settings)
    async with Connection(settings, name, heard, tls=tls) as connection:
        await connection.subscribe(
            Subscription(topic, live_retain=False) for topic in (topics.own, *topics.discovered)
        )
        try:
            await asyncio.wait_for(served.wait(), LISTEN_S)
        except TimeoutError:
            pass
        else:
            raise Refused(
                f"a running service offers '{device}' on this broker",
                "End it first, or it publishes everything again.",
            )
        for topic in sorted(kept):
            await connection.publish(Publication(topic, b"", 1, retain=True))
    return sorted(kept)
