"""What a scan finds."""

from __future__ import annotations

from msgspec import Struct


class Found(Struct, frozen=True):
    """One thing that may be a device. `rssi` in dBm, `battery` in percent; None = not known."""

    address: str
    kind: str
    name: str
    supported: bool
    rssi: int | None = None
    battery: int | None = None
    firmware: str | None = None
    note: str = ""
