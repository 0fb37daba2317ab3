"""Bluetooth between processes: a virtual radio's controllers over TCP, and hosts that use one, or a real one."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Final

from bumble import hci
from bumble.keys import JsonKeyStore
from bumble.transport.common import PacketParser
from platformdirs import user_state_path

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.ble.bleak_backend import Central
from firmware_sim.links.ble.host import on_hci, on_radio
from firmware_sim.links.ble.peripheral import ADDRESS, BlePeripheral
from firmware_sim.links.ble.radio import RadioController, VirtualRadio

KEYS: Final = "ble-host.json"
"""In the user's state folder: this user's address on virtual radios, and the keys of the devices it has paired with."""


class RadioServer:
    """Offers controllers of a virtual radio: whoever connects over TCP gets one of its own, as HCI (H4) packets."""

    def __init__(self, radio: VirtualRadio) -> None:
        self._radio = radio
        self._server: asyncio.Server | None = None
        self._guests: set[_Guest] = set()

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; port 0 takes a free one. Returns where. OSError where that is not possible."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._welcome, host, port)
        where = self._server.sockets[0].getsockname()
        return where[0], where[1]

    async def close(self) -> None:
        """Stop listening and send all guests away."""
        if self._server is not None:
            self._server.close()
            for guest in list(self._guests):
                guest.leave()
            await self._server.wait_closed()

    def _welcome(self) -> _Guest:
        return _Guest(self._radio, self._guests)


class _Guest(asyncio.Protocol):
    """A host in another process, with the controller that it was given."""

    def __init__(self, radio: VirtualRadio, guests: set[_Guest]) -> None:
        self._radio = radio
        self._guests = guests
        self._controller: RadioController | None = None
        self._parser = PacketParser()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._guests.add(self)
        self._controller = self._radio.controller("guest")
        self._controller.set_packet_sink(self)
        self._parser.set_packet_sink(self._controller)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_packet(self, packet: bytes) -> None:
        """From the controller to the host."""
        if self._transport is not None:
            self._transport.write(packet)

    def leave(self) -> None:
        """Close the connection from this side."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._guests.discard(self)
        self._transport = None
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.set_packet_sink(None)
            self._radio.remove(controller)


class BleServer:
    """A simulated device on BLE, until it is closed. `where` is the address that a host types after `ble:`."""

    def __init__(
        self, where: str, peripheral: BlePeripheral, air: RadioServer | None = None
    ) -> None:
        self.where = where
        self.peripheral = peripheral
        self._air = air

    async def close(self) -> None:
        """Leave the air."""
        await self.peripheral.close()
        if self._air is not None:
            await self._air.close()


async def serve_ble(device: SimulatedDevice, spec: str, name: str = "Massager") -> BleServer:
    """Put a device on BLE. OSError or ValueError where that is not possible.

    `spec` is `tcp:HOST:PORT` to open a virtual radio for other processes there (port 0 takes a free one), or a real
    controller as bumble names it, such as `usb:0`.
    """
    if spec.startswith("tcp:"):
        host, _, port = spec.removeprefix("tcp:").rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{spec!r} is not tcp:HOST:PORT")
        radio = VirtualRadio()
        air = RadioServer(radio)
        at, number = await air.start(host, int(port))
        peripheral = BlePeripheral(device, on_radio(radio, name, ADDRESS), name)
        await peripheral.start()
        return BleServer(f"{name}?hci=tcp:{at}:{number}", peripheral, air)
    peripheral = BlePeripheral(device, await on_hci(spec, name, ADDRESS), name)
    await peripheral.start()
    return BleServer(name, peripheral)


async def open_central(spec: str) -> Central:
    """A host over a Bluetooth controller, for `ble:NAME?hci=…`. OSError or ValueError where it cannot be reached.

    Its address and its keys are kept in the user's state folder, so that a device has to be paired with once only.
    """
    folder = user_state_path("massager-sim", ensure_exists=True)
    address = _own_address(folder / "ble-address")
    keys = JsonKeyStore(address, str(folder / KEYS))
    return Central(await on_hci(spec, "massager-ctl", address, keys))


def _own_address(file: Path) -> str:
    """This user's static random address, made up once."""
    try:
        return str(hci.Address(file.read_text().strip()))
    except (OSError, ValueError):
        address = hci.Address.generate_static_address().to_string(with_type_qualifier=False)
        file.write_text(address)
        return address
