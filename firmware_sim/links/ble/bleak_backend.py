"""A back end for bleak over a bumble host: the real BLE code, through a whole Bluetooth stack, without a radio."""

# bumble's own types are incomplete here and there.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final, TypeVar

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import core, hci
from bumble.att import ATT_Error
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy

from firmware_sim.links.ble.host import LocalHost

_T = TypeVar("_T")

MTU: Final = 247
"""What this host offers; the device needs 64."""

_PROPERTIES: Final = (
    (Characteristic.Properties.READ, "read"),
    (Characteristic.Properties.WRITE_WITHOUT_RESPONSE, "write-without-response"),
    (Characteristic.Properties.WRITE, "write"),
    (Characteristic.Properties.NOTIFY, "notify"),
    (Characteristic.Properties.INDICATE, "indicate"),
)


class Central:
    """A host that scans and connects, shared by the bleak objects of one process. Powered on when first needed."""

    def __init__(self, host: LocalHost, mtu: int = MTU) -> None:
        self.host = host
        self.mtu = mtu
        self._powered: asyncio.Task[None] | None = None
        self._scanners: set[BumbleScanner] = set()
        self._connecting = asyncio.Lock()
        host.device.on(host.device.EVENT_ADVERTISEMENT, self._heard)
        # bleak takes its back ends as classes, so each central brings classes of its own.
        self.client = type("BumbleClientOfThisCentral", (BumbleClient,), {"central": self})
        self.scanner = type("BumbleScannerOfThisCentral", (BumbleScanner,), {"central": self})

    async def ready(self) -> None:
        """Power on once; whoever comes meanwhile waits for the same."""
        if self._powered is None:
            self._powered = asyncio.ensure_future(self.host.device.power_on())
        await asyncio.shield(self._powered)

    async def close(self) -> None:
        """Drop every connection and give the controller back."""
        await self.host.close()

    async def scan(self, scanner: BumbleScanner) -> None:
        """Tell this scanner what is heard from now on."""
        await self.ready()
        first = not self._scanners
        self._scanners.add(scanner)
        if first:
            await self.host.device.start_scanning(filter_duplicates=False)

    async def end_scan(self, scanner: BumbleScanner) -> None:
        """This scanner has heard enough."""
        self._scanners.discard(scanner)
        if not self._scanners and self.host.device.is_scanning:
            await self.host.device.stop_scanning()

    async def connect(self, peer: hci.Address, seconds: float) -> Connection:
        """Connect to a device that advertises. BleakDeviceNotFoundError after `seconds`."""
        address = peer.to_string(with_type_qualifier=False)
        await self.ready()
        try:
            # A controller makes one connection at a time.
            async with asyncio.timeout(seconds), self._connecting:
                return await self.host.device.connect_le(peer, timeout=seconds)
        except (TimeoutError, core.TimeoutError) as error:
            raise BleakDeviceNotFoundError(
                address, f"{address} did not answer within {seconds:g} s"
            ) from error
        except core.BaseBumbleError as error:
            raise BleakError(f"cannot connect to {address}: {error}") from error

    def _heard(self, advertisement: Advertisement) -> None:
        for scanner in tuple(self._scanners):
            scanner.heard(advertisement)


class BumbleScanner(BaseBleakScanner):
    """Scans on the central that its subclass names."""

    central: ClassVar[Central]

    def __init__(
        self,
        detection_callback: Any = None,
        service_uuids: list[str] | None = None,
        scanning_mode: str = "active",  # noqa: ARG002
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        await self.central.scan(self)

    async def stop(self) -> None:
        await self.central.end_scan(self)

    def heard(self, advertisement: Advertisement) -> None:
        data = advertisement.data
        address = advertisement.address.to_string(with_type_qualifier=False)
        name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or data.get(
            AdvertisingData.SHORTENED_LOCAL_NAME
        )
        uuids = [
            str(uuid).lower()
            for kind in (
                AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
            )
            for uuid in (data.get(kind) or [])
        ]
        known = self.seen_devices.get(address)
        found = AdvertisementData(
            local_name=name or (known[1].local_name if known else None),
            manufacturer_data={},
            service_data={},
            service_uuids=uuids or (known[1].service_uuids if known else []),
            tx_power=None,
            rssi=advertisement.rssi,
            platform_data=(advertisement,),
        )
        if self.is_allowed_uuid(found.service_uuids):
            device = self.create_or_update_device(
                address, address, found.local_name, advertisement, found
            )
            self.call_detection_callbacks(device, found)


class BumbleClient(BaseBleakClient):
    """Connects through the central that its subclass names."""

    central: ClassVar[Central]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 10.0,
        **_: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        self._name: str | None = None
        # A scan tells a public address from a random one; from text alone it is taken for random.
        self._peer = hci.Address(self.address)
        if isinstance(address_or_ble_device, BLEDevice):
            self._name = address_or_ble_device.name
            if isinstance(address_or_ble_device.details, Advertisement):
                self._peer = address_or_ble_device.details.address
        self._connection: Connection | None = None
        self._notifying: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return 23 if self._connection is None else self._connection.att_mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        if self._connection is not None:
            raise BleakError("Client is already connected")
        connection = await self.central.connect(self._peer, self._timeout)
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)
        try:
            async with asyncio.timeout(self._timeout):
                if pair:
                    await self.pair()
                await self._discover(connection)
        except BaseException:
            await self.disconnect()
            raise

    async def _discover(self, connection: Connection) -> None:
        peer = Peer(connection)
        if self.central.mtu > self.mtu_size:
            await self._ask(peer.request_mtu(self.central.mtu))
        services = BleakGATTServiceCollection()
        for service in await self._ask(peer.discover_services()):
            ours = BleakGATTService(service, service.handle, _uuid(service.uuid))
            services.add_service(ours)
            for found in await self._ask(service.discover_characteristics()):
                flags = [name for flag, name in _PROPERTIES if found.properties & flag]
                characteristic = BleakGATTCharacteristic(
                    found,
                    found.handle,
                    _uuid(found.uuid),
                    flags,  # pyright: ignore[reportArgumentType]
                    lambda: self.mtu_size - 3,
                    ours,
                )
                services.add_characteristic(characteristic)
        self.services = services

    async def disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # bleak tells only of disconnections that no one asked for.
        connection.remove_listener(connection.EVENT_DISCONNECTION, self._disconnected)
        self._forget()
        if connection.handle in self.central.host.device.connections:
            try:
                await connection.disconnect()
            except core.BaseBumbleError:
                pass  # It went down at the same moment.

    async def pair(self, *_: Any, **__: Any) -> None:
        connection = self._require()
        if connection.is_encrypted:
            return
        keys = self.central.host.device.keystore
        assert keys is not None
        if await keys.get(str(connection.peer_address)) is not None:
            try:
                await self._ask(connection.encrypt())
            except BleakError:
                # The device has forgotten us: pair again.
                await keys.delete(str(connection.peer_address))
            else:
                return
        await self._ask(connection.pair())

    async def unpair(self) -> None:
        keys = self.central.host.device.keystore
        if keys is not None:
            await keys.delete(str(self._peer))
        await self.disconnect()

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002
        **_: Any,
    ) -> bytearray:
        self._require()
        return bytearray(await self._ask(characteristic.obj.read_value()))

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002
        **_: Any,
    ) -> bytearray:
        connection = self._require()
        return bytearray(await self._ask(connection.gatt_client.read_value(descriptor.handle)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        connection = self._require()
        client = connection.gatt_client
        await self._ask(
            client.write_value(characteristic.handle, bytes(data), with_response=response)
        )
        if not response:
            # Like a system's stack, take the next one only when the controller has room.
            await connection.drain()
            self._require()

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        client = self._require().gatt_client
        await self._ask(client.write_value(descriptor.handle, bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any
    ) -> None:
        self._require()

        def heard(value: bytes) -> None:
            callback(bytearray(value))

        proxy: CharacteristicProxy[bytes] = characteristic.obj
        await self._ask(proxy.subscribe(heard))
        self._notifying[characteristic.handle] = heard

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self._require()
        heard = self._notifying.pop(characteristic.handle, None)
        if heard is not None:
            await self._ask(characteristic.obj.unsubscribe(heard))

    def _require(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    def _disconnected(self, _: int) -> None:
        self._connection = None
        self._forget()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    def _forget(self) -> None:
        self.services = None
        self._notifying.clear()

    async def _ask(self, request: Coroutine[Any, Any, _T]) -> _T:
        """Wait for an answer. bumble cancels a request whose connection goes down; here that is an error."""
        task = asyncio.ensure_future(request)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled():
            raise BleakError("Disconnected while waiting for an answer")
        error = task.exception()
        match error:
            case None:
                return task.result()
            case ATT_Error():
                raise BleakGATTProtocolError(int(error.error_code)) from error
            case core.BaseBumbleError() | TimeoutError() | asyncio.InvalidStateError():
                raise BleakError(f"{type(error).__name__}: {error}") from error
            case _:
                raise error


def _uuid(uuid: core.UUID) -> str:
    """As bleak writes it: always in full."""
    if len(uuid.uuid_bytes) == 16:
        return str(uuid).lower()
    return f"0000{uuid.to_hex_str().lower()}-0000-1000-8000-00805f9b34fb"
