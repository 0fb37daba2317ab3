"""The drive never exceeds its level, rises slowly, and rests at zero before it turns the other way (R3)."""

from __future__ import annotations

from enum import IntEnum
from math import cos, pi
from typing import Final

from firmware_sim.config import TICKS_PER_S, UNIT, Limits


class Motion(IntEnum):
    """The low four bits of a pattern byte."""

    REST = 0
    VIBRATE = 1
    KNEAD = 2
    GLIDE = 3
    CIRCLE = 4
    HOLD = 5


class Direction(IntEnum):
    """The high four bits of a pattern byte."""

    NONE = 0
    CW = 1
    CCW = 2
    ALTERNATE = 3
    UP = 4
    DOWN = 5


_TURNS: Final = (Direction.CW, Direction.CCW)
_TRAVELS: Final = (Direction.UP, Direction.DOWN)
VALID: Final = frozenset(
    {motion | Direction.NONE << 4 for motion in (Motion.REST, Motion.VIBRATE, Motion.HOLD)}
    | {
        motion | turn << 4
        for motion in (Motion.KNEAD, Motion.CIRCLE)
        for turn in (*_TURNS, Direction.ALTERNATE)
    }
    | {Motion.GLIDE | way << 4 for way in (*_TRAVELS, Direction.ALTERNATE)}
)
"""Pattern bytes that mean something (docs/protocol.md 4)."""

REST_TICKS: Final = 15
"""A reversal rests at zero for 300 ms (R3)."""
REVERSAL_TICKS: Final = 5 * TICKS_PER_S
"""At most one reversal in 5 s (R3)."""

_STEPS: Final = 64
_WHOLE: Final = 256
_KNEAD: Final = tuple(
    round(_WHOLE * (0.625 - 0.375 * cos(2 * pi * k / _STEPS))) for k in range(_STEPS)
)
_CIRCLE: Final = tuple(
    round(_WHOLE * (0.75 - 0.25 * cos(2 * pi * k / _STEPS))) for k in range(_STEPS)
)


_TABLES: Final = {int(Motion.KNEAD): _KNEAD, int(Motion.CIRCLE): _CIRCLE}
_STEADY: Final = frozenset((Motion.REST, Motion.VIBRATE, Motion.HOLD))
_ALTERNATE: Final = int(Direction.ALTERNATE)


class Patterns:
    """The drive of each zone in hundredths of a percent: level x shape(t), made by the device."""

    __slots__ = (
        "_asked",
        "_direction",
        "_period",
        "_reversed",
        "_rise",
        "_steady",
        "_stretch",
        "_table",
        "_turned",
        "_zero_from",
        "drive",
        "motion",
        "settled",
    )

    def __init__(self, limits: Limits) -> None:
        self._rise = limits.drive_rise * UNIT // TICKS_PER_S
        self._period = self._stretch = REVERSAL_TICKS
        self._asked: tuple[int, ...] = ()
        self._steady: tuple[bool, ...] = (True,) * 6
        self._table: tuple[tuple[int, ...] | None, ...] = (None,) * 6
        self._direction: tuple[int, ...] = (0,) * 6
        self._turned = [0] * 6
        self._reversed = [-REVERSAL_TICKS] * 6
        self._zero_from = [-REST_TICKS] * 6
        self.motion: tuple[int, ...] = (0,) * 6
        self.drive = [0] * 6
        self.settled = True
        """Nothing moves until a level or a pattern changes: ticks may be skipped."""

    def ask(self, pattern: tuple[int, ...], period: int) -> None:
        """A pattern byte a zone, and the time of one cycle in milliseconds."""
        self._period = max(1, period * TICKS_PER_S // 1000)
        self._stretch = max(REVERSAL_TICKS, self._period)
        self.settled = False
        if pattern == self._asked:
            return
        self._asked = pattern
        self.motion = tuple(byte & 15 for byte in pattern)
        self._direction = tuple(byte >> 4 for byte in pattern)
        self._steady = tuple(motion in _STEADY for motion in self.motion)
        self._table = tuple(_TABLES.get(motion) for motion in self.motion)

    def zero(self, tick: int) -> None:
        """All drives to zero at once."""
        for i in range(6):
            self._set(i, 0, tick)
        self.settled = True

    def turning(self, zone: int) -> int:
        """Which `Direction` the zone turns or travels in now; 0 where it does neither."""
        if self._steady[zone]:
            return 0
        return self._turned[zone]

    def fall(self, level: list[int], tick: int) -> None:
        """A level fell: its drive follows in the same tick."""
        for i in range(6):
            if self.drive[i] > level[i]:
                self._set(i, level[i], tick)
        self.settled = False

    def step(self, level: list[int], tick: int) -> None:
        """One tick of every zone."""
        drive, rise, steady = self.drive, self._rise, self._steady
        settled = True
        for i in range(6):
            top = level[i]
            now = drive[i]
            if not top:
                if now:
                    self._set(i, 0, tick)
                continue
            if steady[i]:
                want = top
            else:
                want = self._shaped(i, top, tick)
                settled = False
            if want > now:
                drive[i] = now + rise if want - now > rise else want
                settled = settled and drive[i] == top
            elif want < now:
                self._set(i, want, tick)
        self.settled = settled

    def _shaped(self, zone: int, top: int, tick: int) -> int:
        table = self._table[zone]
        turn = self._direction[zone]
        if turn == _ALTERNATE:
            ways = _TRAVELS if table is None else _TURNS
            turn = ways[tick // self._stretch & 1]
        if turn != self._turned[zone] and not self._turn(zone, turn, tick):
            return 0
        if table is None:
            return top * self._glide(zone, turn, tick) // _WHOLE
        return top * table[tick % self._period * _STEPS // self._period] // _WHOLE

    def _turn(self, zone: int, turn: int, tick: int) -> bool:
        """Turn round if the rest was long enough and the last reversal is long ago."""
        if self._turned[zone]:
            if self.drive[zone] or tick - self._zero_from[zone] < REST_TICKS:
                return False
            if tick - self._reversed[zone] < REVERSAL_TICKS:
                return False
            self._reversed[zone] = tick
        self._turned[zone] = turn
        return True

    def _glide(self, zone: int, way: int, tick: int) -> int:
        """A hill that travels over the three zones of a side once a period, low to high for `up`."""
        place = tick % self._period * 3 * _WHOLE // self._period
        row = zone >> 1 if way == Direction.UP else 2 - (zone >> 1)
        return max(0, _WHOLE - abs(place - (row * _WHOLE + _WHOLE // 2)))

    def _set(self, zone: int, drive: int, tick: int) -> None:
        if not drive and self.drive[zone]:
            self._zero_from[zone] = tick
        self.drive[zone] = drive
