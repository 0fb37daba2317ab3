"""A Bluetooth host (bumble's) over any controller: a virtual radio, HCI over TCP, or a USB dongle."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from bumble import hci
from bumble.device import Connection, Device
from bumble.host import Host
from bumble.keys import KeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from bumble.transport.common import Transport

from firmware_sim.links.ble.radio import RadioController, VirtualRadio

# bumble warns of what is meant to happen here: refused pairing, writes without a bond, links that drop.
_LOG: Final = logging.getLogger("bumble")
if _LOG.level == logging.NOTSET:
    _LOG.setLevel(logging.CRITICAL)


class LocalHost:
    """One host and what it stands on. `close` gives all of it back."""

    def __init__(self, device: Device, release: Callable[[], object]) -> None:
        self.device = device
        self._release = release
        self.transport: Transport | None = None

    async def close(self) -> None:
        """Close every connection, then the controller."""
        for connection in list(self.device.connections.values()):
            try:
                await connection.disconnect()
            except hci.HCI_Error:
                pass  # It went down at the same moment.
        self._release()
        transport, self.transport = self.transport, None
        if transport is not None:
            await transport.close()


def on_radio(
    radio: VirtualRadio, name: str, address: str, keys: KeyStore | None = None
) -> LocalHost:
    """A host with its own controller on a virtual radio; not powered on yet."""
    controller = radio.controller(name)
    host = Host()
    host.set_packet_sink(controller)
    controller.set_packet_sink(host)
    return LocalHost(_device(name, address, keys, host), lambda: _leave(radio, controller))


def _leave(radio: VirtualRadio, controller: RadioController) -> None:
    radio.remove(controller)
    controller.set_packet_sink(None)


async def on_hci(spec: str, name: str, address: str, keys: KeyStore | None = None) -> LocalHost:
    """A host over a controller elsewhere; not powered on yet. OSError or ValueError where it cannot be reached.

    `spec` is `tcp:HOST:PORT` for a virtual radio in another process, or whatever bumble can open, such as `usb:0`.
    """
    where = f"tcp-client:{spec.removeprefix('tcp:')}" if spec.startswith("tcp:") else spec
    transport = await open_transport(where)
    host = LocalHost(
        _device(name, address, keys, Host(transport.source, transport.sink)), lambda: None
    )
    host.transport = transport
    return host


def _device(name: str, address: str, keys: KeyStore | None, host: Host) -> Device:
    device = Device(name=name, address=hci.Address(address), host=host)
    device.keystore = keys if keys is not None else MemoryKeyStore()
    # Neither side has a display, so pairing is "just works"; the device's button is what guards it (R17).
    device.pairing_config_factory = _just_works
    return device


def _just_works(_: Connection) -> PairingConfig:
    return PairingConfig(sc=True, mitm=False, bonding=True, delegate=PairingDelegate())
