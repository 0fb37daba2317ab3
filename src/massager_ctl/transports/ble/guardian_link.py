"""The way to a Bluetooth device whose link a guardian holds; this process opens it only once that one is dead (R25)."""

from __future__ import annotations

import asyncio
import os

import msgspec

from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.errors import LinkLost, MassagerError
from massager_ctl.transports.base import LinkKind, Receiver, Transport
from massager_ctl.transports.ble.transport import BleTransport
from massager_ctl.transports.gatt import Gatt
from massager_ctl.transports.guardian_process import GuardianProcess


class GuardianBleLink:
    """`transport` is not opened, and has the layout of a device of another make."""

    kind = LinkKind.BLE
    first_answer_s = 20.0
    farewell_s = 4.0
    shown = False

    def __init__(self, transport: BleTransport, gatt: Gatt) -> None:
        self.address = transport.address
        self._transport = transport
        self._gatt = gatt
        self._frames: list[bytes] = []
        """A stop that waits until the link is open."""
        self._tasks = TaskBag()
        self._opening: asyncio.Task[None] | None = None
        self._up = False

    @property
    def backlog(self) -> int:
        return self._transport.backlog

    async def open(self, receiver: Receiver) -> None:
        """The guardian opens it."""

    def found(self, peer: str) -> None:
        """A stop by this process goes to that device at once, and never to another one of its name."""
        self._transport.aim(peer)

    def start(self, lock: str, held: str) -> GuardianProcess:
        layout = msgspec.json.encode(self._gatt).decode()
        command = [
            "-P",
            "-m",
            "massager_ctl.transports.ble.keeper",
            lock,
            held,
            self.address,
            layout,
        ]
        return GuardianProcess(command, self.address, environment=os.environ)

    def write(self, data: bytes) -> None:
        """The rest of a stop: nothing else is written this way."""
        if self._up:
            self._transport.write(data)
        elif self._frames:
            self._frames.append(data)

    def preempt(self, data: bytes) -> None:
        if self._up:
            self._transport.preempt(data)
            return
        self._frames = [data]
        if self._opening is None or self._opening.done():
            self._opening = self._tasks.start(self._open_and_stop())

    async def _open_and_stop(self) -> None:
        try:
            await self._transport.open(self)
        except MassagerError:
            return  # The next stop tries again.
        self._up = True
        first, *others = self._frames
        self._transport.preempt(first)
        for frame in others:
            self._transport.write(frame)

    def data_received(self, data: bytes) -> None:
        """What it says is not asked for any more."""

    def link_lost(self, error: LinkLost) -> None:  # noqa: ARG002
        self._up = False

    def let_go(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._up = False
        self._transport.abort()

    async def close(self) -> None:
        self._up = False
        await self._transport.close()
        await self._tasks.settled()


def guardian_link_of(transport: Transport) -> GuardianBleLink | None:
    """The way below a guardian for a device of another make; None for one of docs/protocol.md, which needs none."""
    if isinstance(transport, BleTransport) and transport.gatt is not None:
        return GuardianBleLink(transport, transport.gatt)
    return None
