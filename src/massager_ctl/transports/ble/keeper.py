"""R25: the guardian's process for Bluetooth. A system keeps a link for the process that opened it, so this one holds it
whole: it hands on what the controller sends, and tells it what the device says.

Not shown on BlueZ: whether the link of this process outlives the one that started it was seen on bumble alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

import msgspec

from massager_ctl.errors import AddressError, LinkLost, MassagerError, SeveralDevices
from massager_ctl.guardian.clock import now
from massager_ctl.guardian.machine import Machine, Write
from massager_ctl.guardian.messages import Kind, Message
from massager_ctl.guardian.pipe import Pipe
from massager_ctl.guardian.process import LOOK_S, PIPE, OwnerMark, stand_alone
from massager_ctl.transports.address import BleAddress, parse_address
from massager_ctl.transports.ble.transport import BleTransport, make_ble
from massager_ctl.transports.gatt import Gatt

_ASK_S: Final = 0.02
"""Seconds between two looks at whether the system has taken what it was given."""


class Keeper:
    """One pipe and one Bluetooth device."""

    def __init__(self, pipe: int, transport: BleTransport, lock: str) -> None:
        self._pipe = Pipe(pipe)
        self._transport = transport
        self._mark = OwnerMark(lock)
        self._given: list[int] = []
        """The messages that the system has not taken yet."""
        self._wake = asyncio.Event()
        self.machine = Machine(self._write, self._pipe.say)

    async def run(self) -> None:
        """Until the device is at rest, or another program's, and the controller is gone."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pipe.descriptor, self._readable)
        try:
            await self._transport.open(self)
        except MassagerError as error:
            several = error.found if isinstance(error, SeveralDevices) else ()
            found = (address.encode() for address in several)
            self._pipe.say(
                Message(Kind.BROKE, frames=(error.message.encode(), error.remedy.encode(), *found))
            )
            return
        peer = self._transport.peer.encode()
        self._pipe.say(Message(Kind.READY, 0, os.getpid(), now(), (peer,)))
        try:
            while not self.machine.done:
                await self._pause()
                self._turn()
        except Exception as error:
            # A fault in this process itself: the stop goes out before it ends.
            self.machine.trip(f"a fault in the guardian: {error!r}", now())
            raise
        finally:
            await self._transport.close()

    def _turn(self) -> None:
        if self.machine.gone and self._mark.changed:
            self.machine.end("another program owns the device")
        self.machine.tick(now())
        if not self._transport.backlog:
            given, self._given = self._given, []
            for seq in given:
                self.machine.wrote(seq, now())

    async def _pause(self) -> None:
        """Until something comes, or is due."""
        waits = [self.machine.due(now())]
        waits += [LOOK_S] if self.machine.gone else []
        waits += [_ASK_S] if self._given or self._pipe.waits else []
        try:
            async with asyncio.timeout(
                min((one for one in waits if one is not None), default=None)
            ):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()
        self._pipe.flush()

    def data_received(self, data: bytes) -> None:
        self.machine.heard(data)
        self._pipe.say(Message(Kind.SAID, frames=(data,)))
        self._wake.set()

    def link_lost(self, error: LinkLost) -> None:
        self._pipe.say(Message(Kind.BROKE, frames=(error.message.encode(),)))
        self.machine.end(error.message)
        self._wake.set()

    def _readable(self) -> None:
        self._pipe.read(self.machine)
        if self._pipe.gone:
            asyncio.get_running_loop().remove_reader(self._pipe.descriptor)
        self._wake.set()

    def _write(self, write: Write) -> None:
        first, *others = write.frames
        if write.urgent:
            self._given.clear()
            self._transport.preempt(first)
        else:
            self._transport.write(first)
        for frame in others:
            self._transport.write(frame)
        if write.seq:
            self._given.append(write.seq)


def main(arguments: list[str]) -> int:
    """`arguments`: as `guardian.process.main`, and the layout of the device as JSON."""
    lock, held, text, layout = arguments
    address = parse_address(text)
    if not isinstance(address, BleAddress):
        raise AddressError(f"{text} is not a Bluetooth device")
    stand_alone(held)
    transport = make_ble(address, msgspec.json.decode(layout, type=Gatt))
    asyncio.run(Keeper(PIPE, transport, lock).run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
