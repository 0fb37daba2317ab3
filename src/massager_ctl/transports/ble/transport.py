"""BLE by bleak: one frame body a write or notification, over the GATT layout of docs/protocol.md, section 2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import structs

from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.errors import LinkError, LinkLost
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.base import LinkKind, Receiver
from massager_ctl.transports.ble.errors import border
from massager_ctl.transports.ble.link import CONNECT_S, BleLink
from massager_ctl.transports.ble.radio import OpenRadio, radio_over
from massager_ctl.transports.gatt import Gatt


def make_ble(address: BleAddress, gatt: Gatt | None = None) -> BleTransport:
    """The transport for an address; not opened yet. `gatt`: the layout of a device of another make."""
    return BleTransport(address, radio_over(address.hci) if address.hci else None, gatt)


class BleTransport:
    """A BLE link. If the device does not let us command, what is written goes to the stop characteristic: there the
    device answers STOP and questions, and refuses the rest (R17).
    """

    kind = LinkKind.BLE

    def __init__(
        self,
        address: BleAddress,
        open_radio: OpenRadio | None = None,
        gatt: Gatt | None = None,
    ) -> None:
        self.address = str(address)
        self._wanted = address
        self._open_radio = open_radio
        self.gatt = gatt
        self._link: BleLink | None = None
        self._drained: Callable[[], None] | None = None
        self._opening: asyncio.Task[Any] | None = None
        self._tasks = TaskBag()

    @property
    def backlog(self) -> int:
        return 0 if self._link is None else self._link.backlog

    @property
    def may_command(self) -> bool:
        """Whether the link is bonded and its MTU carries every frame; otherwise it may stop and read."""
        return self._link is not None and self._link.may_command

    @property
    def peer(self) -> str:
        """The Bluetooth address of the device to which the link is open; else empty."""
        return "" if self._link is None else self._link.peer

    def aim(self, peer: str) -> None:
        """Open the link to the device with this Bluetooth address from now on, whatever name was given."""
        self._wanted = structs.replace(self._wanted, name=peer)

    async def open(self, receiver: Receiver) -> None:
        if self._link is not None or self._opening is not None:
            raise LinkError(f"{self.address} is open already", "Close it before opening it again.")
        self._opening = asyncio.current_task()
        link = BleLink(self.address, receiver, self._tell_drained, self._tell_lost, self.gatt)
        try:
            with border(self.address):
                async with asyncio.timeout(CONNECT_S):
                    await self._settled()
                    await link.connect(self._wanted, self._open_radio)
        except BaseException:
            self._tasks.start(link.drop())
            raise
        finally:
            opening, self._opening = self._opening, None
        if opening is None:
            self._tasks.start(link.drop())
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
        await self._tasks.settled()

    def abort(self) -> None:
        self._opening = None
        link, self._link = self._link, None
        if link is not None:
            link.end()
            self._tasks.start(link.drop())

    def _tell_drained(self) -> None:
        if self._drained is not None:
            self._drained()

    def _tell_lost(self, link: BleLink, receiver: Receiver, error: LinkLost) -> None:
        if link is self._link:
            self.abort()
            receiver.link_lost(error)
