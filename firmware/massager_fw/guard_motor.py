"""A motor that does not turn as it should is cut and latched, with no retry (R12, R14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.board import ACTUATORS
from massager_fw.shim import const, ints, micropython
from massager_fw.states import Cause

if TYPE_CHECKING:
    from typing import Any

    from massager_fw.board import Board

    ptr32 = Any

BLANK_TICKS = const(15)
"""300 ms after a start or a reversal, in which a motor gets start duty at most (R12)."""
STALL_TENTHS = 6
STALL_TICKS = const(15)
"""300 ms of current above 0.6 x duty x locked-rotor current (R12)."""
SLOW_TICKS = const(24)
"""500 ms of speed below half of the model's, the first tick included: within 500 ms of the blanking (R12)."""
STOOD_TICKS = const(33)
"""A motor that rests and starts again and again is not driven for more than 800 ms while it stands still (R12)."""
SPIN_UP_TICKS = const(6)
"""Blanking of a motor that went to rest under suspicion: a free one has come up to speed by then."""
SHORT_TENTHS = 12
SHORT_TICKS = const(10)
"""More than a locked rotor can draw is a short; 200 ms, so that it is cut within 300 (fault 42)."""
IDLE_MA = const(30)
STUCK_TICKS = const(10)
"""200 ms of current through a motor at zero, so that the switch opens within 300 (R14)."""

_NO_CAUSE = Cause.NONE
_NEVER = const(0x3FFFFFFF)
_MOTORS = const(12)
_FULL = const(10_000)
_MODEL_SETTLED = const(10)

# What is kept of each motor, in rows of twelve.
_MODEL = const(0)
"""Speed of a motor that turns freely, of `FULL`: 0.8 of the duty after a time constant of 80 ms."""
_STARTED = const(12)
_HIGH = const(24)
"""Since when its current has been too high; in the next three since when that was wrong with it."""
_SLOW = const(36)
_SHORT = const(48)
_STRAY = const(60)
_BLANK = const(72)
"""For how many ticks it is blanked at its next start."""
_UNSEEN = const(84)
"""For how many ticks it was driven and blanked when it went to rest again."""
_STOOD = const(96)
"""For how many ticks it had been driven and stood still when it went to rest."""

_SEES_CURRENT = const(1)
_SEES_SPEED = const(2)

# Behind the rows, what a tick shows: a bit for each motor.
_SEEN_SHORT = const(108)
_SEEN_HIGH = const(109)
_SEEN_SLOW = const(110)
_SEEN_STRAY = const(111)
_WATCHED = const(112)
"""Driven, and no longer blanked."""
_MOVES = const(113)
"""Blanked, or on its way to another speed."""
_STALL_MA = const(114)
"""What a motor may draw at full duty: a vibration motor, then a kneading motor."""
_SHORT_MA = const(116)

_RESTED = const(1)
_TRIPS = const(2)


@micropython.viper
def _rest(duty: ptr32, kept: ptr32, tick: int) -> int:
    """Each motor whose drive went to zero: what was seen of a stall counts on after the rest.

    `_RESTED` if one went to rest now, `_TRIPS` as well if one has stood still for long enough.
    """
    found = 0
    for m in range(_MOTORS):
        started = kept[_STARTED + m]
        if duty[m] or started == _NEVER:
            continue
        found |= _RESTED
        driven = tick - started
        blank = kept[_BLANK + m]
        kept[_BLANK + m] = BLANK_TICKS
        since = kept[_HIGH + m]
        if kept[_SLOW + m] < since:
            since = kept[_SLOW + m]
        if driven <= blank:
            # Nothing was seen: blanked again it might stand for twice as long.
            kept[_BLANK + m] = blank - driven if blank - driven > SPIN_UP_TICKS else SPIN_UP_TICKS
            kept[_UNSEEN + m] += driven
        elif since < tick:
            # As far as can be seen it stood since it was started, if it did so when the blanking ended.
            kept[_STOOD + m] += tick - since
            if since - started <= blank:
                kept[_STOOD + m] += since - started + kept[_UNSEEN + m]
            kept[_UNSEEN + m] = 0
            kept[_BLANK + m] = SPIN_UP_TICKS
        else:
            kept[_STOOD + m] = kept[_UNSEEN + m] = 0
        kept[_MODEL + m] = 0
        kept[_STARTED + m] = kept[_STRAY + m] = _NEVER
        kept[_HIGH + m] = kept[_SLOW + m] = kept[_SHORT + m] = _NEVER
        if kept[_STOOD + m] >= STOOD_TICKS:
            found |= _TRIPS
    return found


@micropython.viper
def _run_models(duty: ptr32, kept: ptr32, tick: int):
    """The speed that each driven motor should have now, and whether it is watched."""
    watched = 0
    moves = 0
    for m in range(_MOTORS):
        driven = duty[m]
        if not driven:
            continue
        if kept[_STARTED + m] == _NEVER:
            kept[_STARTED + m] = tick
        # 453 / 2048 of the way in a tick: 1 - exp(-20 ms / 80 ms).
        change = (driven * 4 // 5 - kept[_MODEL + m]) * 453 >> 11
        kept[_MODEL + m] += change
        if tick - kept[_STARTED + m] < kept[_BLANK + m]:
            moves |= 1 << m
        else:
            watched |= 1 << m
            if change > _MODEL_SETTLED:
                moves |= 1 << m
    kept[_WATCHED] = watched
    kept[_MOVES] = moves


@micropython.viper
def _see_current(duty: ptr32, current: ptr32, kept: ptr32):
    """Which motors draw more than they may (R12, R14)."""
    short = 0
    high = 0
    stray = 0
    watched = kept[_WATCHED]
    for m in range(_MOTORS):
        if not duty[m]:
            if current[m] > IDLE_MA:
                stray |= 1 << m
        elif watched >> m & 1 and current[m] * _FULL > duty[m] * kept[_STALL_MA + (m & 1)]:
            high |= 1 << m
            if current[m] * _FULL > duty[m] * kept[_SHORT_MA + (m & 1)]:
                short |= 1 << m
    kept[_SEEN_SHORT] = short
    kept[_SEEN_HIGH] = high
    kept[_SEEN_STRAY] = stray


@micropython.viper
def _see_speed(speed: ptr32, kept: ptr32):
    """Which motors turn at less than half of what they should (R12)."""
    slow = 0
    watched = kept[_WATCHED]
    for m in range(_MOTORS):
        if watched >> m & 1 and speed[m] * 2 < kept[_MODEL + m]:
            slow |= 1 << m
    kept[_SEEN_SLOW] = slow


@micropython.viper
def _lasts(kept: ptr32, row: int, seen: int, looked_at: int, ticks: int, tick: int) -> bool:
    """Whether what is seen of a motor has been seen for so many ticks on end."""
    for m in range(_MOTORS):
        if seen >> m & 1:
            if kept[row + m] == _NEVER:
                kept[row + m] = tick
            if tick - kept[row + m] >= ticks:
                return True
        elif looked_at >> m & 1:
            kept[row + m] = _NEVER
    return False


@micropython.viper
def _stands(kept: ptr32, tick: int) -> int:
    """What is left of motors that went to rest under suspicion: `_RESTED`, and `_TRIPS` if that is enough."""
    left = 0
    watched = kept[_WATCHED]
    seen = kept[_SEEN_HIGH]
    seen |= kept[_SEEN_SLOW]
    for m in range(_MOTORS):
        looks = watched >> m & 1
        if looks and not seen >> m & 1:
            kept[_STOOD + m] = 0
        elif kept[_STOOD + m]:
            left |= _RESTED
            if looks and kept[_STOOD + m] + tick - kept[_STARTED + m] >= STOOD_TICKS:
                left |= _TRIPS
    return left


class MotorGuard:
    """Watches each motor's current and speed, where the device can sense them."""

    __slots__ = ("_kept", "_sees", "_stood", "_suspects", "calm")

    def __init__(self, sensing: int, locked_ma: tuple[int, int]) -> None:
        self._sees = sensing
        kept = [0] * 12 + [_NEVER] * 60 + [BLANK_TICKS] * 12 + [0] * 30
        kept += [ma * STALL_TENTHS // 10 for ma in locked_ma]
        self._kept = ints(kept + [ma * SHORT_TENTHS // 10 for ma in locked_ma])
        self._suspects = False
        """Something was wrong with a motor a tick ago."""
        self._stood = False
        """A motor that went to rest has not been watched since."""
        self.calm = True
        """Nothing is suspect, and nothing is on its way: ticks may be skipped while motors are settled."""

    @micropython.native
    def check(self, tick: int, duty: list[int], board: Board) -> int:
        """One tick at `duty`; the `Cause` if a protection trips now."""
        kept, sees = self._kept, self._sees
        rested = _rest(duty, kept, tick)
        if rested:
            self._stood = True
            if rested & _TRIPS:
                return Cause.STALL
        _run_models(duty, kept, tick)
        if sees & _SEES_CURRENT:
            _see_current(duty, board.current_ma, kept)
        if sees & _SEES_SPEED:
            _see_speed(board.speed, kept)
        seen = kept[_SEEN_SHORT] | kept[_SEEN_HIGH] | kept[_SEEN_SLOW] | kept[_SEEN_STRAY]
        self.calm = not seen and not kept[_MOVES]
        if seen or self._suspects or self._stood:
            self._suspects = seen != 0
            return self._judge(tick)
        return _NO_CAUSE

    def _judge(self, tick: int) -> int:
        """For how long it has been wrong: whether that is enough."""
        kept = self._kept
        watched = kept[_WATCHED]
        if _lasts(kept, _STRAY, kept[_SEEN_STRAY], 0xFFF, STUCK_TICKS, tick):
            return Cause.STUCK_OUTPUT
        if _lasts(kept, _SHORT, kept[_SEEN_SHORT], watched, SHORT_TICKS, tick):
            return Cause.OVER_CURRENT
        if _lasts(kept, _HIGH, kept[_SEEN_HIGH], watched, STALL_TICKS, tick):
            return Cause.STALL
        if _lasts(kept, _SLOW, kept[_SEEN_SLOW], watched, SLOW_TICKS, tick):
            return Cause.STALL
        if self._stood:
            left = _stands(kept, tick)
            self._stood = left != 0
            if left & _TRIPS:
                return Cause.STALL
        return Cause.NONE

    def forget_suspicions(self) -> None:
        """A new session: what was seen in the last one says nothing of now."""
        kept = self._kept
        for m in range(ACTUATORS):
            kept[_UNSEEN + m] = kept[_STOOD + m] = 0
            kept[_BLANK + m] = BLANK_TICKS
