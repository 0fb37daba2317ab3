"""What a device says of itself, for tests that need no device: all of it, and what differs."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from massager_ctl.device import Cause, DeviceInfo, DeviceState, Sensing, Telemetry
from massager_ctl.units import ZERO, Direction, Motion, Zone

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
    allowance_s=1800,
    sensing=frozenset(Sensing),
    simulated=True,
    mains=False,
    heat=True,
)


def device_info(**changes: Any) -> DeviceInfo:
    """INFO of a device that can do everything, with `changes`."""
    return msgspec.structs.replace(_WHOLE, **changes)


_AT_REST: Final = Telemetry(
    counter=1,
    epoch=1,
    challenge=1,
    uptime_s=1.0,
    running_s=0.0,
    owner=0,
    seq=0,
    state=DeviceState.IDLE,
    cause=Cause.NONE,
    latch=0,
    button_pressed=False,
    heat_on=False,
    charging=False,
    power_on=True,
    pairing_open=False,
    attended=False,
    allowance_unreadable=False,
    battery=80,
    levels=ZERO,
    current_ma=0,
    pad_c=30.0,
    motor_c=30.0,
    allowance_s=1800,
    rejected=0,
)


def telemetry(**changes: Any) -> Telemetry:
    """TELEMETRY of a sound device at rest, with `changes`."""
    return msgspec.structs.replace(_AT_REST, **changes)
