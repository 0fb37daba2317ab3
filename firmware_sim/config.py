"""What this device is: its own constants and limits, shared with no host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ZONES: Final = (
    "trapezius_left",
    "trapezius_right",
    "neck_left",
    "neck_right",
    "suboccipital_left",
    "suboccipital_right",
)
"""Zone names in the order of the wire (docs/protocol.md 4)."""

TICK_S: Final = 0.02
"""The control tick in seconds of the device's own clock (R24)."""
TICKS_PER_S: Final = 50
FRAME_TICKS: Final = 5
"""Telemetry, slow physics and time limits run every 5 ticks: 10 Hz (R24)."""

UNIT: Final = 100
"""Levels are kept as whole hundredths of a percent: 10000 is the rated output."""

SOFT_START_TICKS: Final = 60 * TICKS_PER_S
FULL_RANGE_TICKS: Final = 300 * TICKS_PER_S
SOFT_START_LEVEL: Final = 10 * UNIT


class LinkKind(StrEnum):
    """How a host reaches the device; it decides on framing and on T."""

    MEMORY = "memory"
    SERIAL = "serial"
    TCP = "tcp"
    BLE = "ble"


def envelope(running: int, cap: int) -> int:
    """E(running), R2: no level above it. `running` in ticks, `cap` and the answer in hundredths of a percent.

    10 % for the first 60 s of running, then a straight line to the zone's cap at 300 s.
    """
    if running >= FULL_RANGE_TICKS:
        return cap
    soft = min(SOFT_START_LEVEL, cap)
    if running <= SOFT_START_TICKS:
        return soft
    span = FULL_RANGE_TICKS - SOFT_START_TICKS
    return soft + (cap - soft) * (running - SOFT_START_TICKS) // span


def no_envelope(running: int, cap: int) -> int:
    """For tests of a host on its own: the cap from the first moment on."""
    return cap


def deadman(kind: LinkKind) -> float:
    """T in seconds of the device's clock (R4)."""
    return 1.0 if kind in (LinkKind.TCP, LinkKind.BLE) else 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """The device's own limits. Every one is a value, so that a test can take one away."""

    caps: tuple[int, ...] = (70, 70, 50, 50, 35, 35)
    """Percent a zone (R1)."""
    sum_cap: int = 200
    """Percent over all zones (R1)."""
    rise: int = 20
    """Greatest rise of a level in tenths of a point per second (R3)."""
    drive_rise: int = 10
    """Greatest rise of a drive in points per second (R3)."""
    envelope: Callable[[int, int], int] = envelope
    deadman: Callable[[LinkKind], float] = deadman
    session_s: int = 1800
    with_pauses_s: int = 2700
    pause_s: int = 300
    allowance_s: int = 1620
    """Seconds of running on the device's clock in any `window_s`: 0.9 x 1800, for a slow clock (R8)."""
    window_s: int = 4000


NO_LIMITS: Final = Limits(
    caps=(100,) * 6,
    sum_cap=600,
    rise=50_000,
    drive_rise=5_000,
    envelope=no_envelope,
    session_s=10**9,
    with_pauses_s=10**9,
    pause_s=10**9,
    allowance_s=65_535,
)
"""No cap, envelope, slew or time limit: to prove that a host keeps the rules alone. Never for a person."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What INFO says about the limits; a lying device says something else than it does (fault 56)."""

    caps: tuple[int, ...] = (70, 70, 50, 50, 35, 35)
    sum_cap: int = 200
    rise: int = 20
    session_s: int = 1800
    allowance_s: int = 1800
    simulated: bool = True


_USUAL_LIMITS: Final = Limits()
_USUAL_CLAIMS: Final = Claims()


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """All parameters of one simulated device."""

    serial: str = "SIM-00000001"
    """At most 12 ASCII characters."""
    firmware: tuple[int, int, int] = (1, 0, 0)
    zones: int = 0b111111
    vibration: int = 0b111111
    kneading: int = 0b111111
    motions: int = 0b111111
    directions: int = 0b111111
    heat: bool = True
    mains: bool = False
    sensing: int = 0xFF
    """Bits of INFO's `sensing`; 0 motor current and 1 motor speed are needed to knead (R12)."""
    battery: float = 87.0
    """State of charge at power-on, percent."""
    ambient: float = 24.0
    """Degrees Celsius around the device."""
    clock_rate: float = 1.0
    """Device seconds per true second (fault 47)."""
    limits: Limits = _USUAL_LIMITS
    claims: Claims = _USUAL_CLAIMS
