"""Between the wire's numbers and the product's words, for the reference dialect (protocol sections 4 to 7)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from massager_ctl.errors import ProtocolError
from massager_ctl.model.device import (
    Cause,
    DeviceInfo,
    DeviceState,
    Mode,
    Sensing,
    Setpoint,
    Telemetry,
)
from massager_ctl.model.units import ZONES, Direction, Levels, Motion, Zone, per_zone
from massager_ctl.transports.base import LinkKind
from massager_ctl.wire.messages import MAINS, NO_SENSOR, Info, Message, TelemetryFrame

Decode = Callable[[bytes], Message]

CAUSE_NUMBERS: Final[dict[Cause, int]] = {
    Cause.NONE: 0,
    Cause.PERSON: 1,
    Cause.FINISHED: 2,
    Cause.PAIN: 3,
    Cause.SAFETY: 4,
    Cause.HOST_LATE: 5,
    Cause.HOST_CLOSING: 6,
    Cause.TELEMETRY_LOST: 7,
    Cause.DEAD_MAN: 16,
    Cause.LINK_LOST: 17,
    Cause.TIME_LIMIT: 18,
    Cause.PAUSE_LIMIT: 19,
    Cause.ALLOWANCE: 20,
    Cause.FRAME_NOISE: 21,
    Cause.BATTERY_LOW: 22,
    Cause.BROWN_OUT: 23,
    Cause.WATCHDOG: 24,
    Cause.CHARGING: 25,
    Cause.BUTTON: 32,
    Cause.BUTTON_OPEN: 33,
    Cause.OVER_TEMPERATURE: 48,
    Cause.TEMPERATURE_SENSOR: 49,
    Cause.STALL: 50,
    Cause.OVER_CURRENT: 51,
    Cause.STUCK_OUTPUT: 52,
    Cause.MEMORY: 53,
}
HOST_CAUSES_END: Final = 16
"""The first number that only a device may use (protocol section 7)."""

_CAUSES: Final = {number: cause for cause, number in CAUSE_NUMBERS.items()}
_STATES: Final = tuple(DeviceState)
_MODES: Final = {Mode.RUN: 0, Mode.PAUSE: 1, Mode.FADE: 2}
_SENSING: Final = tuple(Sensing)
_MOTIONS: Final = tuple(Motion)
_DIRECTIONS: Final = tuple(Direction)
_PATTERNS: Final = {
    (motion, direction): direction.wire << 4 | motion.wire
    for motion in Motion
    for direction in Direction
}

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "stale_epoch": ("something stopped it in between", "Start again."),
    "stale_challenge": (
        "the request took too long to arrive",
        "Start again; if it stays, the link is too slow.",
    ),
    "latched": (
        "its emergency stop is latched",
        "Make sure that all is well, then clear it with `massager-ctl reset`.",
    ),
    "fault": (
        "it has found a fault in itself",
        "Switch it off, see to the cause, then clear it with `massager-ctl reset`.",
    ),
    "malformed": (
        "it does not understand the request",
        "Its firmware may be older than this program.",
    ),
    "allowance": (
        "it has run as long as any hour may hold (R8)",
        "Rest, and try again later.",
    ),
    "battery": ("its battery is below 15 % (R13)", "Charge it first."),
    "charging": ("it is being charged (R13)", "Unplug the charger first."),
    "button": (
        "its button is pressed, stuck, or its cable is open",
        "Release the button; if it stays, do not use the device.",
    ),
    "cause_present": (
        "the cause of the fault is still there",
        "See to it first, then reset again.",
    ),
    "wrong_latch": (
        "something else latched in between",
        "Look at `massager-ctl status`, then reset again.",
    ),
    "not_latched": ("nothing is latched", "There is nothing to clear."),
    "not_allowed": (
        "this link may not command it",
        "Pair it first: hold the device's button for 5 s, then connect within a minute.",
    ),
}
"""Each result of the device as a reason and a remedy."""


def stop_reason(cause: Cause) -> int:
    """The number that a STOP carries; a cause that is the device's own, or unknown, is a safety rule's to a host."""
    number = CAUSE_NUMBERS.get(cause, HOST_CAUSES_END)
    return number if number < HOST_CAUSES_END else CAUSE_NUMBERS[Cause.SAFETY]


def device_info(frame: Info, kind: LinkKind) -> DeviceInfo:
    """INFO in the product's words. ProtocolError where it makes no sense (R16)."""
    if not 0 < frame.deadman <= kind.dead_man_s * 1000:
        raise ProtocolError(
            f"the device states a dead-man time of {frame.deadman} ms;"
            f" {kind.dead_man_s * 1000:.0f} ms is the most on this link (R4)",
            "Its firmware does not follow the protocol; do not use it.",
        )
    return DeviceInfo(
        serial=frame.serial.rstrip(b"\0").decode("ascii", "replace"),
        firmware=".".join(map(str, frame.firmware)),
        boot=frame.boot,
        lifetime_s=frame.lifetime,
        zones=_zones(frame.zones),
        vibration=_zones(frame.vibration),
        kneading=_zones(frame.kneading),
        motions=_motions(frame.motions),
        directions=_directions(frame.directions),
        caps=per_zone(map(float, frame.caps)),
        sum_cap=float(frame.sum_cap),
        rise_per_s=frame.rise / 10,
        dead_man_s=frame.deadman / 1000,
        session_s=frame.session,
        with_pauses_s=frame.with_pauses,
        allowance_s=frame.allowance,
        sensing=_senses(frame.sensing),
        simulated=bool(frame.flags & 1),
        mains=bool(frame.flags & 2),
        heat=bool(frame.flags & 4),
    )


# A mask is one byte: devices of a kind share one set, 700 bytes each otherwise.


@cache
def _zones(mask: int) -> frozenset[Zone]:
    return frozenset(zone for zone in ZONES if mask >> zone.index & 1)


@cache
def _motions(mask: int) -> frozenset[Motion]:
    return frozenset(m for m in _MOTIONS if mask >> m.wire & 1)


@cache
def _directions(mask: int) -> frozenset[Direction]:
    return frozenset(d for d in _DIRECTIONS if mask >> d.wire & 1)


@cache
def _senses(mask: int) -> frozenset[Sensing]:
    return frozenset(s for i, s in enumerate(_SENSING) if mask >> i & 1)


def telemetry(frame: TelemetryFrame) -> Telemetry:
    """TELEMETRY in the product's words. ProtocolError for an unknown state (R16)."""
    if frame.state >= len(_STATES):
        raise ProtocolError(f"unknown device state {frame.state}")
    flags = frame.flags
    return Telemetry(
        frame.counter,
        frame.epoch,
        frame.challenge,
        frame.uptime / 1000,
        frame.running / 1000,
        frame.owner,
        frame.seq,
        _STATES[frame.state],
        _CAUSES.get(frame.cause, Cause.UNKNOWN),
        frame.latch,
        bool(flags & 1),
        bool(flags & 2),
        bool(flags & 4),
        bool(flags & 8),
        bool(flags & 16),
        bool(flags & 32),
        bool(flags & 64),
        None if frame.battery == MAINS else frame.battery,
        _percent(frame.levels),
        _percent(frame.vibration),
        _percent(frame.kneading),
        frame.current,
        None if frame.pad == NO_SENSOR else frame.pad / 10,
        None if frame.motor == NO_SENSOR else frame.motor / 10,
        frame.allowance,
        frame.rejected,
    )


def _percent(levels: tuple[int, ...]) -> Levels:
    a, b, c, d, e, f = levels
    return (a / 10, b / 10, c / 10, d / 10, e / 10, f / 10)


def setpoint_fields(setpoint: Setpoint) -> tuple[int, int, int, tuple[int, ...], tuple[int, ...]]:
    """mode, heat, period, levels and patterns of a SETPOINT, on the wire's scale."""
    a, b, c, d, e, f = setpoint.levels
    return (
        _MODES[setpoint.mode],
        0 if setpoint.heat_c is None else round(setpoint.heat_c * 10),
        round(setpoint.period_s * 1000),
        # Levels are multiples of 0.1 when they leave the governor; adding a half mends the binary fraction.
        (
            int(a * 10 + 0.5),
            int(b * 10 + 0.5),
            int(c * 10 + 0.5),
            int(d * 10 + 0.5),
            int(e * 10 + 0.5),
            int(f * 10 + 0.5),
        ),
        tuple([_PATTERNS[p.motion, p.direction] for p in setpoint.patterns]),
    )
