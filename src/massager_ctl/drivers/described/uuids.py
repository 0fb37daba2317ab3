"""Bluetooth identifiers: their long form, and those that a description may not rest on or write to."""

from __future__ import annotations

import re
from typing import Final

_BASE: Final = "-0000-1000-8000-00805f9b34fb"
_SHORT: Final = re.compile(r"(0x)?([0-9a-fA-F]{4}|[0-9a-fA-F]{8})")
_LONG: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

FIRMWARE_UPDATE: Final[dict[str, str]] = {
    "00001530-1212-efde-1523-785feabcd123": "Nordic firmware update",
    "8e400001-f315-4f60-9fb8-838830daea50": "Nordic firmware update",
    "0000fe59" + _BASE: "Nordic firmware update",
    "f000ffc0-0451-4000-b000-000000000000": "Texas Instruments firmware update",
    "1d14d6ee-fd63-4fa1-bfa4-8f47b42119f0": "Silicon Labs firmware update",
    "00010203-0405-0607-0809-0a0b0c0d1912": "Telink firmware update",
    "0000fef5" + _BASE: "Dialog firmware update",
    "00001016-d102-11e1-9b23-00025b00a5a5": "Qualcomm firmware update",
    "0000d0ff-3c17-d293-8e48-14fe2e4da212": "Realtek firmware update",
    "8d53dc1d-1db7-4cd3-868b-8a527460aa84": "SMP firmware update",
}
"""Services that replace a device's firmware: nothing is ever written to them."""


def full_uuid(text: str) -> str | None:
    """The long form in lower case of `fff0`, `0xFFF0` or a long UUID; None for anything else."""
    if found := _SHORT.fullmatch(text):
        return f"{found[2].lower():0>8}{_BASE}"
    text = text.lower()
    return text if _LONG.fullmatch(text) else None


def short_uuid(uuid: str) -> str:
    """The four digits of a UUID that has such a form, else the UUID."""
    if uuid.endswith(_BASE) and uuid.startswith("0000"):
        return uuid[4:8].upper()
    return uuid


def standard(uuid: str) -> bool:
    """Whether the Bluetooth SIG has given this service or characteristic a meaning of its own."""
    short = short_uuid(uuid)
    return len(short) == 4 and short[:2] in {"18", "28", "29", "2A", "2B", "2C"}


def forbidden_target(service: str, characteristic: str) -> str | None:
    """Why nothing may be written there, or None."""
    for uuid in (service, characteristic):
        if name := FIRMWARE_UPDATE.get(uuid):
            return f"{short_uuid(uuid)} is for {name}"
    if standard(characteristic):
        return f"{short_uuid(characteristic)} is a characteristic that many kinds of devices share"
    if standard(service):
        return f"{short_uuid(service)} is a service that many kinds of devices share"
    return None
