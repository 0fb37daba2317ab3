"""What a scan finds."""

from __future__ import annotations

from msgspec import Struct


class Found(Struct, frozen=True):
    """A possible device. `rssi` in dBm, `battery` in percent; None = not known."""

    address: str
    kind: str
    name: str
    supported: bool
    rssi: int | None = None
    battery: int | None = None
    firmware: str | None = None
    note: str = ""
    port: str = ""
    """The device file that a stable name points to."""
    services: tuple[str, ...] = ()
    """UUIDs that a device of another kind advertises, by which a driver may know it."""
    usb: str = ""
    """VID:PID and serial number of a USB adapter, as it says itself."""
