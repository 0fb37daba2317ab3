"""DC motors: first-order speed, current from the back-EMF, stall, and faults of the power stage.

Quantities are relative to one motor's rating and of `FULL`: duty, speed (no-load speed at full duty), and
current (locked-rotor current at full duty). With supply voltage U and winding resistance R the textbook DC motor
has i = (duty U - k w) / R, so i / i_locked = duty - speed. A load takes the fraction LOAD of the speed, so a
motor that turns freely draws LOAD x duty. The time constant is that of a small geared vibration motor.
"""

from __future__ import annotations

from math import exp
from typing import Final

from massager_fw.board import ACTUATORS, FULL
from massager_fw.config import TICK_MS

TIME_CONSTANT_S: Final = 0.08
LOAD: Final = 0.2
LOCKED_MA: Final = (400.0, 1500.0) * 6
"""Locked-rotor current at full duty, mA: a 20 mm eccentric motor and a geared kneading motor."""
SHORTED: Final = 8.0
"""A winding short multiplies the locked-rotor current by this (fault 42)."""

_FOLLOW: Final = 1.0 - exp(-TICK_MS / 1000 / TIME_CONSTANT_S)
_SETTLED: Final = 1e-3 * FULL
_MA: Final = tuple(locked / FULL for locked in LOCKED_MA)


class Motors:
    """All motors of the device, stepped together once a tick."""

    __slots__ = (
        "current",
        "duty",
        "load",
        "powered",
        "settled",
        "shorted",
        "speed",
        "stuck",
        "supply",
    )

    def __init__(self) -> None:
        self.duty = [0.0] * ACTUATORS
        """What the firmware asks for."""
        self.speed = [0.0] * ACTUATORS
        self.current = [0.0] * ACTUATORS
        """Milliamperes."""
        self.load = [LOAD] * ACTUATORS
        """Fraction of the speed that the load takes; 1 is a locked rotor (fault 41)."""
        self.shorted = [1.0] * ACTUATORS
        self.stuck: dict[int, float] = {}
        """Duty of a power stage that no longer obeys (fault 43)."""
        self.powered = False
        """The independent power switch."""
        self.supply = 1.0
        """Supply voltage relative to its rating."""
        self.settled = True

    def disturb(self) -> None:
        """Something changed that acts on them: step them again."""
        self.settled = False

    def step(self) -> None:
        """One tick of 20 ms."""
        duty, speed, current = self.duty, self.speed, self.current
        supply = self.supply if self.powered else 0.0
        settled = True
        if self.stuck:
            duty = [self.stuck.get(m, asked) for m, asked in enumerate(duty)]
        for m, asked in enumerate(duty):
            now = speed[m]
            if not asked and not now:
                current[m] = 0.0
                continue
            drive = asked * supply
            change = (drive * (1.0 - self.load[m]) - now) * _FOLLOW
            if -_SETTLED < change < _SETTLED:
                now += change
                if not drive and now < _SETTLED:
                    now = 0.0
            else:
                now += change
                settled = False
            speed[m] = now
            # A free-wheeling motor draws nothing; a driven one cannot feed back through the low side.
            pull = (drive - now) * self.shorted[m] if drive > now else 0.0
            current[m] = pull * _MA[m] if drive else 0.0
        self.settled = settled

    def total_ma(self) -> float:
        """What all of them draw together."""
        return sum(self.current)
