"""The characteristics of a Bluetooth device that does not follow docs/protocol.md."""

from __future__ import annotations

from msgspec import Struct

_BASE = "-0000-1000-8000-00805f9b34fb"


class Gatt(Struct, frozen=True, kw_only=True):
    """UUIDs, short (`FFF2`) or long. `response`: whether a write asks for a receipt."""

    service: str
    write: str
    notify: tuple[str, ...] = ()
    response: bool = False


def full_uuid(uuid: str) -> str:
    """The long form, in lower case."""
    short = uuid.lower().removeprefix("0x")
    return f"{short:0>8}{_BASE}" if len(short) <= 8 else short
