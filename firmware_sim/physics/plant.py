"""The device's body: motors, pad, battery and sensors together, with the faults that befall them."""

from __future__ import annotations

from typing import Final

from firmware_sim.config import UNIT, DeviceConfig
from firmware_sim.noise import Noise
from firmware_sim.physics import battery, motor, sensors, thermal

_FULL: Final = 100.0 * UNIT
_KNEADING_SHARE: Final = 0.7
"""Of a kneading zone's drive; the vibration actuator gets the rest, so that the sum is the drive."""
_CURRENT_NOISE_MA: Final = 2.0


class Plant:
    """Everything that the firmware's outputs act on. Times in true seconds."""

    __slots__ = (
        "_ambient",
        "_both",
        "_kneading",
        "_mains",
        "_noise",
        "battery",
        "heater",
        "motor_body",
        "motor_sensor",
        "motors",
        "pad_body",
        "pad_sensor",
    )

    def __init__(self, config: DeviceConfig, noise: Noise) -> None:
        self._ambient = config.ambient
        self._mains = config.mains
        self._both = config.vibration & config.kneading
        self._kneading = config.kneading
        self._noise = noise
        self.heater = 0.0
        """Heater power asked for, 0..1."""
        self.motors = motor.Motors()
        self.battery = battery.Battery(config.battery)
        self.pad_body = thermal.pad(config.ambient)
        self.motor_body = thermal.motors(config.ambient)
        self.pad_sensor = sensors.Thermistor(config.ambient, noise)
        self.motor_sensor = sensors.Thermistor(config.ambient, noise)

    def drive(self, zone: int, drive: int, kneads: bool) -> None:
        """Turn a zone's drive (hundredths of a percent) into the duty of its actuators."""
        part = drive / _FULL
        if kneads and self._both >> zone & 1:
            vibration, kneading = part * (1.0 - _KNEADING_SHARE), part * _KNEADING_SHARE
        elif kneads or not self._both >> zone & 1 and self._kneading >> zone & 1:
            vibration, kneading = 0.0, part
        else:
            vibration, kneading = part, 0.0
        duty = self.motors.duty
        duty[2 * zone] = _duty(vibration)
        duty[2 * zone + 1] = _duty(kneading)
        self.motors.settled = False

    def step(self, dt: float) -> None:
        """The slow models: temperatures and charge over `dt` seconds, then one reading of each sensor."""
        amperes = self.motors.total_ma() / 1000.0
        volts = battery.RATED_V * self.motors.supply
        heat_w = thermal.HEATER_W * self.heater if self.motors.powered else 0.0
        self.pad_body.step(heat_w, self._ambient, dt)
        self.motor_body.step(amperes * volts * thermal.COPPER_LOSS, self._ambient, dt)
        self.pad_sensor.step(self.pad_body.celsius, dt)
        self.motor_sensor.step(self.motor_body.celsius, dt)
        if not self._mains:
            self.battery.step(amperes + heat_w / battery.RATED_V, dt)
            self.motors.supply = max(0.0, self.battery.volts / battery.RATED_V)

    def current_ma(self) -> float:
        """The reading of the current sensor, mA."""
        return max(0.0, self.motors.total_ma() + self._noise.spread(_CURRENT_NOISE_MA))


def _duty(part: float) -> float:
    return motor.START_DUTY + (1.0 - motor.START_DUTY) * part if part > 0.0 else 0.0
