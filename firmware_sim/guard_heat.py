"""Heat is off by default, derates from 39.5 °C, is off at 40.5 and trips below 41.0; a dead sensor trips too (R11)."""

from __future__ import annotations

from typing import Final

from firmware_sim.physics.sensors import Thermistor
from firmware_sim.states import Cause

TARGET_LOW: Final = 30.0
TARGET_HIGH: Final = 39.0
DERATE_C: Final = 39.5
OFF_C: Final = 40.5
TOLERANCE_K: Final = 0.3
TRIP_C: Final = 41.0 - TOLERANCE_K
MOTOR_TRIP_C: Final = 65.0 - 2.0
MOTOR_CLEAR_C: Final = 55.0
PLAUSIBLE_C: Final = (-20.0, 90.0)

GAIN_PER_K: Final = 0.5
UNCHANGED_S: Final = 10.0
EXPECTED_K: Final = 1.0
"""A reading that stays as it is for 10 s where the model expects 1 K or more is no reading."""
MISSED_SAMPLES: Final = 3
_HEAT_K_PER_S: Final = 10.0 / 60.0
_COOL_PER_S: Final = 0.4 / 60.0
_ROOM_C: Final = 24.0


class _Watch:
    """Whether one sensor can be believed."""

    __slots__ = ("_age", "_expected", "_last", "_missed", "_sample", "dead")

    def __init__(self) -> None:
        self._sample = -1
        self._missed = 0
        self._last: float | None = None
        self._age = 0.0
        self._expected = 0.0
        self.dead = False

    def look(self, sensor: Thermistor, expected_rate: float, dt: float) -> bool:
        """True if the sensor is open, shorted, stopped or frozen; `expected_rate` in K/s by the model."""
        self._missed = self._missed + 1 if sensor.sample == self._sample else 0
        self._sample = sensor.sample
        reading = sensor.celsius
        if reading == self._last:
            self._age += dt
            self._expected += expected_rate * dt
        else:
            self._last, self._age, self._expected = reading, 0.0, 0.0
        implausible = reading is None or not PLAUSIBLE_C[0] < reading < PLAUSIBLE_C[1]
        frozen = self._age >= UNCHANGED_S and abs(self._expected) >= EXPECTED_K
        if implausible or frozen or self._missed >= MISSED_SAMPLES:
            self.dead = True
        elif not self._missed and self._age < UNCHANGED_S:
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
        self.target = 0.0
        """Degrees Celsius; 0 is off."""
        self.power = 0.0
        """What the heater gets, 0..1."""

    def off(self) -> None:
        """No heat from now on."""
        self.target = self.power = 0.0

    def step(
        self, pad: Thermistor, motor: Thermistor, current_ma: float, dt: float
    ) -> Cause | None:
        """One look at both sensors, `dt` seconds after the last; the cause if a protection trips now."""
        cause = None
        if self._sees_pad:
            cause = self._pad(pad, dt)
        if cause is None and self._sees_motor:
            cause = self._motor(motor, current_ma, dt)
        if cause is not None:
            self.off()
        return cause

    def _pad(self, sensor: Thermistor, dt: float) -> Cause | None:
        reading = sensor.celsius
        believed = _ROOM_C if reading is None else reading
        rate = self.power * _HEAT_K_PER_S - _COOL_PER_S * (believed - _ROOM_C)
        if self._pad_watch.look(sensor, rate if self.target else 0.0, dt):
            return Cause.TEMPERATURE_SENSOR
        if believed >= TRIP_C:
            return Cause.OVER_TEMPERATURE
        self._control(believed)
        return None

    def _control(self, pad: float) -> None:
        if pad >= OFF_C:
            self._cut = True
        elif pad < DERATE_C:
            self._cut = False
        if not self.target or self._cut:
            self.power = 0.0
            return
        derate = min(1.0, max(0.0, (OFF_C - pad) / (OFF_C - DERATE_C)))
        self.power = min(1.0, max(0.0, (self.target - pad) * GAIN_PER_K)) * derate

    def _motor(self, sensor: Thermistor, current_ma: float, dt: float) -> Cause | None:
        # 7.4 V, half of it lost as heat, into 40 J/K: what the windings warm by.
        rate = current_ma / 1000.0 * 7.4 * 0.5 / 40.0
        if self._motor_watch.look(sensor, rate, dt):
            return Cause.TEMPERATURE_SENSOR
        if sensor.celsius is not None and sensor.celsius >= MOTOR_TRIP_C:
            return Cause.OVER_TEMPERATURE
        return None

    def hot(self, pad: Thermistor, motor: Thermistor) -> bool:
        """Still too warm to clear the fault."""
        pad_c, motor_c = pad.celsius, motor.celsius
        return (self._sees_pad and pad_c is not None and pad_c >= DERATE_C) or (
            self._sees_motor and motor_c is not None and motor_c >= MOTOR_CLEAR_C
        )

    @property
    def blind(self) -> bool:
        """A sensor still cannot be believed."""
        return self._pad_watch.dead or self._motor_watch.dead
