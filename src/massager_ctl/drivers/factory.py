"""The right driver for a device address."""

from __future__ import annotations

from massager_ctl.drivers.base import Driver
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.transports.base import Transport


def make_driver(transport: Transport) -> Driver:
    """The driver that speaks over `transport`: there is one dialect, docs/protocol.md."""
    return ReferenceDriver(transport)
