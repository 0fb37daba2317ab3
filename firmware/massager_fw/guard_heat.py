"""Heat is off by default, derates from 39.5 °C, is off at 40.5 and trips below 41.0; a dead sensor trips too (R11).

Temperatures are hundredths of a degree Celsius, expected changes hundred-thousandths of a kelvin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.shim import const, micropython
from massager_fw.states import Cause

if TYPE_CHECKING:
    from massager_fw.board import Thermometer

DERATE = const(3950)
OFF = const(4050)
TOLERANCE = const(30)
TRIP = const(4100 - TOLERANCE)
MOTOR_TRIP = const(6500 - 200)
MOTOR_CLEAR = const(5500)
PLAUSIBLE_LOW = const(-2000)
PLAUSIBLE_HIGH = const(9000)

FULL_POWER = const(1000)
GAIN = const(5)
"""Per mille of power for each hundredth of a degree below the target: all of it from 2 K on."""
UNCHANGED_FRAMES = const(100)
EXPECTED = const(100_000)
"""A reading that stays as it is for 10 s where the model expects 1 K or more is not a reading."""
MISSED_SAMPLES = const(3)
_ROOM = const(2400)


class _Watch:
    """Whether one sensor can be believed."""

    __slots__ = ("_age", "_expected", "_last", "_missed", "_sample", "dead")

    def __init__(self) -> None:
        self._sample = -1
        self._missed = 0
        self._last: int | None = None
        self._age = 0
        self._expected = 0
        self.dead = False

    def look(self, sensor: Thermometer, expected: int) -> bool:
        """True if the sensor is open, shorted, stopped or frozen. `expected`: the change since the last look."""
        self._missed = self._missed + 1 if sensor.sample == self._sample else 0
        self._sample = sensor.sample
        reading = sensor.hundredths
        if reading != self._last:
            self._last = reading
            self._age = self._expected = 0
        elif self._age <= UNCHANGED_FRAMES or abs(self._expected) < EXPECTED:
            self._age += 1
            self._expected += expected
        implausible = reading is None or not PLAUSIBLE_LOW < reading < PLAUSIBLE_HIGH
        frozen = self._age >= UNCHANGED_FRAMES and abs(self._expected) >= EXPECTED
        if implausible or frozen or self._missed >= MISSED_SAMPLES:
            self.dead = True
        elif not self._missed and self._age < UNCHANGED_FRAMES:
            self.dead = False
        return self.dead


class HeatGuard:
    """The heater's control, and the temperature protections over all."""

    __slots__ = (
        "_cut",
        "_motor_watch",
        "_pad_watch",
        "_sees_motor",
        "_sees_pad",
        "power",
        "target",
    )

    def __init__(self, sensing: int) -> None:
        self._sees_pad = bool(sensing & 4)
        self._sees_motor = bool(sensing & 8)
        self._pad_watch = _Watch()
        self._motor_watch = _Watch()
        self._cut = False
        self.target = 0
        """0 is off."""
        self.power = 0
        """What the heater gets, 0 to `FULL_POWER`."""

    @micropython.native
    def off(self) -> None:
        """No heat from now on."""
        self.target = self.power = 0

    def step(self, pad: Thermometer, motor: Thermometer, current_ma: int) -> int:
        """One look at both sensors, every 100 ms; the `Cause` if a protection trips now."""
        cause = Cause.NONE
        if self._sees_pad:
            cause = self._pad(pad)
        if cause == Cause.NONE and self._sees_motor:
            cause = self._motor(motor, current_ma)
        if cause != Cause.NONE:
            self.off()
        return cause

    def _pad(self, sensor: Thermometer) -> int:
        reading = sensor.hundredths
        believed = _ROOM if reading is None else reading
        # 10 K a minute at full power, less 0.4 K a minute for each kelvin above the room.
        expected = self.power * 5 // 3 - (believed - _ROOM) * 2 // 3
        if self._pad_watch.look(sensor, expected if self.target else 0):
            return Cause.TEMPERATURE_SENSOR
        if believed >= TRIP:
            return Cause.OVER_TEMPERATURE
        self._control(believed)
        return Cause.NONE

    def _control(self, pad: int) -> None:
        if pad >= OFF:
            self._cut = True
        elif pad < DERATE:
            self._cut = False
        if not self.target or self._cut:
            self.power = 0
            return
        derate = min(OFF - DERATE, OFF - pad)
        wanted = min(FULL_POWER, max(0, (self.target - pad) * GAIN))
        self.power = wanted * derate // (OFF - DERATE)

    def _motor(self, sensor: Thermometer, current_ma: int) -> int:
        # 7.4 V, half of it lost as heat, into 40 J/K: what the windings warm by in 100 ms.
        if self._motor_watch.look(sensor, current_ma * 37 // 40):
            return Cause.TEMPERATURE_SENSOR
        if sensor.hundredths is not None and sensor.hundredths >= MOTOR_TRIP:
            return Cause.OVER_TEMPERATURE
        return Cause.NONE

    def hot(self, pad: Thermometer, motor: Thermometer) -> bool:
        """Still too warm to clear the fault."""
        pad_c, motor_c = pad.hundredths, motor.hundredths
        return (self._sees_pad and pad_c is not None and pad_c >= DERATE) or (
            self._sees_motor and motor_c is not None and motor_c >= MOTOR_CLEAR
        )

    @property
    def blind(self) -> bool:
        """A sensor still cannot be believed."""
        return self._pad_watch.dead or self._motor_watch.dead
