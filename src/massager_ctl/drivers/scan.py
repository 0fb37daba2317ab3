"""Which of the things that a scan has found a driver of another make takes for its own."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from msgspec import structs

from massager_ctl.drivers.described.uuids import full_uuid, standard
from massager_ctl.drivers.dialect import DriverSpec
from massager_ctl.drivers.factory import plain_driver
from massager_ctl.drivers.registry import installed
from massager_ctl.errors import MassagerError
from massager_ctl.model.device import Telemetry
from massager_ctl.transports.address import DialectAddress, SerialAddress, parse_address
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.found import Found


async def claimed(
    devices: Sequence[Found],
    specs: Sequence[DriverSpec] | None = None,
    *,
    ask: DriverSpec | None = None,
) -> tuple[Found, ...]:
    """The same things, those that a driver knows with its address. `specs`: of the installed drivers unless given.

    On Bluetooth by name and service. Nothing is asked of a serial port that says nothing of ours, as anything may be
    behind it; `ask` is a driver that a person named, whose question is put to each port that was opened.
    """
    if specs is None:
        specs = [one.spec for one in installed() if one.spec is not None]
    return tuple([await _claimed(found, specs, ask) for found in devices])


async def _claimed(found: Found, specs: Sequence[DriverSpec], ask: DriverSpec | None) -> Found:
    if found.supported:
        return found
    for spec in specs:
        if found.kind == "ble" and advertises(found, spec):
            return structs.replace(
                found, address=f"{spec.scheme}:{found.address}", supported=True, note=spec.title
            )
    if ask is not None and _may_ask(found, ask):
        return await _answers(found, ask) or found
    return found


def advertises(found: Found, spec: DriverSpec) -> bool:
    """Whether its name and its service are those of the driver; a service that many devices share is not enough."""
    if LinkKind.BLE not in spec.links:
        return False
    if spec.find.name:
        return fnmatchcase(found.name, spec.find.name)
    wanted = full_uuid(spec.find.service)
    if wanted is None or standard(wanted):
        return False
    return wanted in [service.lower() for service in found.services]


def _may_ask(found: Found, spec: DriverSpec) -> bool:
    opened = found.note.startswith("silent")
    return found.kind == "serial" and opened and spec.find.answers and LinkKind.SERIAL in spec.links


async def _answers(found: Found, spec: DriverSpec) -> Found | None:
    link = parse_address(found.address)
    assert isinstance(link, SerialAddress)
    address = DialectAddress(spec.scheme, link)
    driver = plain_driver(spec, address, None)
    try:
        info = await driver.open(_Nobody())
    except MassagerError:
        return None
    await driver.close()
    return structs.replace(
        found, address=str(address), supported=True, firmware=info.firmware, note=spec.title
    )


class _Nobody:
    """Hears nothing."""

    def telemetry_received(self, telemetry: Telemetry) -> None:
        pass

    def driver_lost(self, error: MassagerError) -> None:
        pass
