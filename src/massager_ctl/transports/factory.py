"""Makes the transport for an address; each kind is imported only when it is needed."""

from __future__ import annotations

from pathlib import Path

from massager_ctl.errors import AddressError
from massager_ctl.transports.address import (
    Address,
    AutoAddress,
    BleAddress,
    DialectAddress,
    SerialAddress,
    SimAddress,
    TcpAddress,
    parse_address,
)
from massager_ctl.transports.base import Transport
from massager_ctl.transports.gatt import Gatt


def make_transport(
    address: Address | str,
    *,
    trace: Path | None = None,
    profile: str | None = None,
    seed: int = 0,
    baud: int | None = None,
    gatt: Gatt | None = None,
) -> Transport:
    """The transport for an address, not opened yet. Raises AddressError.

    `baud` and `gatt`: of a device of another make, whose driver knows them.

    `trace`, `profile` (the name for the trace's header) and `seed` are for the embedded simulator alone.
    `auto` has to be resolved first: `await scan.resolve(address)`.
    """
    if isinstance(address, str):
        address = parse_address(address)
    match address:
        case SimAddress(options=options):
            from massager_ctl.transports.in_process import SimTransport

            return SimTransport(options, trace=trace, profile=profile, seed=seed)
        case SerialAddress(port=port) if port.startswith("socket://"):
            from massager_ctl.transports.tcp import make_socket_serial

            return make_socket_serial(port)
        case SerialAddress(port=port, boot_s=boot_s, dtr=dtr):
            from massager_ctl.transports.serial import make_serial

            return make_serial(port, boot_s=boot_s, dtr=dtr, baud=baud)
        case TcpAddress(host=host, port=port):
            from massager_ctl.transports.tcp import TcpTransport

            return TcpTransport(host, port)
        case BleAddress():
            from massager_ctl.transports.ble import make_ble

            return make_ble(address, gatt)
        case DialectAddress(link=link):
            return make_transport(link, baud=baud, gatt=gatt)
        case AutoAddress():
            raise AddressError(
                "`auto` stands for a device that has to be found first",
                "Name the device, or scan for it before.",
            )
