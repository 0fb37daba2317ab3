"""massager-ctl: drive a neck massager gently, under rules that nothing switches off.

from massager_ctl import connect

async with connect("sim:") as massager:
    await massager.set("neck_left", 20)
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself costs a third of what `massager-ctl stop` may take to start
if TYPE_CHECKING:
    from typing import Any

    from massager_ctl.aio.simulated_time import SimulatedTimeLoop
    from massager_ctl.api import Massager, connect
    from massager_ctl.errors import (
        DeviceBusy,
        DeviceNotFound,
        DeviceRefused,
        DoseSpent,
        InputError,
        LinkError,
        LinkLost,
        MassagerError,
        MedicalLock,
        ProfileError,
        Refused,
        ScreeningNeeded,
        StopUnconfirmed,
        StoreError,
    )
    from massager_ctl.model.device import Cause, DeviceInfo, DeviceState, Telemetry
    from massager_ctl.model.outcome import SessionEnd
    from massager_ctl.model.requests import PainKind
    from massager_ctl.model.status import Event, Held, Phase, Status
    from massager_ctl.model.units import Direction, Intensity, Motion, Zone
    from massager_ctl.profile.format.load import load_profile
    from massager_ctl.profile.model import Profile

__all__ = [
    "Cause",
    "DeviceBusy",
    "DeviceInfo",
    "DeviceNotFound",
    "DeviceRefused",
    "DeviceState",
    "Direction",
    "DoseSpent",
    "Event",
    "Held",
    "InputError",
    "Intensity",
    "LinkError",
    "LinkLost",
    "Massager",
    "MassagerError",
    "MedicalLock",
    "Motion",
    "PainKind",
    "Phase",
    "Profile",
    "ProfileError",
    "Refused",
    "ScreeningNeeded",
    "SessionEnd",
    "SimulatedTimeLoop",
    "Status",
    "StopUnconfirmed",
    "StoreError",
    "Telemetry",
    "Zone",
    "connect",
    "load_profile",
]

_HOMES = {
    "aio.simulated_time": ("SimulatedTimeLoop",),
    "api": ("Massager", "connect"),
    "model.device": ("Cause", "DeviceInfo", "DeviceState", "Telemetry"),
    "model.outcome": ("SessionEnd",),
    "model.requests": ("PainKind",),
    "model.status": ("Event", "Held", "Phase", "Status"),
    "model.units": ("Direction", "Intensity", "Motion", "Zone"),
    "profile.format.load": ("load_profile",),
    "profile.model": ("Profile",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and nothing else: `massager-ctl stop` must start fast."""
    if name not in __all__:
        raise AttributeError(f"module 'massager_ctl' has no attribute {name!r}")
    from importlib import import_module

    home = _HOME_OF.get(name, "errors")
    return getattr(import_module(f"massager_ctl.{home}"), name)
