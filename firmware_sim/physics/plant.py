"""The device's body: motors, pad, battery and sensors together, with the faults that befall them."""

from __future__ import annotations

from typing import Final

from firmware_sim.config import UNIT, DeviceConfig
from firmware_sim.noise import Noise
from firmware_sim.physics import battery, motor, sensors, thermal

_FULL: Final = 100.0 * UNIT
_START: Final = motor.START_DUTY
_SPAN: Final = 1.0 - motor.START_DUTY
_KNEADING_SHARE: Final = 0.7
"""Of a kneading zone's drive; the vibration actuator gets the rest, so that the sum is the drive."""
_WHOLE_SLOPE: Final = _SPAN / _FULL
_KNEADING_SLOPE: Final = _KNEADING_SHARE * _SPAN / _FULL
_REST_SLOPE: Final = (1.0 - _KNEADING_SHARE) * _SPAN / _FULL
_CURRENT_NOISE_MA: Final = 2.0


class Plant:
    """Everything that the firmware's outputs act on. Times in true seconds."""

    __slots__ = (
        "_ambient",
        "_both",
        "_mains",
        "_noise",
        "_slope",
        "_vibration",
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
        self._vibration = config.vibration
        self._slope = [0.0] * motor.COUNT
        self._noise = noise
        self.heater = 0.0
        """Heater power asked for, 0..1."""
        self.motors = motor.Motors()
        self.battery = battery.Battery(config.battery)
        self.pad_body = thermal.pad(config.ambient)
        self.motor_body = thermal.motors(config.ambient)
        self.pad_sensor = sensors.Thermistor(config.ambient, noise)
        self.motor_sensor = sensors.Thermistor(config.ambient, noise)
        for zone in range(motor.COUNT // 2):
            self.share(zone, kneads=False)

    def share(self, zone: int, *, kneads: bool) -> None:
        """Which of a zone's actuators its drive goes to; a zone with two shares it between them."""
        both = self._both >> zone & 1
        if kneads and both:
            slopes = (_REST_SLOPE, _KNEADING_SLOPE)
        elif kneads or not self._vibration >> zone & 1:
            slopes = (0.0, _WHOLE_SLOPE)
        else:
            slopes = (_WHOLE_SLOPE, 0.0)
        self._slope[2 * zone : 2 * zone + 2] = slopes

    def drive(self, drives: list[int]) -> None:
        """Turn each zone's drive (hundredths of a percent) into the duty of its actuators."""
        motors, slope = self.motors, self._slope
        duty, current = motors.duty, motors.current
        m = 0
        for drive in drives:
            if drive:
                duty[m] = _START + drive * slope[m] if slope[m] else 0.0
                duty[m + 1] = _START + drive * slope[m + 1] if slope[m + 1] else 0.0
            else:
                duty[m] = duty[m + 1] = 0.0
                current[m] = current[m + 1] = 0.0  # at once: a free-wheeling motor draws nothing
            m += 2
        motors.settled = False

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
