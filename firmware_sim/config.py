"""What a simulated device is: a board's configuration, and what its surroundings are like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from massager_fw import config as fw

ZONES: Final = (
    "trapezius_left",
    "trapezius_right",
    "neck_left",
    "neck_right",
    "suboccipital_left",
    "suboccipital_right",
)
"""Zone names in the order of the wire (docs/protocol.md 4)."""


class LinkKind(StrEnum):
    """How a host reaches the device; it decides on framing and on T."""

    MEMORY = fw.LinkKind.MEMORY
    SERIAL = fw.LinkKind.SERIAL
    TCP = fw.LinkKind.TCP
    BLE = fw.LinkKind.BLE


def no_envelope(_running: int, cap: int) -> int:
    """For tests of a host on its own: the cap from the first moment on."""
    return cap


@dataclass(frozen=True, slots=True)
class Limits(fw.Limits):
    """The device's own limits. Every one is a value, so that a test can take one away."""

    caps: tuple[int, ...] = fw.Limits.caps
    sum_cap: int = fw.Limits.sum_cap
    rise: int = fw.Limits.rise
    drive_rise: int = fw.Limits.drive_rise
    envelope: Callable[[int, int], int] = fw.envelope
    deadman: Callable[[str], int] = fw.deadman
    session_s: int = fw.Limits.session_s
    with_pauses_s: int = fw.Limits.with_pauses_s
    pause_s: int = fw.Limits.pause_s
    allowance_s: int = fw.Limits.allowance_s
    window_s: int = fw.Limits.window_s


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
class Claims(fw.Claims):
    """What INFO says about the limits; a lying device says something else than it does (fault 56)."""

    caps: tuple[int, ...] = fw.Claims.caps
    sum_cap: int = fw.Claims.sum_cap
    rise: int = fw.Claims.rise
    session_s: int = fw.Claims.session_s
    with_pauses_s: int = fw.Claims.with_pauses_s
    allowance_s: int = fw.Claims.allowance_s
    simulated: bool = True


_USUAL_LIMITS: Final = Limits()
_USUAL_CLAIMS: Final = Claims()


@dataclass(frozen=True, slots=True)
class DeviceConfig(fw.DeviceConfig):
    """All parameters of one simulated device."""

    serial: str = "SIM-00000001"
    firmware: tuple[int, int, int] = fw.DeviceConfig.firmware
    zones: int = fw.DeviceConfig.zones
    vibration: int = fw.DeviceConfig.vibration
    kneading: int = fw.DeviceConfig.kneading
    motions: int = fw.DeviceConfig.motions
    directions: int = fw.DeviceConfig.directions
    heat: bool = fw.DeviceConfig.heat
    mains: bool = fw.DeviceConfig.mains
    sensing: int = fw.DeviceConfig.sensing
    start_duty: tuple[int, int] = fw.DeviceConfig.start_duty
    locked_ma: tuple[int, int] = fw.DeviceConfig.locked_ma
    limits: fw.Limits = _USUAL_LIMITS
    claims: fw.Claims = _USUAL_CLAIMS
    battery: float = 87.0
    """State of charge at power-on, percent."""
    ambient: float = 24.0
    """Degrees Celsius around the device."""
    clock_rate: float = 1.0
    """Device seconds per true second (fault 47)."""


def with_limits(config: DeviceConfig, **changes: Any) -> DeviceConfig:
    """`config` with other limits than it says."""
    assert isinstance(config.limits, Limits)
    return replace(config, limits=replace(config.limits, **changes))


def with_claims(config: DeviceConfig, **changes: Any) -> DeviceConfig:
    """`config` that says something else than it does."""
    assert isinstance(config.claims, Claims)
    return replace(config, claims=replace(config.claims, **changes))
