"""The GATT layout of docs/protocol.md, section 2, written from that page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bumble.core import UUID, AdvertisingData
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

SERVICE: Final = "6d617373-6765-7200-a001-000000000001"
COMMAND: Final = "6d617373-6765-7200-a001-000000000002"
EVENT: Final = "6d617373-6765-7200-a001-000000000003"
STOP: Final = "6d617373-6765-7200-a001-000000000004"
INFO: Final = "6d617373-6765-7200-a001-000000000005"

NAME_FITS: Final = 8
"""Bytes of the name that fit into 31 bytes of advertising beside the flags and the UUID."""

MANUFACTURER: Final = "massager-ctl simulator"
MODEL: Final = "reference neck massager"

_P = Characteristic.Properties
_READ = Characteristic.READABLE
_WRITE = Characteristic.WRITEABLE
_READ_BONDED = _READ | Characteristic.READ_REQUIRES_ENCRYPTION
_WRITE_BONDED = _WRITE | Characteristic.WRITE_REQUIRES_ENCRYPTION

Read = Callable[[Connection], bytes]
Write = Callable[[Connection, bytes], None]


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the server asks the device, and hands to it."""

    command: Write
    stop: Write
    permission: Read
    telemetry: Read
    info: Read
    battery: Read


def make_services(
    on: Callbacks, serial: str, firmware: str
) -> tuple[list[Service], Characteristic[bytes]]:
    """All services, and the event characteristic on which notifications go out."""
    event = Characteristic(
        EVENT, _P.READ | _P.NOTIFY, _READ, CharacteristicValue(read=on.telemetry)
    )
    main = Service(
        SERVICE,
        [
            Characteristic(
                COMMAND,
                _P.READ | _P.WRITE | _P.WRITE_WITHOUT_RESPONSE,
                _READ_BONDED | _WRITE_BONDED,
                CharacteristicValue(read=on.permission, write=on.command),
            ),
            event,
            Characteristic(
                STOP,
                _P.WRITE | _P.WRITE_WITHOUT_RESPONSE,
                _WRITE,
                CharacteristicValue(write=on.stop),
            ),
            Characteristic(INFO, _P.READ, _READ, CharacteristicValue(read=on.info)),
        ],
    )
    battery = Service(
        UUID.from_16_bits(0x180F),
        [
            Characteristic(
                UUID.from_16_bits(0x2A19), _P.READ, _READ, CharacteristicValue(read=on.battery)
            )
        ],
    )
    about = Service(
        UUID.from_16_bits(0x180A),
        [
            Characteristic(UUID.from_16_bits(number), _P.READ, _READ, text.encode())
            for number, text in (
                (0x2A29, MANUFACTURER),
                (0x2A24, MODEL),
                (0x2A25, serial),
                (0x2A26, firmware),
            )
        ],
    )
    return [main, battery, about], event


def advertisement(name: str) -> tuple[bytes, bytes]:
    """Advertising data (31 bytes: flags, the service's UUID, as much of the name as fits), and the scan response."""
    whole = name.encode()[:29]
    kind = (
        AdvertisingData.COMPLETE_LOCAL_NAME
        if len(whole) <= NAME_FITS
        else AdvertisingData.SHORTENED_LOCAL_NAME
    )
    first = AdvertisingData(
        [
            (AdvertisingData.FLAGS, b"\x06"),
            (
                AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                UUID(SERVICE).to_bytes(),
            ),
            (kind, whole[:NAME_FITS]),
        ]
    )
    return bytes(first), bytes(AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, whole)]))
