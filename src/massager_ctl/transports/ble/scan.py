"""Lists what advertises on Bluetooth, with battery and firmware of the devices that speak our protocol."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from massager_ctl.errors import LinkError
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble.errors import border, no_bleak
from massager_ctl.transports.ble.layout import BATTERY_LEVEL, FIRMWARE_REVISION, SERVICE
from massager_ctl.transports.ble.radio import OpenRadio, Radio
from massager_ctl.transports.found import Found

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

READ_S: Final = 6.0
"""Seconds that connecting to one device and reading its battery and firmware may take."""


async def scan_ble(
    seconds: float, hci: str = "", open_radio: OpenRadio | None = None
) -> list[Found]:
    """Everything with a name or our service that advertises. Raises LinkError if Bluetooth cannot be used."""
    try:
        from bleak import BleakScanner
    except ImportError as error:
        raise no_bleak(error) from error

    radio = None if open_radio is None else await open_radio()
    heard: dict[str, tuple[BLEDevice, AdvertisementData]] = {}

    def detected(device: BLEDevice, advertisement: AdvertisementData) -> None:
        heard[device.address] = (device, advertisement)

    backend: dict[str, Any] = {} if radio is None else {"backend": radio.scanner}
    try:
        with border("Bluetooth"):
            async with BleakScanner(detected, **backend):
                await asyncio.sleep(seconds)
        return [
            await _ble_device(device, advertisement, hci, radio)
            for device, advertisement in heard.values()
            if advertisement.local_name or SERVICE in advertisement.service_uuids
        ]
    finally:
        if radio is not None:
            await radio.close()


async def _ble_device(
    device: BLEDevice, advertisement: AdvertisementData, hci: str, radio: Radio | None
) -> Found:
    supported = SERVICE in advertisement.service_uuids
    battery: int | None = None
    firmware: str | None = None
    note = "" if supported else "another kind of device"
    if supported:
        try:
            with border(device.address):
                async with asyncio.timeout(READ_S):
                    battery, firmware = await _read_details(device, radio)
        except LinkError as error:
            note = error.message
    return Found(
        str(BleAddress(device.address, hci)),
        "ble",
        advertisement.local_name or device.name or "",
        supported,
        advertisement.rssi,
        battery,
        firmware,
        note,
        services=() if supported else tuple(advertisement.service_uuids),
    )


async def _read_details(device: BLEDevice, radio: Radio | None) -> tuple[int | None, str | None]:
    from bleak import BleakClient

    backend: dict[str, Any] = {} if radio is None else {"backend": radio.client}
    async with BleakClient(device, timeout=READ_S, **backend) as client:
        level = client.services.get_characteristic(BATTERY_LEVEL)
        revision = client.services.get_characteristic(FIRMWARE_REVISION)
        battery = b"" if level is None else await client.read_gatt_char(level)
        firmware = None if revision is None else await client.read_gatt_char(revision)
    # Whatever a neighbour answers: one that answers nonsense must not end the scan.
    return (
        battery[0] if battery else None,
        None if firmware is None else firmware.decode(errors="replace"),
    )
