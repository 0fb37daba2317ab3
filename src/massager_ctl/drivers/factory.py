"""From a device address to the driver that speaks to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import AddressError
from massager_ctl.transports.address import (
    Address,
    BleAddress,
    DialectAddress,
    SerialAddress,
    TcpAddress,
    parse_address,
)
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.wire_log import tapped

if TYPE_CHECKING:
    from massager_ctl.drivers.dialect import DriverSpec
    from massager_ctl.drivers.plain import PlainDriver

_KINDS = {SerialAddress: LinkKind.SERIAL, TcpAddress: LinkKind.TCP, BleAddress: LinkKind.BLE}


def make_driver(
    address: Address | str,
    *,
    trace: Path | None = None,
    profile: str | None = None,
    seed: int = 0,
    guard: tuple[str, str] | None = None,
) -> ReferenceDriver | PlainDriver:
    """The driver for a device, not opened yet. Raises AddressError, DriverFault.

    `trace`, `profile` and `seed` go to the embedded simulator, see `make_transport`. `guard`: the files of the lock and
    of the guardian, for a device of another make that is to have one.
    """
    if isinstance(address, str):
        address = parse_address(address)
    if isinstance(address, DialectAddress):
        return _plain(address, guard)
    return ReferenceDriver(tapped(make_transport(address, trace=trace, profile=profile, seed=seed)))


def _plain(address: DialectAddress, guard: tuple[str, str] | None) -> PlainDriver:
    from massager_ctl.drivers.registry import spec_for

    return plain_driver(spec_for(address.scheme), address, guard)


def plain_driver(
    spec: DriverSpec, address: DialectAddress, guard: tuple[str, str] | None
) -> PlainDriver:
    """The driver of that spec at that address. Raises AddressError."""
    from massager_ctl.drivers.plain import PlainDriver
    from massager_ctl.drivers.registry import links_of
    from massager_ctl.transports.guarded import guarded

    if _KINDS[type(address.link)] not in spec.links:
        raise AddressError(
            f"{address}: the driver '{spec.scheme}' does not work over that link",
            f"It works over {links_of(spec)}.",
        )
    transport = make_transport(address, baud=spec.baud, gatt=spec.gatt)
    if guard is not None:
        lock, held = guard
        transport = guarded(transport, lock=lock, held=held) or transport
    return PlainDriver(transport, spec)
