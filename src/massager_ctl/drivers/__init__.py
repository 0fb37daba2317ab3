"""A device's dialect over a transport; what a package with a driver of its own needs of it is named here."""

from massager_ctl.drivers.dialect import (
    Act,
    Dialect,
    DriverSpec,
    Find,
    Frames,
    LevelsAre,
    RelativeDialect,
)
from massager_ctl.model.device import Channel
from massager_ctl.model.units import Zone
from massager_ctl.safety.assurance import Assurance, Confirmation, DeadMan, OnDisconnect
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.gatt import Gatt

__all__ = [
    "Act",
    "Assurance",
    "Channel",
    "Confirmation",
    "DeadMan",
    "Dialect",
    "DriverSpec",
    "Find",
    "Frames",
    "Gatt",
    "LevelsAre",
    "LinkKind",
    "OnDisconnect",
    "RelativeDialect",
    "Zone",
]
