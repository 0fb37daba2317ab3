"""What a device reports and what it is sent, independent of any dialect."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.model.units import ZERO, Direction, Levels, Motion, Zone


class DeviceState(StrEnum):
    """Protocol section 5."""

    IDLE = "idle"
    ARMED = "armed"
    RUNNING = "running"
    PAUSED = "paused"
    FADING = "fading"
    LATCHED = "latched"
    FAULT = "fault"

    @property
    def in_session(self) -> bool:
        """Whether a session is open on the device."""
        return self in _IN_SESSION

    @property
    def latched(self) -> bool:
        """Whether only a reset ends it (R7)."""
        return self in (DeviceState.LATCHED, DeviceState.FAULT)


_IN_SESSION: Final = frozenset(
    {DeviceState.ARMED, DeviceState.RUNNING, DeviceState.PAUSED, DeviceState.FADING}
)


class Cause(StrEnum):
    """Why a session ended or a latch was set (protocol section 7)."""

    NONE = "none"
    PERSON = "person"
    FINISHED = "finished"
    PAIN = "pain"
    SAFETY = "safety"
    HOST_LATE = "host_late"
    HOST_CLOSING = "host_closing"
    TELEMETRY_LOST = "telemetry_lost"
    DEAD_MAN = "dead_man"
    LINK_LOST = "link_lost"
    TIME_LIMIT = "time_limit"
    PAUSE_LIMIT = "pause_limit"
    ALLOWANCE = "allowance"
    FRAME_NOISE = "frame_noise"
    BATTERY_LOW = "battery_low"
    BROWN_OUT = "brown_out"
    WATCHDOG = "watchdog"
    CHARGING = "charging"
    BUTTON = "button"
    BUTTON_OPEN = "button_open"
    OVER_TEMPERATURE = "over_temperature"
    TEMPERATURE_SENSOR = "temperature_sensor"
    STALL = "stall"
    OVER_CURRENT = "over_current"
    STUCK_OUTPUT = "stuck_output"
    MEMORY = "memory"
    UNKNOWN = "unknown"


class Sensing(StrEnum):
    """What a device can sense (INFO); no stall sensing means no kneading (R12)."""

    CURRENT = "current"
    SPEED = "speed"
    PAD_TEMPERATURE = "pad_temperature"
    MOTOR_TEMPERATURE = "motor_temperature"
    BATTERY = "battery"
    POWER_SWITCH = "power_switch"
    BUTTON = "button"
    MEMORY_CHECK = "memory_check"


class Channel(Struct, frozen=True):
    """One output of a device with steps: where it works, and what each step is worth, percent, rising (R25)."""

    zones: tuple[Zone, ...]
    percents: tuple[float, ...]


class DeviceInfo(Struct, frozen=True):
    """What a device reports about itself at connect (R15, R16). Percent, seconds, points per second.

    `channels`: empty for a device that takes any level in tenths.
    """

    serial: str
    firmware: str
    boot: int
    lifetime_s: int
    zones: frozenset[Zone]
    vibration: frozenset[Zone]
    kneading: frozenset[Zone]
    motions: frozenset[Motion]
    directions: frozenset[Direction]
    caps: Levels
    sum_cap: float
    rise_per_s: float
    dead_man_s: float
    session_s: int
    with_pauses_s: int
    allowance_s: int
    sensing: frozenset[Sensing]
    simulated: bool
    mains: bool
    heat: bool
    channels: tuple[Channel, ...] = ()

    def same_device(self, other: DeviceInfo) -> bool:
        """Whether a plan made for `other` still holds: serial, firmware, boot counter and caps (R15)."""
        return (self.serial, self.firmware, self.boot, self.caps, self.sum_cap, self.zones) == (
            other.serial,
            other.firmware,
            other.boot,
            other.caps,
            other.sum_cap,
            other.zones,
        )


class Telemetry(Struct, frozen=True):
    """One report from the device: levels and the drive of each actuator in percent, °C, seconds of its own clock."""

    counter: int
    epoch: int
    challenge: int
    uptime_s: float
    running_s: float
    owner: int
    seq: int
    state: DeviceState
    cause: Cause
    latch: int
    button_pressed: bool
    heat_on: bool
    charging: bool
    power_on: bool
    pairing_open: bool
    attended: bool
    allowance_unreadable: bool
    battery: int | None
    levels: Levels
    vibration: Levels
    kneading: Levels
    current_ma: int
    pad_c: float | None
    motor_c: float | None
    allowance_s: int
    rejected: int


class Mode(StrEnum):
    """What a setpoint asks of the session as a whole."""

    RUN = "run"
    PAUSE = "pause"
    FADE = "fade"


class Pattern(Struct, frozen=True):
    """A motion and its direction, for one zone."""

    motion: Motion = Motion.VIBRATE
    direction: Direction = Direction.NONE


VIBRATE: Final = Pattern()

Patterns = tuple[Pattern, Pattern, Pattern, Pattern, Pattern, Pattern]
"""One pattern per zone, in wire order."""

VIBRATE_ALL: Final[Patterns] = (VIBRATE, VIBRATE, VIBRATE, VIBRATE, VIBRATE, VIBRATE)


class Setpoint(Struct, frozen=True):
    """What the device should do from now on: full state, so only the newest counts (R4)."""

    levels: Levels = ZERO
    patterns: Patterns = VIBRATE_ALL
    period_s: float = 5.0
    heat_c: float | None = None
    mode: Mode = Mode.RUN


OFF: Final = Setpoint()
