"""bumble alone: two hosts on its own link, one characteristic, a write without response."""

# pyright: basic
from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import Any

from bumble.controller import Controller
from bumble.device import Device, Peer
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink

logging.getLogger("bumble").setLevel(logging.CRITICAL)

SERVICE = "6E400001-B5A3-F393-E0A9-E50E24DCCA9E"
WRITTEN = "6E400002-B5A3-F393-E0A9-E50E24DCCA9E"
BODY = bytes(43)
"""As long as a setpoint."""


class BareWriter:
    """A client and the server that it writes to."""

    def __init__(self) -> None:
        self._written: Any = None
        self._last_ns = 0
        self._arrived = asyncio.Event()

    @classmethod
    async def make(cls, stack: AsyncExitStack) -> BareWriter:
        writer = cls()
        link = LocalLink()
        client = _host(link, "client", "E0:E1:E2:E3:E4:E5")
        server = _host(link, "server", "F0:E1:E2:E3:E4:E5")
        server.add_service(
            Service(
                SERVICE,
                [
                    Characteristic(
                        WRITTEN,
                        Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
                        Characteristic.WRITEABLE,
                        CharacteristicValue(write=writer._arrive),
                    )
                ],
            )
        )
        await client.power_on()
        await server.power_on()
        await server.start_advertising(auto_restart=False)
        connection = await client.connect(server.random_address)
        peer = Peer(connection)
        await peer.request_mtu(128)
        await peer.discover_services()
        await peer.discover_characteristics()
        (writer._written,) = peer.get_characteristics_by_uuid(_uuid())
        stack.push_async_callback(connection.disconnect)
        return writer

    def _arrive(self, *_: object) -> None:
        self._last_ns = time.perf_counter_ns()
        self._arrived.set()

    async def writes(self, count: int) -> list[float]:
        """Microseconds from the call until the server had it."""
        took: list[float] = []
        for _ in range(count):
            self._arrived.clear()
            began = time.perf_counter_ns()
            await self._written.write_value(BODY)
            await self._arrived.wait()
            took.append((self._last_ns - began) / 1000)
            await asyncio.sleep(0.002)
        return took


def _host(link: LocalLink, name: str, address: str) -> Device:
    controller = Controller(name, link=link)
    host = Host()
    host.set_packet_sink(controller)
    controller.set_packet_sink(host)
    return Device(name=name, address=Address(address), host=host)


def _uuid() -> Any:
    from bumble.core import UUID

    return UUID(WRITTEN)
