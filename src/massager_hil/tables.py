"""The numbers of docs/protocol.md, as this suite reads them: no other package's tables are looked at.

Levels and drives are tenths of a percent, temperatures tenths of a degree, as on the wire; times are seconds
unless a name says otherwise. `tests/golden/frames.json` is where this reading, the host's and the device's meet.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class State(IntEnum):
    """The `state` byte of TELEMETRY (section 5)."""

    IDLE = 0
    ARMED = 1
    RUNNING = 2
    PAUSED = 3
    FADING = 4
    LATCHED = 5
    FAULT = 6


OPEN: Final = frozenset((State.ARMED, State.RUNNING, State.PAUSED, State.FADING))
"""States with a session."""


class Mode(IntEnum):
    """The `mode` byte of SETPOINT (section 4)."""

    RUN = 0
    PAUSE = 1
    FADE = 2


class Result(IntEnum):
    """The `result` byte of ACK (section 7)."""

    OK = 0
    STALE_EPOCH = 1
    STALE_CHALLENGE = 2
    BUSY = 3
    LATCHED = 4
    FAULT = 5
    MALFORMED = 6
    ALLOWANCE = 7
    BATTERY = 8
    CHARGING = 9
    BUTTON = 10
    CAUSE_PRESENT = 11
    WRONG_LATCH = 12
    NOT_LATCHED = 13
    NOT_ALLOWED = 14


class Cause(IntEnum):
    """The `cause` byte of TELEMETRY (section 7)."""

    NONE = 0
    PERSON = 1
    FINISHED = 2
    PAIN = 3
    SAFETY = 4
    HOST_LATE = 5
    HOST_CLOSING = 6
    TELEMETRY_LOST = 7
    DEAD_MAN = 16
    LINK_LOST = 17
    TIME_LIMIT = 18
    PAUSE_LIMIT = 19
    ALLOWANCE = 20
    FRAME_NOISE = 21
    BATTERY_LOW = 22
    BROWN_OUT = 23
    WATCHDOG = 24
    CHARGING = 25
    BUTTON = 32
    BUTTON_OPEN = 33
    OVER_TEMPERATURE = 48
    TEMPERATURE_SENSOR = 49
    STALL = 50
    OVER_CURRENT = 51
    STUCK_OUTPUT = 52
    MEMORY = 53


HOST_REASONS: Final = range(1, 8)
"""Reasons of a STOP that become the cause; any other becomes `PERSON`."""
E_STOP: Final = frozenset((Cause.BUTTON, Cause.BUTTON_OPEN))
FAULTS: Final = frozenset(range(48, 54))


class Flag:
    """Bits of TELEMETRY's `flags` (section 4)."""

    BUTTON: Final = 1
    HEAT: Final = 2
    CHARGING: Final = 4
    SWITCH: Final = 8
    PAIRING: Final = 16
    ATTENDED: Final = 32
    UNREADABLE: Final = 64


class Feature:
    """Bits of INFO's `flags` and `sensing` (section 4)."""

    SIMULATED: Final = 1
    MAINS: Final = 2
    HEAT: Final = 4
    CURRENT: Final = 1
    SPEED: Final = 2
    PAD: Final = 4
    MOTOR: Final = 8
    BATTERY: Final = 16
    POWER_SWITCH: Final = 32
    BUTTON: Final = 64
    MEMORY_CHECK: Final = 128


class Motion(IntEnum):
    """The low four bits of a pattern (section 4)."""

    REST = 0
    VIBRATE = 1
    KNEAD = 2
    GLIDE = 3
    CIRCLE = 4
    HOLD = 5


class Direction(IntEnum):
    """The high four bits of a pattern (section 4)."""

    NONE = 0
    CW = 1
    CCW = 2
    ALTERNATE = 3
    UP = 4
    DOWN = 5


_TURNS: Final = (Direction.CW, Direction.CCW, Direction.ALTERNATE)
DIRECTIONS: Final[dict[Motion, tuple[Direction, ...]]] = {
    Motion.REST: (Direction.NONE,),
    Motion.VIBRATE: (Direction.NONE,),
    Motion.KNEAD: _TURNS,
    Motion.GLIDE: (Direction.ALTERNATE, Direction.UP, Direction.DOWN),
    Motion.CIRCLE: _TURNS,
    Motion.HOLD: (Direction.NONE,),
}


def pattern(motion: Motion, direction: Direction = Direction.NONE) -> int:
    """A pattern byte."""
    return motion | direction << 4


PATTERNS: Final = tuple(pattern(motion, way) for motion, ways in DIRECTIONS.items() for way in ways)
"""Every pattern that a SETPOINT may carry."""

ZONES: Final = (
    "trapezius_left",
    "trapezius_right",
    "neck_left",
    "neck_right",
    "suboccipital_left",
    "suboccipital_right",
)
CAPS: Final = (700, 700, 500, 500, 350, 350)
"""The highest level a zone may ever have (R1)."""
SUM_CAP: Final = 2000
RISE: Final = 20
"""Tenths of a percent a second that a level may rise by (R3)."""
DRIVE_RISE: Final = 100
"""And a drive, and the sum of a zone's two."""
GENTLE: Final = 100
"""E for the first 60 s of running (R2)."""
GENTLE_S: Final = 60.0
RAMP_S: Final = 300.0

TICK_S: Final = 0.02
TELEMETRY_S: Final = 0.1
SETPOINT_S: Final = 0.2
ANSWER_S: Final = 0.3
"""For GET_INFO, ARM and RESET (section 9)."""
DEAD_MAN_S: Final = {"memory": 0.5, "serial": 0.5, "tcp": 1.0, "ble": 1.0}
"""T by the kind of link (section 2)."""
DEAD_MAN_OVER_S: Final = 0.1
CONFIRM_S: Final = {"memory": 0.15, "serial": 0.15, "tcp": 0.15, "ble": 0.4}
"""Within this a stop is confirmed (section 2)."""
STOP_ZERO_S: Final = 0.1
ACK_AFTER_ZERO_S: Final = 0.02
LINK_ZERO_S: Final = 0.1
BUTTON_S: Final = 0.05
RELEASE_S: Final = 0.05
HOLD_S: Final = 2.0
PAIRING_HOLD_S: Final = 5.0
PAIRING_S: Final = 60.0
CHALLENGE_RENEWED_S: Final = 5.0
CHALLENGE_S: Final = 10.0
ECHOES: Final = 128
"""As many of the newest counters a device has to remember."""
NOISE_SLOT_S: Final = 0.5
NOISE_SLOTS: Final = 4
REST_BEFORE_REVERSAL_S: Final = 0.3
REVERSALS_APART_S: Final = 5.0
BLANKED_S: Final = 0.3
START_DUTY: Final = 10
"""The highest drive while the stall watch is blanked."""
WATCHDOG_S: Final = 0.512

STOP_TIME: Final = "STOP to its ACK"
DEAD_MAN_TIME: Final = "last SETPOINT that counts to the dead-man's end"
"""What is measured at each of them, in whichever check: the report shows how it is distributed."""

COUNTED: Final = 0.9
"""Of a long limit, by the device's clock, which may be slow."""
SESSION_S: Final = 1800
WITH_PAUSES_S: Final = 2700
PAUSE_S: Final = 300
ALLOWANCE_S: Final = 1800
HOUR_S: Final = 3600
ATTENDED_S: Final = 600
CHECKPOINT_S: Final = 10
"""What a boot charges the hour with, and the lifetime where a session was open."""

IDLE_MA: Final = 30
"""TELEMETRY's `current` with every drive at zero, 300 ms after it got there."""
IDLE_AFTER_S: Final = 0.3
HEAT_LOW: Final = 300
HEAT_HIGH: Final = 390
HEAT_OFF: Final = 405
PAD_TRIP: Final = 410
PERIODS_MS: Final = (1000, 60000)
BATTERY_ARM: Final = 15
BATTERY_RUN: Final = 8
MAINS: Final = 255
NO_SENSOR: Final = -32768


def envelope(running_s: float, cap: int) -> float:
    """E(running) of a zone with that cap, in tenths of a percent (R2)."""
    if running_s <= GENTLE_S or cap <= GENTLE:
        return min(GENTLE, cap)
    share = min(1.0, (running_s - GENTLE_S) / (RAMP_S - GENTLE_S))
    return GENTLE + (cap - GENTLE) * share
