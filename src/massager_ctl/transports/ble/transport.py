"""BLE by bleak: one frame body a write or notification, over the GATT layout of docs/protocol.md, section 2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from massager_ctl.errors import LinkError, LinkLost
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.base import LinkKind, Receiver
from massager_ctl.transports.ble.errors import border
from massager_ctl.transports.ble.link import CONNECT_S, BleLink
from massager_ctl.transports.ble.radio import OpenRadio, radio_over


def make_ble(address: BleAddress) -> BleTransport:
    """The transport for an address; not opened yet."""
    return BleTransport(address, radio_over(address.hci) if address.hci else None)


class BleTransport:
    """A BLE link. Where the device does not let us command, what is written goes to the stop characteristic: there STOP
    and questions are answered, and the rest is refused by the device itself (R17).
    """

    kind = LinkKind.BLE

    def __init__(self, address: BleAddress, open_radio: OpenRadio | None = None) -> None:
        self.address = str(address)
        self._wanted = address.name
        self._open_radio = open_radio
        self._link: BleLink | None = None
        self._drained: Callable[[], None] | None = None
        self._opening: asyncio.Task[Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def backlog(self) -> int:
        return 0 if self._link is None else self._link.backlog

    @property
    def may_command(self) -> bool:
        """Whether the link is bonded and its MTU carries every frame; otherwise it may stop and read."""
        return self._link is not None and self._link.may_command

    async def open(self, receiver: Receiver) -> None:
        if self._link is not None or self._opening is not None:
            raise LinkError(f"{self.address} is open already", "Close it before opening it again.")
        self._opening = asyncio.current_task()
        link = BleLink(self.address, receiver, self._tell_drained, self._tell_lost)
        try:
            with border(self.address):
                async with asyncio.timeout(CONNECT_S):
                    await self._settled()
                    await link.connect(self._wanted, self._open_radio)
        except BaseException:
            self._later(link.drop())
            raise
        finally:
            opening, self._opening = self._opening, None
        if opening is None:
            self._later(link.drop())
            raise LinkLost(f"{self.address} was closed while it was being opened")
        self._link = link
        link.start()

    def write(self, data: bytes) -> None:
        if self._link is not None:
            self._link.put(data)

    def preempt(self, data: bytes) -> None:
        if self._link is not None:
            self._link.put_first(data)

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self._drained = callback

    async def close(self) -> None:
        link = self._link
        if link is not None:
            await link.flush()
        self._drained = None
        self.abort()
        await self._settled()

    async def _settled(self) -> None:
        """Wait until earlier connections are gone: a system keeps one link to a device."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def abort(self) -> None:
        self._opening = None
        link, self._link = self._link, None
        if link is not None:
            link.end()
            self._later(link.drop())

    def _tell_drained(self) -> None:
        if self._drained is not None:
            self._drained()

    def _tell_lost(self, link: BleLink, receiver: Receiver, error: LinkLost) -> None:
        if link is self._link:
            self.abort()
            receiver.link_lost(error)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
