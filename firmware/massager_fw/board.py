"""The one interface between the rules and the hardware, real or simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.shim import const, micropython

if TYPE_CHECKING:
    from typing import Any

    ptr32 = Any

ACTUATORS = 12
"""Actuator 2i is the vibration, 2i + 1 the kneading actuator of zone i."""
FULL = 10_000
"""Full duty and no-load speed at full duty: both count in hundredths of a percent."""

RELEASED = 0
PRESSED = 1
CABLE_OPEN = 2

RECORDS = ("boot_a", "boot_b", "life", "allowance", "latch")
"""What is kept in NVM, by its number: the place in this list."""
RECORD_MAX = 208
"""Longest record in bytes, its checksum included."""


_ACTUATORS = const(12)


@micropython.viper
def together(current_ma: ptr32) -> int:
    """What all actuators draw, milliamperes; `current_ma` as `Board` has it, in whole ones."""
    total = 0
    for m in range(_ACTUATORS):
        total += current_ma[m]
    return total


class Thermometer:
    """One temperature sensor, as its last conversion read it."""

    hundredths: int | None = None
    """Hundredths of a degree Celsius; None while the converter is at one of its ends."""
    sample: int = 0
    """Counts conversions, so that a sensor which is no longer converted is noticed."""


class Board:
    """What the firmware asks of the hardware. Subclass it, and override every method that raises.

    The firmware calls these from one thread, and never from an interrupt. No method may block for more
    than 2 ms, or allocate memory on MicroPython, while a level is above zero. A board's `__init__` turns all
    outputs off before it does anything else.
    """

    __slots__ = ()

    # --- what the board senses

    button: int = RELEASED
    """`RELEASED`, `PRESSED` or `CABLE_OPEN`, raw: the firmware debounces it."""
    current_ma: list[int] | list[float]
    """Of each actuator, milliamperes; zero if it is not sensed. Fresh after `sense`.

    On MicroPython both of these are `shim.ints`, none below zero.
    """
    speed: list[int] | list[float]
    """Of each actuator, of `FULL`; zero where it is not sensed. Fresh after `sense`."""
    pad_sensor: Thermometer
    motor_sensor: Thermometer
    supply_mv: int = 0
    """Battery voltage, millivolts. Fresh after `sense_slow`, as are the next two."""
    brown_out_mv: int = 5600
    """Below this a battery ends what runs, and the firmware begins again (R13)."""
    battery_percent: int = 100
    """State of charge as it reads under load, whole percent rounded down."""
    charging: bool = False
    powered: bool = False
    """Whether the motor supply is switched on: what `power` last asked for."""
    reset_cause: int = 0
    """A `states.Cause`: NONE, WATCHDOG or BROWN_OUT."""
    kept: int = 0
    """What `keep` was given before the processor was reset; 0 after a power cycle."""

    def sense(self) -> None:
        """Read currents and speeds; every tick of 20 ms."""
        raise NotImplementedError

    def is_settled(self) -> bool:
        """Nothing that `sense` reads will change until the outputs do. Only a simulated board can know that."""
        return False

    def sense_slow(self) -> None:
        """Read temperatures and supply; every 100 ms."""
        raise NotImplementedError

    def total_ma(self) -> int:
        """What all actuators draw together, milliamperes; for TELEMETRY."""
        return together(self.current_ma)

    def output_stuck(self) -> bool:
        """Whether a power stage conducts although its duty is zero; asked before a fault latch is cleared."""
        raise NotImplementedError

    # --- what it drives

    def drive(self, duty: list[int]) -> None:
        """Set the duty of each actuator, 0 to `FULL`. The list stays the firmware's: copy what you keep."""
        raise NotImplementedError

    def power(self, on: bool) -> None:
        """Close or open the switch of the motor supply, which is independent of the power stages (R14)."""
        raise NotImplementedError

    def heat(self, permille: int) -> None:
        """Set the heater's power, 0 to 1000."""
        raise NotImplementedError

    # --- links

    def send(self, link: int, data: bytearray, length: int) -> None:
        """Send the first `length` bytes on a link. The buffer is used again after this call."""
        raise NotImplementedError

    # --- memory, chance, time

    def load(self, record: int, into: bytearray) -> int:
        """Copy a record into `into`: its length, or -1 if it was never written. Checksums are the firmware's."""
        raise NotImplementedError

    def store(self, record: int, data: bytearray, length: int) -> None:
        """Replace a record by the first `length` bytes, as a whole or not at all if the power fails."""
        raise NotImplementedError

    def keep(self, value: int) -> None:
        """Keep a byte over a reset of the processor, not over a power cycle: a scratch register of the watchdog."""
        raise NotImplementedError

    def booted(self, count: int) -> None:
        """The boot counter, before anything random is asked for: a generator without entropy mixes it in."""

    def random(self, into: bytearray) -> None:
        """Fill `into` with bytes that no one can foresee."""
        raise NotImplementedError

    def feed_watchdog(self) -> None:
        """A tick was done; 350 ms without one reset the processor and open the motor supply (R24)."""
        raise NotImplementedError
