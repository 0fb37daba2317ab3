"""What the device is: its constants, its limits, and what a board's own file says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.shim import const, micropython

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_MS = const(20)
"""The control tick in milliseconds of the device's own clock (R24)."""
TICKS_PER_S = const(50)
COUNTED_TICKS_PER_S = 45
"""Ticks that count as a true second of a long limit: 0.9 of them, for a clock that may be slow (R8)."""
FRAME_TICKS = 5
"""TELEMETRY, slow senses and time limits run every 5 ticks: 10 Hz (R24)."""

UNIT = const(100)
"""Levels are kept as whole hundredths of a percent: 10000 is the rated output."""

SOFT_START_TICKS = const(60 * TICKS_PER_S)
FULL_RANGE_TICKS = const(300 * TICKS_PER_S)
SOFT_START_LEVEL = const(10 * UNIT)


class LinkKind:
    """How a host reaches the device; it decides on framing and on T."""

    MEMORY = "memory"
    SERIAL = "serial"
    TCP = "tcp"
    BLE = "ble"


@micropython.viper
def envelope(running: int, cap: int) -> int:
    """E(running), R2: no level above it. `running` in ticks, `cap` and the answer in hundredths of a percent.

    10 % for the first 60 s of running, then a straight line to the zone's cap at 300 s.
    """
    if running >= FULL_RANGE_TICKS:
        return cap
    soft = cap if cap < SOFT_START_LEVEL else SOFT_START_LEVEL
    if running <= SOFT_START_TICKS:
        return soft
    span = FULL_RANGE_TICKS - SOFT_START_TICKS
    return soft + (cap - soft) * (running - SOFT_START_TICKS) // span


def deadman(kind: str) -> int:
    """T in milliseconds of the device's clock (R4)."""
    return 1000 if kind in (LinkKind.TCP, LinkKind.BLE) else 500


class Limits:
    """The device's own limits."""

    caps: tuple[int, ...] = (70, 70, 50, 50, 35, 35)
    """Percent a zone (R1)."""
    sum_cap: int = 200
    """Percent over all zones (R1)."""
    rise: int = 20
    """Greatest rise of a level in tenths of a point per second (R3)."""
    drive_rise: int = 10
    """Greatest rise of a drive in points per second (R3)."""
    session_s: int = 1800
    """True seconds armed without pauses; this and the next two are counted at 0.9 (R8)."""
    with_pauses_s: int = 2700
    pause_s: int = 300
    allowance_s: int = 1620
    """Seconds of running on the device's clock in any `window_s`: 0.9 x 1800, for a slow clock (R8)."""
    window_s: int = 4000

    envelope: Callable[[int, int], int] = staticmethod(envelope)
    deadman: Callable[[str], int] = staticmethod(deadman)


class Claims:
    """What INFO says about the limits: what a host may plan with, in true seconds."""

    caps: tuple[int, ...] = Limits.caps
    sum_cap: int = Limits.sum_cap
    rise: int = Limits.rise
    session_s: int = Limits.session_s
    with_pauses_s: int = Limits.with_pauses_s
    allowance_s: int = 1800
    simulated: bool = False


class DeviceConfig:
    """What a board's own file says; the defaults are those of a device with everything."""

    serial: str = "MASSAGER-1"
    """At most 12 ASCII characters."""
    firmware: tuple[int, int, int] = (1, 0, 0)
    zones: int = 0b111111
    """Masks: bit i is zone i."""
    vibration: int = 0b111111
    kneading: int = 0b111111
    motions: int = 0b111111
    directions: int = 0b111111
    heat: bool = True
    mains: bool = False
    sensing: int = 0xFF
    """Bits of INFO's `sensing`; 0 motor current and 1 motor speed are needed to knead (R12)."""
    start_duty: tuple[int, int] = (2000, 2000)
    """Below this a vibration or kneading motor does not turn, hundredths of a percent: calibrate it."""
    locked_ma: tuple[int, int] = (400, 1500)
    """What a locked rotor of either kind draws at full duty, from the data sheet or measured (R12)."""
    limits: Limits = Limits()
    claims: Claims = Claims()
