"""What a device says of itself, for tests that need no device: all of it, and what differs."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from massager_ctl.drivers.substitute_reports import telemetry_of
from massager_ctl.model.device import DeviceInfo, DeviceState, Sensing, Telemetry
from massager_ctl.model.units import ZERO, Direction, Motion, Zone

_WHOLE: Final = DeviceInfo(
    serial="TEST",
    firmware="1.0.0",
    boot=1,
    lifetime_s=0,
    zones=frozenset(Zone),
    vibration=frozenset(Zone),
    kneading=frozenset(Zone),
    motions=frozenset(Motion),
    directions=frozenset(Direction),
    caps=(70.0, 70.0, 50.0, 50.0, 35.0, 35.0),
    sum_cap=200.0,
    rise_per_s=2.0,
    dead_man_s=1.0,
    session_s=1800,
    with_pauses_s=2700,
    allowance_s=1800,
    sensing=frozenset(Sensing),
    simulated=True,
    mains=False,
    heat=True,
)


def device_info(**changes: Any) -> DeviceInfo:
    """INFO of a device that can do everything, with `changes`."""
    return msgspec.structs.replace(_WHOLE, **changes)


_AT_REST: Final = msgspec.structs.replace(
    telemetry_of(1, 1, 1.0, 0.0, DeviceState.IDLE, ZERO),
    challenge=1,
    seq=0,
    battery=80,
    pad_c=30.0,
    motor_c=30.0,
)


def telemetry(**changes: Any) -> Telemetry:
    """TELEMETRY of a sound device at rest, with `changes`."""
    return msgspec.structs.replace(_AT_REST, **changes)
