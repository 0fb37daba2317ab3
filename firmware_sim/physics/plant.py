"""A board that is simulated: motors, pad, battery, sensors and memory, with the faults that befall them."""

from __future__ import annotations

from typing import Final

from firmware_sim.config import DeviceConfig
from firmware_sim.nvm import Nvm
from firmware_sim.outputs import SendTo
from firmware_sim.physics import battery, motor, sensors, thermal
from firmware_sim.splitmix import SplitMix64
from massager_fw.board import CABLE_OPEN, PRESSED, RECORDS, RELEASED, Board
from massager_fw.config import FRAME_TICKS, TICK_MS

_CURRENT_NOISE_MA: Final = 2.0
_FRAME_S: Final = FRAME_TICKS * TICK_MS / 1000


class Plant(Board):
    """Everything that the firmware's outputs act on, and that it senses. Times in true seconds."""

    __slots__ = (
        "_ambient",
        "_cable_open",
        "_contact",
        "_frame_s",
        "_mains",
        "_noise",
        "_random",
        "_seed",
        "battery",
        "battery_percent",
        "button",
        "charging",
        "current_ma",
        "heater",
        "kept",
        "motor_body",
        "motor_sensor",
        "motor_thermistor",
        "motors",
        "nvm",
        "outputs",
        "pad_body",
        "pad_sensor",
        "pad_thermistor",
        "powered",
        "speed",
        "supply_mv",
    )

    def __init__(self, config: DeviceConfig, nvm: Nvm, seed: int) -> None:
        self._ambient = config.ambient
        self._mains = config.mains
        self._frame_s = _FRAME_S / config.clock_rate
        self._noise = SplitMix64(seed)
        self._seed = seed
        self._random = SplitMix64(seed)
        self._contact = self._cable_open = False
        self.button = RELEASED
        self.kept = 0
        self.powered = False
        self.nvm = nvm
        self.outputs: list[SendTo] = []
        """What was sent and not taken away yet."""
        self.heater = 0.0
        """Heater power asked for, 0..1."""
        self.motors = motor.Motors()
        self.current_ma = self.motors.current
        self.speed = self.motors.speed
        self.battery = battery.Battery(config.battery)
        self.pad_body = thermal.pad(config.ambient)
        self.motor_body = thermal.motors(config.ambient)
        self.pad_thermistor = sensors.Thermistor(config.ambient, self._noise)
        self.motor_thermistor = sensors.Thermistor(config.ambient, self._noise)
        self.pad_sensor = self.pad_thermistor
        self.motor_sensor = self.motor_thermistor
        self._gauge()

    # --- what acts on it

    def contact(self, *, closed: bool) -> None:
        """The button's key closes or opens."""
        self._contact = closed
        self._wire_button()

    def cable(self, *, is_open: bool) -> None:
        """The button's cable breaks, or is mended; an open one reads as pressed."""
        self._cable_open = is_open
        self._wire_button()

    def _wire_button(self) -> None:
        self.button = CABLE_OPEN if self._cable_open else PRESSED if self._contact else RELEASED

    # --- what it senses

    def sense(self) -> None:
        """Step the motors by a tick."""
        motors = self.motors
        if not motors.settled:
            motors.step()

    def is_settled(self) -> bool:
        """Every motor has come to its speed."""
        return self.motors.settled

    def sense_slow(self) -> None:
        """Step temperatures and charge by a frame, then read each sensor once."""
        dt = self._frame_s
        amperes = self.motors.total_ma() / 1000.0
        volts = battery.RATED_V * self.motors.supply
        heat_w = thermal.HEATER_W * self.heater if self.motors.powered else 0.0
        self.pad_body.step(heat_w, self._ambient, dt)
        self.motor_body.step(amperes * volts * thermal.COPPER_LOSS, self._ambient, dt)
        self.pad_thermistor.step(self.pad_body.celsius, dt)
        self.motor_thermistor.step(self.motor_body.celsius, dt)
        if not self._mains:
            self.battery.step(amperes + heat_w / battery.RATED_V, dt)
            self.motors.supply = max(0.0, self.battery.volts / battery.RATED_V)
            self._gauge()

    def _gauge(self) -> None:
        self.supply_mv = int(self.battery.volts * 1000)
        self.battery_percent = int(self.battery.gauge())
        self.charging = self.battery.charging

    def total_ma(self) -> int:
        """The reading of the current sensor, mA."""
        read = self.motors.total_ma() + self._noise.spread(_CURRENT_NOISE_MA)
        return max(0, round(read))

    def output_stuck(self) -> bool:
        """Whether a power stage no longer obeys (fault 43)."""
        return bool(self.motors.stuck)

    # --- what it drives

    def drive(self, duty: list[int]) -> None:
        """Set the duty of each motor."""
        motors = self.motors
        motors.duty[:] = duty
        for m, driven in enumerate(duty):
            if not driven:
                motors.current[m] = 0.0  # at once: a free-wheeling motor draws nothing
        motors.disturb()

    def power(self, on: bool) -> None:
        """Close or open the independent switch."""
        self.powered = self.motors.powered = on
        self.motors.disturb()

    def heat(self, permille: int) -> None:
        """Set the heater's power."""
        self.heater = permille / 1000

    # --- links, memory, chance

    def send(self, link: int, data: bytearray, length: int) -> None:
        """Keep what is sent until it is taken away."""
        self.outputs.append(SendTo(link, bytes(data[:length])))

    def load(self, record: int, into: bytearray) -> int:
        """Read a record of the NVM."""
        raw = self.nvm.load(RECORDS[record])
        if raw is None:
            return -1
        raw = raw[: len(into)]
        into[: len(raw)] = raw
        return len(raw)

    def store(self, record: int, data: bytearray, length: int) -> None:
        """Write a record of the NVM."""
        self.nvm.store(RECORDS[record], bytes(data[:length]))

    def keep(self, value: int) -> None:
        """Keep it for as long as this object lives, which is the power's life."""
        self.kept = value

    def booted(self, count: int) -> None:
        """No challenge comes back with a reboot, although the same seed gives the same numbers."""
        self._random = SplitMix64(self._seed << 32 ^ count)

    def random(self, into: bytearray) -> None:
        """Numbers that only the seed and the boot decide."""
        into[:] = self._random.u32().to_bytes(len(into), "little")

    def feed_watchdog(self) -> None:
        """A firmware that hangs does not get here: see `firmware_sim.core`."""
