"""From a device address to the driver that speaks to it."""

from __future__ import annotations

from pathlib import Path

from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.transports.address import Address
from massager_ctl.transports.factory import make_transport


def make_driver(
    address: Address | str,
    *,
    trace: Path | None = None,
    profile: str | None = None,
    seed: int = 0,
) -> ReferenceDriver:
    """The driver for a device, not opened yet. Raises AddressError.

    There is one dialect, docs/protocol.md; the other arguments go to the embedded simulator, see `make_transport`.
    """
    return ReferenceDriver(make_transport(address, trace=trace, profile=profile, seed=seed))
