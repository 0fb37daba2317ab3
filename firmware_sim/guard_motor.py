"""A motor that does not turn as it should is cut and latched, with no retry (R12, R14)."""

from __future__ import annotations

from math import exp
from typing import Final

from firmware_sim.config import TICK_S
from firmware_sim.physics.motor import Motors
from firmware_sim.states import Cause

_COUNT: Final = 12
_LOCKED_MA: Final = (400.0, 1500.0) * 6
"""From the motors' data sheet: what a locked rotor draws at full duty."""
_MODEL_SPEED: Final = 0.8
"""Speed over duty of a motor that turns freely."""
_MODEL_FOLLOW: Final = 1.0 - exp(-TICK_S / 0.08)

BLANK_TICKS: Final = 15
"""300 ms after a start or a reversal (R12)."""
STALL_RATIO: Final = 0.6
STALL_TICKS: Final = 15
"""300 ms of current above 0.6 x duty x locked-rotor current (R12)."""
_STALL_MA: Final = tuple(STALL_RATIO * locked for locked in _LOCKED_MA)
SLOW_RATIO: Final = 0.5
SLOW_TICKS: Final = 25
"""500 ms of speed below half of the model's (R12)."""
SHORT_RATIO: Final = 1.2
SHORT_TICKS: Final = 10
"""More than a locked rotor can draw is a short; 200 ms, so that it is cut within 300 (fault 42)."""
IDLE_MA: Final = 30.0
STUCK_TICKS: Final = 10
"""200 ms of current through a motor at zero, so that the switch opens within 300 (R14)."""

_NEVER: Final = -1
_MODEL_SETTLED: Final = 1e-3


class MotorGuard:
    """Watches each motor's current and speed, where the device can sense them."""

    __slots__ = (
        "_high",
        "_model",
        "_sees_current",
        "_sees_speed",
        "_short",
        "_slow",
        "_started",
        "_stray",
        "calm",
    )

    def __init__(self, sensing: int) -> None:
        self._sees_current = bool(sensing & 1)
        self._sees_speed = bool(sensing & 2)
        self._model = [0.0] * _COUNT
        self._started = [_NEVER] * _COUNT
        # By motor, since when it has been seen to be wrong in that way.
        self._high: dict[int, int] = {}
        self._slow: dict[int, int] = {}
        self._short: dict[int, int] = {}
        self._stray: dict[int, int] = {}
        self.calm = True
        """Nothing is suspect, and nothing is on its way: ticks may be skipped while motors are settled."""

    def check(self, tick: int, motors: Motors) -> Cause | None:
        """One tick; the cause if a protection trips now."""
        self.calm = True
        started, model = self._started, self._model
        suspects = self._short or self._high or self._slow
        current, speed = motors.current, motors.speed
        for m, duty in enumerate(motors.duty):
            if not duty:
                if started[m] != _NEVER:
                    self._forget(m)
                if (current[m] or self._stray) and self._stray_current(m, tick, current[m]):
                    return Cause.STUCK_OUTPUT
                continue
            if started[m] == _NEVER:
                started[m] = tick
            change = (duty * _MODEL_SPEED - model[m]) * _MODEL_FOLLOW
            model[m] += change
            blanked = tick - started[m] < BLANK_TICKS
            if blanked or change > _MODEL_SETTLED:
                self.calm = False
            normal = current[m] <= duty * _STALL_MA[m] and speed[m] >= model[m] * SLOW_RATIO
            if blanked or (normal and not suspects):
                continue
            cause = self._judge(m, tick, motors, duty)
            if cause is not None:
                return cause
        return None

    def _judge(self, m: int, tick: int, motors: Motors, duty: float) -> Cause | None:
        """A motor that is not as it should be, or one of them was not a tick ago."""
        if self._sees_current:
            ratio = motors.current[m] / (duty * _LOCKED_MA[m])
            if self._lasts(self._short, m, tick, ratio > SHORT_RATIO, SHORT_TICKS):
                return Cause.OVER_CURRENT
            if self._lasts(self._high, m, tick, ratio > STALL_RATIO, STALL_TICKS):
                return Cause.STALL
        if self._sees_speed:
            slow = motors.speed[m] < self._model[m] * SLOW_RATIO
            if self._lasts(self._slow, m, tick, slow, SLOW_TICKS):
                return Cause.STALL
        return None

    def _lasts(self, since: dict[int, int], m: int, tick: int, seen: bool, ticks: int) -> bool:
        """Whether what is seen has been seen for so many ticks on end."""
        if not seen:
            since.pop(m, None)
            return False
        self.calm = False
        return tick - since.setdefault(m, tick) >= ticks

    def _forget(self, m: int) -> None:
        self._model[m] = 0.0
        self._started[m] = _NEVER
        for since in (self._high, self._slow, self._short, self._stray):
            since.pop(m, None)

    def _stray_current(self, m: int, tick: int, current: float) -> bool:
        stray = self._sees_current and current > IDLE_MA
        return self._lasts(self._stray, m, tick, stray, STUCK_TICKS)
