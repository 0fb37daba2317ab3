"""One BLE connection, from the search for the device to the disconnection.

STOP goes to its own characteristic, past whatever waits or hangs, and needs no bond (R6).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.errors import LinkError, LinkLost, LinkTimeout
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.base import Receiver
from massager_ctl.transports.ble.errors import border, no_bleak
from massager_ctl.transports.ble.find import find
from massager_ctl.transports.ble.layout import (
    BODY,
    COMMAND,
    EVENT,
    INFO,
    MAY_COMMAND,
    SERVICE,
    STOP,
)
from massager_ctl.transports.ble.radio import OpenRadio, Radio
from massager_ctl.transports.gatt import Gatt, full_uuid

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.characteristic import BleakGATTCharacteristic

CONNECT_S: Final = 9.5
"""Seconds for finding, connecting and pairing together."""

PAIR_S: Final = 4.0
SETTLE_S: Final = 0.2
"""A device may need a moment after pairing to know that the bond is there."""

WRITE_S: Final = 1.0
"""A write that hangs longer than T counts as a lost link (R4, fault 12)."""

READ_S: Final = 0.25
"""Seconds between reads of telemetry if the MTU is too small for notifications."""

DROP_S: Final = 3.0
"""Seconds to wait for a disconnection."""


class BleLink:
    """One connection, from the search to the disconnection."""

    def __init__(
        self,
        address: str,
        receiver: Receiver,
        drained: Callable[[], None],
        lost: Callable[[BleLink, Receiver, LinkLost], None],
        gatt: Gatt | None = None,
    ) -> None:
        """`gatt`: the layout of a device of another make, instead of docs/protocol.md."""
        self._gatt = gatt
        self._address = address
        self._receiver: Receiver | None = receiver
        self._tell_drained = drained
        self._tell_lost = lost
        self._radio: Radio | None = None
        self._client: BleakClient | None = None
        self._command: BleakGATTCharacteristic | None = None
        self._stop: BleakGATTCharacteristic | None = None
        self._waiting: deque[bytes] = deque()
        self._writing = 0
        self._wake = asyncio.Event()
        self._tasks = TaskBag()
        self._started = False
        self._to_read: tuple[str, ...] = ()
        self.may_command = False
        self.peer = ""
        """The Bluetooth address of the device that was found."""
        self._response = gatt is not None and gatt.response

    @property
    def backlog(self) -> int:
        """Bytes that the system has not taken yet."""
        return self._writing + sum(map(len, self._waiting))

    async def connect(self, wanted: BleAddress, open_radio: OpenRadio | None) -> None:
        """Find the device, connect, subscribe, and find out what we may do. Raises SeveralDevices."""
        try:
            from bleak import BleakClient
        except ImportError as error:
            raise no_bleak(error) from error

        if open_radio is not None:
            self._radio = await open_radio()
        device = await find(wanted, self._radio, [SERVICE] if self._gatt is None else None)
        backend: dict[str, Any] = {} if self._radio is None else {"backend": self._radio.client}
        client = BleakClient(
            device, disconnected_callback=self._disconnected, timeout=CONNECT_S, **backend
        )
        self._client = client
        self.peer = device.address
        await client.connect()
        if self._gatt is not None:
            await self._take_layout(client, self._gatt)
            return
        self._command = client.services.get_characteristic(COMMAND)
        self._stop = client.services.get_characteristic(STOP)
        event = client.services.get_characteristic(EVENT)
        if self._command is None or self._stop is None or event is None:
            raise LinkError(
                f"{self._address} is not a massager with this protocol",
                "`massager-ctl scan` says which devices are supported.",
            )
        if await _wide_enough(self._command):
            self.may_command = await self._ask_permission(client, self._command)
        else:
            # A stop's ACK still fits a notification; the rest is read.
            self._to_read = (INFO, EVENT)
        await client.start_notify(event, self._notified)

    async def _take_layout(self, client: BleakClient, gatt: Gatt) -> None:
        """The characteristics of a device of another make: levels and the stop go to the same one."""
        service = client.services.get_service(full_uuid(gatt.service))
        found = [
            None if service is None else service.get_characteristic(full_uuid(uuid))
            for uuid in (gatt.write, *gatt.notify)
        ]
        there = [one for one in found if one is not None]
        if len(there) < len(found):
            raise LinkError(
                f"{self._address} has not the characteristics of this driver: it is another kind of device",
                "`massager-ctl scan` says what is there.",
            )
        write, *notifying = there
        self._command = self._stop = write
        self.may_command = True
        for characteristic in notifying:
            await client.start_notify(characteristic, self._notified)

    async def _ask_permission(self, client: BleakClient, command: BleakGATTCharacteristic) -> bool:
        """Read the command characteristic, which only a bonded link may; pair if that is what is missing (R17)."""
        from bleak.exc import BleakError

        for attempt in ("as it is", "after pairing", "a moment later"):
            try:
                async with asyncio.timeout(PAIR_S):
                    if attempt == "after pairing":
                        await self._pair(client)
                    elif attempt == "a moment later":
                        await asyncio.sleep(SETTLE_S)
                    if bytes(await client.read_gatt_char(command)) == MAY_COMMAND:
                        return True
            except (BleakError, TimeoutError, EOFError):
                # Not bonded: the device refuses, or the person did not open pairing. Stopping still works.
                if not client.is_connected:
                    raise
                if attempt == "after pairing":
                    break
        return False

    async def _pair(self, client: BleakClient) -> None:
        try:
            await client.pair()
        except NotImplementedError:
            pass  # A system that pairs on its own at the first read.

    def start(self) -> None:
        """Start delivering and sending bytes."""
        self._started = True
        if self._client is None or not self._client.is_connected:
            asyncio.get_running_loop().call_soon(self._fail, "it disconnected")
        self._tasks.start(self._pump())
        if self._to_read:
            self._tasks.start(self._read())

    def put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._wake.set()

    def put_first(self, data: bytes) -> None:
        """Send before everything else: what waits is discarded, and a hanging write is not waited for."""
        self._waiting.clear()
        self._tasks.start(self._send(self._stop, data))

    async def flush(self) -> None:
        """Give what waits a moment to be sent."""
        end = asyncio.get_running_loop().time() + 0.2
        while self.backlog and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - a moment only
            await asyncio.sleep(0.005)

    def end(self) -> None:
        """Deliver and send nothing more."""
        self._receiver = None
        self._waiting.clear()
        self._tasks.cancel()

    async def drop(self) -> None:
        """Disconnect, within a time limit; errors are ignored."""
        client, self._client = self._client, None
        radio, self._radio = self._radio, None
        if client is not None:
            await _within_reason(client.disconnect())
        if radio is not None:
            await _within_reason(radio.close())

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                target = self._command if self.may_command else self._stop
                await self._send(target, self._waiting.popleft())
                if not self.backlog and self._receiver is not None:
                    self._tell_drained()

    async def _read(self) -> None:
        """Long reads fit any MTU: so much can be seen where nothing can be commanded."""
        while (client := self._client) is not None:
            for characteristic in self._to_read:
                try:
                    with border(self._address):
                        data = bytes(await client.read_gatt_char(characteristic))
                except LinkError as error:
                    self._fail(error.message)
                    return
                if self._receiver is not None:
                    self._receiver.data_received(data)
            await asyncio.sleep(READ_S)

    async def _send(self, target: BleakGATTCharacteristic | None, data: bytes) -> None:
        client = self._client
        if client is None or target is None:
            return
        self._writing += len(data)
        try:
            with border(self._address):
                async with asyncio.timeout(WRITE_S):
                    await client.write_gatt_char(target, data, response=self._response)
        except LinkTimeout:
            self._fail(f"a write hung for {WRITE_S:g} s")
        except LinkError as error:
            self._fail(error.message)
        finally:
            self._writing -= len(data)

    def _notified(self, _: BleakGATTCharacteristic, data: bytearray) -> None:
        if self._started and self._receiver is not None:
            self._receiver.data_received(bytes(data))

    def _disconnected(self, _: BleakClient) -> None:
        if self._started:
            asyncio.get_running_loop().call_soon(self._fail, "it disconnected")

    def _fail(self, why: str) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            error = LinkLost(
                f"the Bluetooth link to {self._address} is lost: {why}",
                "Is the device switched on and near? It stops on its own; start again when it is back.",
            )
            self._tell_lost(self, receiver, error)


async def _within_reason(work: Coroutine[Any, Any, None]) -> None:
    """Wait for the disconnection, at most DROP_S."""
    try:
        async with asyncio.timeout(DROP_S):
            await work
    except Exception:  # noqa: BLE001 - whatever a system's stack raises on a link that is gone
        pass


async def _wide_enough(command: BleakGATTCharacteristic) -> bool:
    """Whether a write carries every frame; some systems learn the MTU only a moment after connecting."""
    for _ in range(20):
        if command.max_write_without_response_size >= BODY:
            return True
        await asyncio.sleep(0.02)
    return False
