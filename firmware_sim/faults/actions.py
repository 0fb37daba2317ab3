"""What each fault does to the simulated device, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Final

from firmware_sim.config import ZONES, DeviceConfig, with_claims
from firmware_sim.faults.plan import Start, Undo
from firmware_sim.physics.motor import LOAD, SHORTED
from firmware_sim.physics.sensors import SensorFault
from massager_fw.board import ACTUATORS, FULL, RECORDS
from massager_fw.states import Cause

if TYPE_CHECKING:
    from firmware_sim.device import SimulatedDevice
    from firmware_sim.physics.plant import Plant
    from firmware_sim.physics.thermal import Body

_LOCKED: Final = 1.0


def number(text: str, default: float, low: float, high: float) -> float:
    """The number in `text`; `ValueError` outside of its range."""
    value = float(text) if text else default
    if not (isfinite(value) and low <= value <= high):
        raise ValueError(f"it is a number from {low:g} to {high:g}")
    return value


def _motors(text: str) -> list[int]:
    if text in ("", "all"):
        return list(range(ACTUATORS))
    if text not in ZONES:
        raise ValueError(f"it is all, or one of {', '.join(ZONES)}")
    zone = ZONES.index(text)
    return [2 * zone, 2 * zone + 1]


# --- flaws: there from the start


def clock(config: DeviceConfig, text: str) -> DeviceConfig:
    """Device seconds per true second, as a percentage of deviation."""
    share = number(text.removesuffix("%"), 10.0, -50.0, 50.0)
    return replace(config, clock_rate=1.0 + share / 100.0)


def battery(config: DeviceConfig, text: str) -> DeviceConfig:
    """State of charge at power-on."""
    return replace(config, battery=number(text, 12.0, 0.0, 100.0))


def lie_cap(config: DeviceConfig, text: str) -> DeviceConfig:
    """INFO claims other caps than the device keeps."""
    cap = int(number(text, 255, 0, 255))
    return with_claims(config, caps=(cap,) * 6, sum_cap=255, rise=255)


def lie_real(config: DeviceConfig, _text: str) -> DeviceConfig:
    """INFO does not say that the device is simulated."""
    return with_claims(config, simulated=False)


def no_sensing(config: DeviceConfig, _text: str) -> DeviceConfig:
    """Neither motor current nor motor speed."""
    return replace(config, sensing=config.sensing & ~3)


def lie_later(text: str) -> Start:
    """From now on INFO claims other caps than it did."""
    cap = int(number(text, 30, 0, 255))

    def start(device: SimulatedDevice) -> Undo:
        core, before = device.firmware.core, device.firmware.config
        core.config = with_claims(before, caps=(cap,) * 6)

        def undo() -> None:
            core.config = before

        return undo

    return start


# --- motors


def _motor_values(
    text: str, pick: Callable[[SimulatedDevice], list[float]], value: float, normal: float
) -> Start:
    motors = _motors(text)

    def put(device: SimulatedDevice, to: float) -> None:
        for m in motors:
            pick(device)[m] = to
        device.firmware.plant.motors.disturb()

    def start(device: SimulatedDevice) -> Undo:
        put(device, value)
        return lambda: put(device, normal)

    return start


def stall(text: str) -> Start:
    """The rotor is locked."""
    return _motor_values(text, lambda device: device.firmware.plant.motors.load, _LOCKED, LOAD)


def over_current(text: str) -> Start:
    """The winding is shorted."""
    return _motor_values(text, lambda device: device.firmware.plant.motors.shorted, SHORTED, 1.0)


def pwm_stuck(text: str) -> Start:
    """The power stage no longer obeys."""
    chosen = _motors(text)

    def start(device: SimulatedDevice) -> Undo:
        motors = device.firmware.plant.motors
        motors.stuck.update(dict.fromkeys(chosen, float(FULL)))
        device.firmware.plant.motors.disturb()

        def undo() -> None:
            for m in chosen:
                motors.stuck.pop(m, None)
            device.firmware.plant.motors.disturb()

        return undo

    return start


# --- heat and sensors


def _warmed(watts: float, body_of: Callable[[Plant], Body]) -> Start:
    def start(device: SimulatedDevice) -> Undo:
        body = body_of(device.firmware.plant)
        body.extra_w = watts
        return lambda: setattr(body, "extra_w", 0.0)

    return start


def overheat(text: str) -> Start:
    """External heat on the pad."""
    return _warmed(number(text, 20.0, 0.0, 500.0), lambda plant: plant.pad_body)


def motor_hot(text: str) -> Start:
    """External heat on the motors."""
    return _warmed(number(text, 40.0, 0.0, 500.0), lambda plant: plant.motor_body)


def _sensor(text: str, fault: SensorFault) -> Start:
    which = text or "pad"
    if which not in ("pad", "motor"):
        raise ValueError("it is pad or motor")

    def start(device: SimulatedDevice) -> Undo:
        plant = device.firmware.plant
        sensor = plant.pad_thermistor if which == "pad" else plant.motor_thermistor
        sensor.fault = fault
        return lambda: setattr(sensor, "fault", SensorFault.NONE)

    return start


def sensor_open(text: str) -> Start:
    """The ADC reads one end."""
    return _sensor(text, SensorFault.OPEN)


def sensor_short(text: str) -> Start:
    """The ADC reads the other end."""
    return _sensor(text, SensorFault.SHORT)


def sensor_frozen(text: str) -> Start:
    """Conversions go on, and give what they gave."""
    return _sensor(text, SensorFault.FROZEN)


def sensor_stopped(text: str) -> Start:
    """No more conversions."""
    return _sensor(text, SensorFault.STOPPED)


# --- supply, processor, memory


def battery_sag(text: str) -> Start:
    """The voltage under load drops; it looks like an empty pack."""
    volts = number(text, 1.8, 0.0, 8.4)

    def start(device: SimulatedDevice) -> Undo:
        pack = device.firmware.plant.battery
        pack.sag_v = volts
        return lambda: setattr(pack, "sag_v", 0.0)

    return start


def brown_out(_text: str) -> Start:
    """More sag than the supply can bear."""
    return battery_sag("6")


def charging(_text: str) -> Start:
    """The charger is plugged in."""

    def start(device: SimulatedDevice) -> Undo:
        pack = device.firmware.plant.battery
        pack.charging = True
        return lambda: setattr(pack, "charging", False)

    return start


def hang(_text: str) -> Start:
    """The firmware stops where it is."""
    return once(lambda device: device.firmware.core.hang())


def reboot(_text: str) -> Start:
    """A reset."""
    return once(lambda device: device.firmware.core.restart(Cause.NONE))


def nvm_flip(text: str) -> Start:
    """One bit of a record, seen at the next boot, which is now."""
    record = text or "allowance"
    if record not in RECORDS:
        raise ValueError(f"it is one of {', '.join(RECORDS)}")

    def start(device: SimulatedDevice) -> None:
        device.firmware.plant.nvm.flip(record, 3)
        device.firmware.core.restart(Cause.NONE)

    return start


def nvm_stuck(_text: str) -> Start:
    """Writes have no effect."""

    def start(device: SimulatedDevice) -> Undo:
        nvm = device.firmware.plant.nvm
        nvm.stuck = True
        return lambda: setattr(nvm, "stuck", False)

    return start


def used(text: str) -> Start:
    """Another host's running time."""
    seconds = number(text, 600.0, 0.0, 1e6)
    return once(lambda device: device.firmware.core.memory.add_life(round(seconds)))


def once(do: Callable[[SimulatedDevice], None]) -> Start:
    """A fault that is over as soon as it has happened."""

    def start(device: SimulatedDevice) -> None:
        do(device)

    return start


# --- the button


def button(text: str) -> Start:
    """Down, and up again."""
    seconds = number(text, 0.2, 0.01, 3600.0)

    def start(device: SimulatedDevice) -> None:
        device.press()
        device.later(seconds, device.release)

    return start


def button_stuck(_text: str) -> Start:
    """Down, and it stays there."""

    def start(device: SimulatedDevice) -> Undo:
        device.press()
        return device.release

    return start


def button_bounce(_text: str) -> Start:
    """Down with ten bounces of 4 ms, and up with as many."""

    def start(device: SimulatedDevice) -> None:
        device.press()
        for k in range(10):
            device.later(0.004 + 0.008 * k, device.release)
            device.later(0.008 + 0.008 * k, device.press)
        device.later(0.2, device.release)
        for k in range(10):
            device.later(0.204 + 0.008 * k, device.press)
            device.later(0.208 + 0.008 * k, device.release)

    return start


def button_open(_text: str) -> Start:
    """The cable breaks."""

    def start(device: SimulatedDevice) -> Undo:
        device.cable(is_open=True)
        return lambda: device.cable(is_open=False)

    return start
