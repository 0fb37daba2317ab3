"""Finding one device by the service that it advertises, and by its name or address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from massager_ctl.errors import DeviceNotFound
from massager_ctl.transports.ble.layout import SERVICE
from massager_ctl.transports.ble.radio import Radio

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

FIND_S: Final = 5.0
"""Seconds to listen for the device."""

_ADDRESS: Final = re.compile(
    r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.I
)


async def find(wanted: str, radio: Radio | None) -> BLEDevice:
    """The device that advertises our service under this name or address. Raises DeviceNotFound."""
    from bleak import BleakScanner

    by_address = _ADDRESS.fullmatch(wanted) is not None

    def matches(device: BLEDevice, advertisement: AdvertisementData) -> bool:
        if by_address:
            return device.address.upper() == wanted.upper()
        return wanted in (advertisement.local_name, device.name)

    backend: dict[str, Any] = {} if radio is None else {"backend": radio.scanner}
    device = await BleakScanner.find_device_by_filter(
        matches, timeout=FIND_S, service_uuids=[SERVICE], **backend
    )
    if device is None:
        raise DeviceNotFound(
            f"no massager {'at the address' if by_address else 'of the name'} {wanted} was heard in {FIND_S:g} s",
            "Is it switched on and near, and not connected elsewhere? `massager-ctl scan` lists what is there.",
        )
    return device
