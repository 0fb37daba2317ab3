"""Drives never exceed their level, each rises slowly, and a zone rests before it turns the other way (R3, R12)."""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING

from massager_fw.config import TICKS_PER_S, UNIT
from massager_fw.shim import const, ints, micropython

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from massager_fw.config import Limits

    ptr32 = Any


# Machine code knows the numbers of its own file alone, and only those that `const` names.
_REST = const(0)
_VIBRATE = const(1)
_KNEAD = const(2)
_GLIDE = const(3)
_CIRCLE = const(4)
_HOLD = const(5)

_NONE = const(0)
_CW = const(1)
_CCW = const(2)
_ALTERNATE = const(3)
_UP = const(4)
_DOWN = const(5)


class Motion:
    """The low four bits of a pattern byte."""

    REST = _REST
    VIBRATE = _VIBRATE
    KNEAD = _KNEAD
    GLIDE = _GLIDE
    CIRCLE = _CIRCLE
    HOLD = _HOLD


class Direction:
    """The high four bits of a pattern byte."""

    NONE = _NONE
    CW = _CW
    CCW = _CCW
    ALTERNATE = _ALTERNATE
    UP = _UP
    DOWN = _DOWN


WAYS = ints(
    (
        1 << Direction.NONE,
        1 << Direction.NONE,
        1 << Direction.CW | 1 << Direction.CCW | 1 << Direction.ALTERNATE,
        1 << Direction.UP | 1 << Direction.DOWN | 1 << Direction.ALTERNATE,
        1 << Direction.CW | 1 << Direction.CCW | 1 << Direction.ALTERNATE,
        1 << Direction.NONE,
    )
)
"""For each motion the directions that it may have, a bit each (docs/protocol.md 4)."""

REST_TICKS = const(15)
"""A reversal rests at zero for 300 ms (R3)."""
REVERSAL_TICKS = const(250)
"""At most one reversal in 5 s (R3)."""

START_TICKS = const(15)
"""For 300 ms after its start a motor is not watched for a stall (R12) ..."""
START_DRIVE = const(100)
"""... and is driven by no more than 1 %, which is start duty."""

KNEADING_TENTHS = const(7)
"""Of the drive of a kneading zone with both actuators; vibration gets the rest, so that the sum is the drive."""

_ZONES = const(6)
_STEPS = const(64)
_WHOLE = const(256)
_TENTHS = const(10)


def _wave(middle: float, swing: float) -> list[int]:
    """One cycle from the lowest to the highest and back, of `_WHOLE`."""
    return [round(_WHOLE * (middle - swing * cos(2 * pi * k / _STEPS))) for k in range(_STEPS)]


_WAVES = ints(_wave(0.625, 0.375) + _wave(0.75, 0.25))
"""Of KNEAD, then of CIRCLE."""

# What is kept of each zone, in rows of six.
_SHARE = const(0)
"""Tenths of the zone's drive that its kneading actuator gets."""
_TURNED = const(6)
_REVERSED = const(12)
_ZERO_FROM = const(18)


@micropython.viper
def _ask(
    pattern: ptr32,
    motion: ptr32,
    direction: ptr32,
    kept: ptr32,
    vibration: int,
    kneading: int,
):
    """Take a pattern byte of each zone apart."""
    for zone in range(_ZONES):
        kind = pattern[zone] & 15
        motion[zone] = kind
        direction[zone] = pattern[zone] >> 4
        share = 0
        if kneading >> zone & 1:
            if not vibration >> zone & 1:
                share = _TENTHS
            elif kind == _KNEAD or kind == _CIRCLE:  # noqa: SIM109 - no tuple in machine code
                share = KNEADING_TENTHS
        kept[_SHARE + zone] = share


@micropython.viper
def _fall(level: ptr32, drive: ptr32, actuators: ptr32, kept: ptr32, tick: int):
    """No drive above its level."""
    for zone in range(_ZONES):
        m = 2 * zone
        top = level[zone]
        now = drive[zone]
        if now > top:
            kneads = actuators[m + 1] * top // now
            actuators[m] = top - kneads
            actuators[m + 1] = kneads
            drive[zone] = top
            if not top:
                kept[_ZERO_FROM + zone] = tick


@micropython.viper
def _shape(
    level: ptr32,
    motion: ptr32,
    direction: ptr32,
    drive: ptr32,
    kept: ptr32,
    wanted: ptr32,
    waves: ptr32,
    period: int,
    stretch: int,
    tick: int,
):
    """What each zone is to be driven by: its level, or as much of it as its motion takes at this tick."""
    for zone in range(_ZONES):
        top = level[zone]
        way = direction[zone]
        wanted[zone] = top
        if not top or not way:
            continue
        kind = motion[zone]
        if way == _ALTERNATE:
            way = _UP if kind == _GLIDE else _CW
            way += tick // stretch & 1
        turned = kept[_TURNED + zone]
        if way != turned:
            # Which way it turned before the boot is not known: the boot counts as a reversal, and so does the first
            # turn. A zone that has turned before rests first, and so does one whose every motion turns its motor.
            rested = tick - kept[_ZERO_FROM + zone]
            if drive[zone]:
                rested = 0
            if not turned and kept[_SHARE + zone] != _TENTHS:
                rested = REST_TICKS
            if rested < REST_TICKS or tick - kept[_REVERSED + zone] < REVERSAL_TICKS:
                wanted[zone] = 0
                continue
            kept[_REVERSED + zone] = tick
            kept[_TURNED + zone] = way
        if kind == _GLIDE:
            # A hill that travels over the three zones of a side once a period, low to high for `up`.
            row = zone >> 1 if way == _UP else 2 - (zone >> 1)
            far = tick % period * 3 * _WHOLE // period - (row * _WHOLE + _WHOLE // 2)
            if far < 0:
                far = -far
            part = _WHOLE - far if far < _WHOLE else 0
        else:
            place = tick % period * _STEPS // period
            part = waves[place] if kind == _KNEAD else waves[place + _STEPS]
        wanted[zone] = top * part // _WHOLE


@micropython.viper
def _share(wanted: ptr32, drive: ptr32, kept: ptr32, goals: ptr32, rise: int):
    """What each actuator is to have of what its zone is to have, of which no more than one tick leads to."""
    for zone in range(_ZONES):
        want = wanted[zone]
        if want > drive[zone] + rise:
            want = drive[zone] + rise
            wanted[zone] = want
        kneads = want * kept[_SHARE + zone] // _TENTHS
        goals[2 * zone] = want - kneads
        goals[2 * zone + 1] = kneads


@micropython.viper
def _climb(goals: ptr32, actuators: ptr32, started: ptr32, rise: int, tick: int):
    """No actuator goes up by more than one tick leads, nor above start duty while it starts."""
    for m in range(2 * _ZONES):
        now = actuators[m]
        if goals[m] > now:
            if not now:
                started[m] = tick
            top = now + rise
            if top > START_DRIVE and tick - started[m] < START_TICKS:
                top = START_DRIVE
            if goals[m] > top:
                goals[m] = top


@micropython.viper
def _hand_over(
    level: ptr32,
    direction: ptr32,
    wanted: ptr32,
    goals: ptr32,
    drive: ptr32,
    actuators: ptr32,
    kept: ptr32,
    tick: int,
) -> bool:
    """What one actuator of a zone loses the other has gained first; whether nothing will move any more."""
    settled = True
    for zone in range(_ZONES):
        m = 2 * zone
        want = wanted[zone]
        if not want and not drive[zone]:
            # It rests, and so do both of its actuators.
            if level[zone]:
                settled = False
            continue
        vibrates = goals[m]
        kneads = goals[m + 1]
        if kneads < actuators[m + 1]:
            left = want - vibrates
            if left > actuators[m + 1]:
                left = actuators[m + 1]
            if kneads < left:
                kneads = left
        if vibrates < actuators[m]:
            left = want - kneads
            if left > actuators[m]:
                left = actuators[m]
            if vibrates < left:
                vibrates = left
        actuators[m] = vibrates
        actuators[m + 1] = kneads
        if not want:
            kept[_ZERO_FROM + zone] = tick
        drive[zone] = vibrates + kneads
        top = level[zone]
        at_top = drive[zone] == top and kneads == top * kept[_SHARE + zone] // _TENTHS
        if not at_top or (top and direction[zone]):
            settled = False
    return settled


class Patterns:
    """The drive of each actuator in hundredths of a percent: level x shape(t), made by the device.

    Actuator 2i is the vibration, 2i + 1 the kneading one of zone i; a zone's two never exceed its level together.
    """

    __slots__ = (
        "_goals",
        "_kept",
        "_kneading",
        "_period",
        "_rise",
        "_started",
        "_stretch",
        "_vibration",
        "_wanted",
        "actuators",
        "direction",
        "drive",
        "motion",
        "settled",
    )

    def __init__(self, limits: Limits, vibration: int, kneading: int, booted: int):
        """`vibration`, `kneading`: masks of the zones that have one. `booted`: the tick of the last boot."""
        self._rise = limits.drive_rise * UNIT // TICKS_PER_S
        self._vibration = vibration
        self._kneading = kneading
        self._period = self._stretch = REVERSAL_TICKS
        self.motion = ints([Motion.REST] * 6)
        self.direction = ints([Direction.NONE] * 6)
        """What was asked for; `turning` says which way it turns now."""
        self._kept = ints([0] * 12 + [booted] * 12)
        self._started = ints([booted] * 12)
        self._wanted = ints([0] * 6)
        self._goals = ints([0] * 12)
        self.actuators = ints([0] * 12)
        self.drive = ints([0] * 6)
        """Of each zone: its two actuators together."""
        self.settled = True
        """Nothing moves until a level or a pattern changes: ticks may be skipped."""

    def ask(self, pattern: Sequence[int], period: int) -> None:
        """A pattern byte a zone, and the time of one cycle in milliseconds."""
        self._period = period = max(1, period * TICKS_PER_S // 1000)
        self._stretch = max(REVERSAL_TICKS, period)
        self.settled = False
        _ask(pattern, self.motion, self.direction, self._kept, self._vibration, self._kneading)

    def zero(self, tick: int) -> None:
        """All drives to zero at once."""
        _fall(_NOTHING, self.drive, self.actuators, self._kept, tick)
        self.settled = True

    def turning(self, zone: int) -> int:
        """Which `Direction` the zone turns or travels in now; 0 if it does neither."""
        return self.turned(zone) if self.direction[zone] else Direction.NONE

    @micropython.native
    def turned(self, zone: int) -> int:
        """Which `Direction` it turned or travelled in last: its motor goes on that way in a motion that has none."""
        return self._kept[_TURNED + zone]

    @micropython.native
    def fall(self, level: list[int], tick: int) -> None:
        """A level fell: its drives follow in the same tick."""
        _fall(level, self.drive, self.actuators, self._kept, tick)

    def step(self, level: list[int], tick: int) -> None:
        """One tick of every zone."""
        direction, drive, actuators = self.direction, self.drive, self.actuators
        kept, wanted, goals = self._kept, self._wanted, self._goals
        rise = self._rise
        _shape(
            level,
            self.motion,
            direction,
            drive,
            kept,
            wanted,
            _WAVES,
            self._period,
            self._stretch,
            tick,
        )
        _share(wanted, drive, kept, goals, rise)
        _climb(goals, actuators, self._started, rise, tick)
        self.settled = _hand_over(level, direction, wanted, goals, drive, actuators, kept, tick)


_NOTHING = ints([0] * 6)
