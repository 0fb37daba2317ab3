"""Finding one device by the service that it advertises, and by its name or address."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from massager_ctl.errors import DeviceNotFound, SeveralDevices
from massager_ctl.model.text import visible
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble.radio import Radio

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

FIND_S: Final = 5.0
"""Seconds to listen for the device."""

SAME_NAME_S: Final = 1.3
"""Seconds to listen on for another device of that name; the longest usual interval of advertising is 1.28 s."""

_ADDRESS: Final = re.compile(
    r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.I
)


async def find(address: BleAddress, radio: Radio | None, services: list[str] | None) -> BLEDevice:
    """The device that advertises one of these services, or anything, under this name or address.

    A name that several devices have is none of them: raises SeveralDevices. Raises DeviceNotFound if there is none.
    """
    from bleak import BleakScanner

    wanted = address.name
    by_address = _ADDRESS.fullmatch(wanted) is not None
    heard: dict[str, tuple[BLEDevice, AdvertisementData]] = {}
    found = asyncio.Event()

    def detected(device: BLEDevice, advertisement: AdvertisementData) -> None:
        if by_address:
            matches = device.address.upper() == wanted.upper()
        else:
            matches = wanted in (advertisement.local_name, device.name)
        if matches:
            heard[device.address] = (device, advertisement)
            found.set()

    backend: dict[str, Any] = {} if radio is None else {"backend": radio.scanner}
    if services is not None:
        backend["service_uuids"] = services
    async with BleakScanner(detected, **backend):
        try:
            async with asyncio.timeout(FIND_S):
                await found.wait()
        except TimeoutError:
            raise DeviceNotFound(
                f"no massager {'at the address' if by_address else 'named'} {visible(wanted)} found within"
                f" {FIND_S:g} s",
                "Is it switched on and near, and not connected elsewhere? `massager-ctl scan` lists what is there.",
            ) from None
        if not by_address:
            await asyncio.sleep(SAME_NAME_S)
    match list(heard.values()):
        case [(device, _)]:
            return device
        case several:
            several.sort(key=lambda one: (-one[1].rssi, one[0].address))
            raise _several(address, several)


def _several(
    address: BleAddress, heard: list[tuple[BLEDevice, AdvertisementData]]
) -> SeveralDevices:
    """`heard`: the strongest signal first."""
    listed = ", ".join(
        f"{device.address} (signal {advertisement.rssi} dBm)" for device, advertisement in heard
    )
    found = [str(structs.replace(address, name=device.address)) for device, _ in heard]
    return SeveralDevices(
        f"{len(heard)} devices here have the name {visible(address.name)}: {listed}",
        f"Write an address in place of the name, as in `{found[0]}`; the strongest signal is most likely the nearest.",
        tuple(found),
    )
