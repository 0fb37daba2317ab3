"""The simulated device as a GATT peripheral: each connection is one link to the firmware.

Rule R17: a link may command only while it is encrypted and bonded, and pairing is open only after the button was held.
"""

from __future__ import annotations

# bumble's own types are incomplete here and there.
# pyright: reportUnknownMemberType=false
import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from bumble import att, l2cap
from bumble.core import BaseBumbleError
from bumble.device import Connection
from bumble.keys import PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_sim import wire
from firmware_sim.device import SimLink, SimulatedDevice
from firmware_sim.links.ble import gatt
from firmware_sim.links.ble.host import LocalHost

ADDRESS: Final = "F0:F1:F2:F3:F4:F5"
"""The device's own static address on a virtual radio."""

IDLE_ADVERTISING_MS: Final = 50.0
BUSY_ADVERTISING_MS: Final = 500.0
"""Advertising intervals: short for whoever looks for the device, longer while a host drives it."""

INTERVAL_MS: Final = (15.0, 30.0)
LATENCY: Final = 0
SUPERVISION_MS: Final = 3000.0
"""What the device asks of the link (docs/protocol.md 2)."""

CLOSE_S: Final = 1.0
"""Seconds that closing gives to what is under way."""

KEEP_READ_S: Final = 0.2
"""How long a long read of TELEMETRY reads the same one (docs/protocol.md 2)."""

PAIRING_OPEN: Final = 1 << 4
"""Bit of TELEMETRY's flags."""

MAINS: Final = 255


class BlePeripheral:
    """Advertises, and serves any number of hosts at the same time. `start` it, and `close` it at the end."""

    def __init__(self, device: SimulatedDevice, host: LocalHost, name: str = "Massager") -> None:
        self._device = device
        self._host = host
        self._radio = host.device
        self.name = name
        self._links: dict[Connection, _Link] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._advertising = asyncio.Lock()
        self._closed = False
        config = device.firmware.config
        services, self._event = gatt.make_services(
            gatt.Callbacks(
                command=self._write,
                stop=self._write,
                permission=self._permission,
                telemetry=self._read_telemetry,
                info=self._info,
                battery=lambda _: self._battery(),
            ),
            config.serial,
            ".".join(map(str, config.firmware)),
        )
        self._radio.add_services(services)
        self._radio.pairing_config_factory = self._pairing
        self._radio.on(self._radio.EVENT_CONNECTION, self._connected)

    @property
    def address(self) -> str:
        """The Bluetooth address that is advertised."""
        return self._radio.random_address.to_string(with_type_qualifier=False)

    @property
    def hosts(self) -> int:
        """How many hosts are connected."""
        return len(self._links)

    async def start(self) -> None:
        """Power the controller on and advertise."""
        await self._radio.power_on()
        await self._advertise()

    async def close(self) -> None:
        """Leave the air."""
        self._closed = True
        # Let what is under way come to its end: half a change of the advertising cannot be undone.
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
        for task in list(self._tasks):
            task.cancel()
        async with self._advertising:
            await self._radio.stop_advertising()
        await self._host.close()

    async def _advertise(self) -> None:
        data, response = gatt.advertisement(self.name)
        interval = IDLE_ADVERTISING_MS if not self._links else BUSY_ADVERTISING_MS
        async with self._advertising:
            await self._radio.start_advertising(
                advertising_data=data,
                scan_response_data=response,
                advertising_interval_min=interval,
                advertising_interval_max=interval,
            )

    # Connections.

    def _connected(self, connection: Connection) -> None:
        link = _Link(self, connection)
        self._links[connection] = link
        link.sim = self._device.open_link(
            "ble", link.to_host, link.lost, mtu=connection.att_mtu, bonded=False
        )
        connection.on(connection.EVENT_DISCONNECTION, link.disconnected)
        connection.on(connection.EVENT_CONNECTION_ATT_MTU_UPDATE, link.changed)
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, link.encrypted)
        connection.on(connection.EVENT_PAIRING, link.paired)
        self._ask_for_parameters(connection)
        # Advertising ends with a connection; a second host must still be able to stop the device.
        self._later(self._advertise())

    def forget(self, connection: Connection) -> None:
        """A connection is down."""
        link = self._links.pop(connection, None)
        if link is not None and link.sim is not None:
            link.sim.close()
        if not self._links:
            self._later(self._advertise())

    def _ask_for_parameters(self, connection: Connection) -> None:
        low, high = INTERVAL_MS
        manager = self._radio.l2cap_channel_manager
        if manager.connection_parameters_update_response is None:
            manager.connection_parameters_update_response = (
                asyncio.get_running_loop().create_future()
            )
        manager.send_control_frame(
            connection,
            l2cap.L2CAP_LE_SIGNALING_CID,
            l2cap.L2CAP_Connection_Parameter_Update_Request(
                identifier=manager.next_identifier(connection),
                interval_min=int(low / 1.25),
                interval_max=int(high / 1.25),
                latency=LATENCY,
                timeout=int(SUPERVISION_MS / 10),
            ),
        )

    def _pairing(self, _: Connection) -> PairingConfig:
        return PairingConfig(sc=True, mitm=False, bonding=True, delegate=_Door(self))

    @property
    def pairing_open(self) -> bool:
        """Whether the button was held and the minute is not over."""
        return bool(self._telemetry().flags & PAIRING_OPEN)

    def hang_up(self, connection: Connection) -> None:
        """Drop a connection from this side."""
        if connection.handle in self._radio.connections:
            self._later(connection.disconnect())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                await work
            except BaseBumbleError:
                pass  # The connection went down meanwhile.

        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What the characteristics read and write.

    def _write(self, connection: Connection, body: bytes) -> None:
        link = self._links.get(connection)
        if link is not None and link.sim is not None:
            link.sim.write(bytes(body))

    def _permission(self, connection: Connection) -> bytes:
        link = self._links.get(connection)
        return b"\x01" if link is not None and link.bonded else b"\x00"

    def _info(self, connection: Connection) -> bytes:
        link = self._links[connection]
        assert link.sim is not None
        return self._device.firmware.read_info(link.sim.link, self._device.loop.time())

    def _read_telemetry(self, connection: Connection) -> bytes:
        # The parts of a long read must be parts of one and the same body.
        link, now = self._links[connection], self._device.loop.time()
        if now - link.read_at > KEEP_READ_S:
            link.read_at, link.read_body = now, self._telemetry_body()
        return link.read_body

    def _telemetry_body(self) -> bytes:
        return self._device.firmware.read_telemetry(self._device.loop.time())

    def _telemetry(self) -> wire.Telemetry:
        message = wire.parse(self._telemetry_body())
        assert isinstance(message, wire.Telemetry)
        return message

    def _battery(self) -> bytes:
        percent = self._telemetry().battery
        return bytes((100 if percent == MAINS else percent,))

    def notify(self, connection: Connection, body: bytes) -> None:
        """Send a body to a host that has subscribed."""
        server = self._radio.gatt_server
        switch = server.subscribers.get(connection, {}).get(self._event.handle)
        if switch is None or not switch[0] & 1:
            return
        if connection.handle in self._radio.connections:
            notification = att.ATT_Handle_Value_Notification(
                attribute_handle=self._event.handle,
                attribute_value=body[: connection.att_mtu - 3],
            )
            server.send_gatt_pdu(connection, bytes(notification))

    def update(self, link: _Link) -> None:
        """The rights of a link have changed."""
        if link.sim is not None and not link.sim.closed:
            self._device.update_link(link.sim, bonded=link.bonded, mtu=link.connection.att_mtu)

    def paired(self, link: _Link, keys: PairingKeys) -> None:
        """Pairing is done: it is a bond only if both sides asked for one, and then the keys are kept (R17)."""
        session = self._radio.smp_manager.sessions.get(link.connection.handle)
        if session is not None and session.bonding:
            link.bonded = link.connection.is_encrypted and keys.ltk is not None
        else:
            link.unkept = True
            link.bonded = False
            self._later(self._forget_keys(str(link.connection.peer_address)))
        self.update(link)

    async def _forget_keys(self, peer: str) -> None:
        keystore = self._radio.keystore
        assert keystore is not None
        if await keystore.get(peer) is not None:
            await keystore.delete(peer)

    def look_up(self, link: _Link) -> None:
        """The link is encrypted: it is bonded too if keys for the peer are kept."""
        self._later(self._look_up(link))

    async def _look_up(self, link: _Link) -> None:
        keys = self._radio.keystore
        assert keys is not None
        known = await keys.get(str(link.connection.peer_address)) is not None
        link.bonded = known and link.connection.is_encrypted and not link.unkept
        self.update(link)


class _Link:
    """One connection with its link to the firmware."""

    def __init__(self, peripheral: BlePeripheral, connection: Connection) -> None:
        self._peripheral = peripheral
        self.connection = connection
        self.sim: SimLink | None = None
        self.bonded = False
        self.unkept = False
        """It paired in this connection, and its keys were not kept."""
        self.read_at = float("-inf")
        self.read_body = b""

    def to_host(self, body: bytes) -> None:
        self._peripheral.notify(self.connection, body)

    def lost(self, _: str) -> None:
        """The device was unplugged or switched off."""
        self._peripheral.hang_up(self.connection)

    def disconnected(self, _: int) -> None:
        self._peripheral.forget(self.connection)

    def changed(self) -> None:
        self._peripheral.update(self)

    def encrypted(self) -> None:
        self._peripheral.look_up(self)

    def paired(self, keys: PairingKeys) -> None:
        self._peripheral.paired(self, keys)


class _Door(PairingDelegate):
    """Lets a host pair only while the person holds the door open (R17)."""

    def __init__(self, peripheral: BlePeripheral) -> None:
        super().__init__()
        self._peripheral = peripheral

    async def accept(self) -> bool:
        return self._peripheral.pairing_open
