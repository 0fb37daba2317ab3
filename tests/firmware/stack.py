"""A Bluetooth stack (bumble's) for a board's `bluetooth` module: events go to it over a socket, calls come back.

It takes the place of BTstack and the radio: pairing is accepted on its own, and keys are whatever the board keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from typing import Any, Final

from bumble import att
from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.keys import KeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_sim.links.ble.host import LocalHost

CONNECTED, DISCONNECTED, WRITTEN, READ = 1, 2, 3, 4
MTU_CHANGED, ENCRYPTED, GET_SECRET, SET_SECRET = 21, 28, 29, 30
_KIND: Final = 7
_WRITES: Final = 0x0C
_READ_ENCRYPTED: Final = 0x0200
_WRITE_ENCRYPTED: Final = 0x1000


class BoardKeys(KeyStore):
    """Keys that the board keeps, or does not."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    async def update(self, name: str, keys: PairingKeys) -> None:
        value = json.dumps(keys.to_dict()).encode()
        kept = await self._stack.ask(SET_SECRET, _KIND, name.encode().hex(), value.hex())
        self._stack.kept.append(bool(kept))

    async def get(self, name: str) -> PairingKeys | None:
        value = await self._stack.ask(GET_SECRET, _KIND, 0, name.encode().hex())
        return None if value is None else PairingKeys.from_dict(json.loads(bytes.fromhex(value)))

    async def delete(self, name: str) -> None:
        await self._stack.ask(SET_SECRET, _KIND, name.encode().hex(), None)


class Stack:
    """One board's stack. `listen` first, and write the port where the board looks for it."""

    def __init__(self, host: LocalHost) -> None:
        self._host = host
        self._radio = host.device
        self._radio.keystore = BoardKeys(self)
        self._radio.pairing_config_factory = lambda _: PairingConfig(
            sc=True, mitm=False, bonding=True, delegate=PairingDelegate()
        )
        self._radio.on(self._radio.EVENT_CONNECTION, self._connected)
        self._writer: asyncio.StreamWriter | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._connections: dict[int, Connection] = {}
        self._characteristics: dict[int, Characteristic[bytes]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.kept: list[bool] = []
        """Of each time that keys were handed to the board, whether it kept them."""
        self.config: dict[str, Any] = {}
        self.notified: list[tuple[float, int]] = []
        """When, and how many bytes."""
        self.advertising = asyncio.Event()
        self._gone = asyncio.Event()

    async def listen(self) -> int:
        """Wait for the board on a port of its own."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Everything goes."""
        self._server.close()
        if self._writer is not None:
            await self._gone.wait()  # the board was switched off before
        for task in list(self._tasks):
            task.cancel()
        await self._host.close()

    # To the board.

    def tell(self, event: int, *arguments: Any) -> None:
        """An event that needs no answer."""
        self._send({"event": event, "args": arguments})

    def written(self, uuid: str, *values: bytes) -> None:
        """All of these from the one host that is connected, as if they had come at once."""
        (connection,) = self._connections
        handle = next(n for n, one in self._characteristics.items() if one.uuid == UUID(uuid))
        for value in values:
            self.tell(WRITTEN, connection, handle, value.hex())

    async def ask(self, event: int, *arguments: Any) -> Any:
        """An event whose answer counts."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "event": event, "args": arguments})
        return await self._answers[number]

    def _send(self, what: dict[str, Any]) -> None:
        assert self._writer is not None
        self._writer.write(json.dumps(what).encode() + b"\n")

    # From the board.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                await self._obey(json.loads(line))
        writer.close()
        self._gone.set()

    async def _obey(self, request: dict[str, Any]) -> None:
        match request:
            case {"id": number, "answer": answer}:
                self._answers.pop(number).set_result(answer)
            case {"config": options}:
                self.config |= options
            case {"services": services}:
                self._radio.add_services([self._service(*one) for one in services])
                await self._radio.power_on()
            case {"advertise": interval_us, "data": data, "response": response}:
                self._later(self._advertise(interval_us / 1000, data, response))
            case {"notify": handle, "connection": number, "value": value}:
                self._notify(handle, number, bytes.fromhex(value))
            case {"disconnect": number} if number in self._connections:
                self._later(self._connections[number].disconnect())
            case _:
                pass

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _advertise(self, interval_ms: float, data: str, response: str) -> None:
        await self._radio.stop_advertising()
        await self._radio.start_advertising(
            advertising_data=bytes.fromhex(data),
            scan_response_data=bytes.fromhex(response),
            advertising_interval_min=interval_ms,
            advertising_interval_max=interval_ms,
        )
        self.advertising.set()

    def _service(self, uuid: str, rows: list[tuple[str, int, int]]) -> Service:
        return Service(UUID(uuid), [self._characteristic(*row) for row in rows])

    def _characteristic(self, uuid: str, flags: int, handle: int) -> Characteristic[bytes]:
        permissions = Characteristic.Permissions(0)
        if flags & Characteristic.Properties.READ:
            permissions |= Characteristic.READABLE
        if flags & _WRITES:
            permissions |= Characteristic.WRITEABLE
        if flags & _READ_ENCRYPTED:
            permissions |= Characteristic.READ_REQUIRES_ENCRYPTION
        if flags & _WRITE_ENCRYPTED:
            permissions |= Characteristic.WRITE_REQUIRES_ENCRYPTION

        async def read(connection: Connection) -> bytes:
            return bytes.fromhex(await self.ask(READ, connection.handle, handle))

        def write(connection: Connection, value: bytes) -> None:
            self.tell(WRITTEN, connection.handle, handle, bytes(value).hex())

        made = Characteristic(
            UUID(uuid),
            Characteristic.Properties(flags & 0xFF),
            permissions,
            CharacteristicValue(read=read, write=write),
        )
        self._characteristics[handle] = made
        return made

    # The radio.

    def _connected(self, connection: Connection) -> None:
        number = connection.handle
        self._connections[number] = connection
        peer = bytes(connection.peer_address).hex()
        self.tell(CONNECTED, number, 1, peer)

        def disconnected(_: int) -> None:
            self._connections.pop(number, None)
            self.tell(DISCONNECTED, number, 1, peer)

        def encrypted() -> None:
            # In a pairing the stack says so once the keys were handed over.
            if connection.is_encrypted and number not in self._radio.smp_manager.sessions:
                self.tell(ENCRYPTED, number, True, False, True, 16)

        def paired(_: PairingKeys) -> None:
            session = self._radio.smp_manager.sessions.get(number)
            bonded = session is None or session.bonding
            self.tell(ENCRYPTED, number, True, False, bonded, 16)

        connection.on(connection.EVENT_DISCONNECTION, disconnected)
        connection.on(
            connection.EVENT_CONNECTION_ATT_MTU_UPDATE,
            lambda: self.tell(MTU_CHANGED, number, connection.att_mtu),
        )
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, encrypted)
        connection.on(connection.EVENT_PAIRING, paired)

    def _notify(self, handle: int, number: int, value: bytes) -> None:
        connection = self._connections.get(number)
        if connection is None:
            return
        attribute = self._characteristics[handle].handle
        switch = self._radio.gatt_server.subscribers.get(connection, {}).get(attribute)
        if switch is None or not switch[0] & 1:
            return
        self.notified.append((asyncio.get_running_loop().time(), len(value)))
        pdu = att.ATT_Handle_Value_Notification(
            attribute_handle=attribute, attribute_value=value[: connection.att_mtu - 3]
        )
        self._radio.gatt_server.send_gatt_pdu(connection, bytes(pdu))
