"""BLE passes the checks that every transport passes, through bleak and a whole Bluetooth stack on a virtual radio."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from bumble import att
from bumble.device import Connection

from firmware_sim.links.ble import gatt
from firmware_sim.links.ble.bleak_backend import Central
from firmware_sim.links.ble.host import LocalHost, on_radio
from firmware_sim.links.ble.lab import HOST_ADDRESS, SharedRadio
from firmware_sim.links.ble.peripheral import ADDRESS
from firmware_sim.links.ble.radio import AirQuality, VirtualRadio
from massager_ctl.testing.transports import CHECKS, Check, Rig, until
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport


class BleEnd:
    """A peripheral with the real layout that keeps what is written and says what it is told to."""

    def __init__(self, host: LocalHost, radio: VirtualRadio) -> None:
        self.host = host
        self.radio = radio
        self.written = bytearray()
        self._connection: Connection | None = None
        services, self._event = gatt.make_services(
            gatt.Callbacks(
                command=self._take,
                stop=self._take,
                permission=lambda _: b"\x01",
                telemetry=lambda _: b"",
                info=lambda _: b"",
                battery=lambda _: b"\x50",
            ),
            "SIM",
            "1.0.0",
        )
        host.device.add_services(services)
        host.device.on(host.device.EVENT_CONNECTION, self._connected)

    def _take(self, _: Connection, body: bytes) -> None:
        self.written += body

    def _connected(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)

    def _disconnected(self, _: int) -> None:
        self._connection = None

    async def advertise(self) -> None:
        data, response = gatt.advertisement("Massager")
        await self.host.device.start_advertising(
            auto_restart=True,
            advertising_data=data,
            scan_response_data=response,
            advertising_interval_min=30.0,
            advertising_interval_max=30.0,
        )

    async def accept(self) -> None:
        await until(lambda: self._connection is not None, "the host is connected")
        self.written.clear()

    async def receive(self, count: int) -> bytes:
        await until(lambda: len(self.written) >= count, f"{count} bytes arrive")
        taken = bytes(self.written[:count])
        del self.written[:count]
        return taken

    async def send(self, data: bytes) -> None:
        connection = self._connection
        assert connection is not None
        notification = att.ATT_Handle_Value_Notification(
            attribute_handle=self._event.handle, attribute_value=data
        )
        self.host.device.gatt_server.send_gatt_pdu(connection, bytes(notification))

    async def pause(self) -> None:
        self.radio.silence()

    async def resume(self) -> None:
        self.radio.clear()

    async def hang_up(self) -> None:
        self.radio.drop()


@asynccontextmanager
async def ble_rig() -> AsyncGenerator[Rig]:
    radio = VirtualRadio(AirQuality(supervision_s=30.0))
    far = BleEnd(on_radio(radio, "Massager", ADDRESS), radio)
    await far.host.device.power_on()
    await far.advertise()
    central = Central(on_radio(radio, "host", HOST_ADDRESS))

    async def open_radio() -> SharedRadio:
        return SharedRadio(central)

    transport = BleTransport(BleAddress("Massager"), open_radio)
    yield Rig(transport, far)
    radio.clear()
    await transport.close()
    await central.close()
    await far.host.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.asyncio
async def test_ble(check: Check) -> None:
    async with ble_rig() as rig:
        await check(rig)
