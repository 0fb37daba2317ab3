"""What tests ask of a device of another make, read from its wire, and break in its driver."""

from __future__ import annotations

from typing import Any

import msgspec
from tests.support.ascii_massager import ASCII, AsciiDialect

from massager_ctl.drivers.dialect import DriverSpec
from massager_ctl.model.device import Setpoint
from massager_ctl.model.units import Levels
from massager_ctl.testing.peers import PeerLink


def both(percent: float) -> Setpoint:
    levels: Levels = (percent, percent, 0.0, 0.0, 0.0, 0.0)
    return Setpoint(levels)


def lines(link: PeerLink) -> list[bytes]:
    return b"".join(data for _, data in link.heard).split(b"\n")[:-1]


def faulty(method: str, calls: int = 0) -> DriverSpec:
    """The ASCII massager with a method that fails, after so many calls."""
    left = [calls]

    def fail(self: AsciiDialect, *given: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise ZeroDivisionError("made up")
        return getattr(AsciiDialect, method)(self, *given)

    return msgspec.structs.replace(ASCII, dialect=type("Faulty", (AsciiDialect,), {method: fail}))
