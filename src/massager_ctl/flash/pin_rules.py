"""What a wiring must be: each pin once, each zone with a motor, each kneading motor sensed (R12, R14)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

from massager_ctl.flash.boards import Board
from massager_ctl.flash.pins import Actuator, Input, Kind, Pins, PinsFile, Thermistor
from massager_ctl.model.units import ZONES

_FULL_SCALE_MV: Final = 3300
_SHORT: Final = 1.2
"""A short shows as more than 1.2 times what a locked rotor draws (docs/protocol.md 8)."""
_IDLE_MA: Final = 30
_LEAST_MV: Final = 8
"""Ten steps of a 12-bit converter: what 30 mA must at least be, or a stuck output is lost in noise (R14)."""
_MOST_MA: Final = 20_000
_FREQUENCIES: Final = range(100, 100_001)
_UART_TX: Final = (0, 4, 8, 12, 16, 20)
"""On an RP2040; each has its receiver on the next pin."""
_SLICES: Final = 8

_Problem = tuple[str, str]


def check(file: PinsFile, board: Board) -> tuple[Pins, list[str]]:
    """The pins, and what a maker should know about them; `FirmwareError` with every fault in the file."""
    pins = file.pins
    problems = [file.at(where, what) for where, what in _faults(pins, board)]
    if problems:
        raise file.refused(problems)
    return pins, list(_remarks(pins))


def _remarks(pins: Pins) -> Iterator[str]:
    if pins.SWITCH is None:
        yield "SWITCH is None: for the bench only. No one may wear a device whose motors a hung processor can keep on."
    if pins.PAD_SENSOR is None:
        yield "PAD_SENSOR is None: nothing watches how warm the pad becomes."


def _faults(pins: Pins, board: Board) -> Iterator[_Problem]:
    if board.name != pins.BOARD:
        yield "BOARD", f"these are the pins of '{pins.BOARD}', and this is '{board.name}'"
    yield from _names(pins)
    yield from _used_once(pins, board)
    yield from _zones(pins)
    for index, actuator in enumerate(pins.ACTUATORS):
        yield from _actuator(f"ACTUATORS[{index}]", actuator, pins.kind_of(actuator))
    yield from _kind("VIBRATION", pins.VIBRATION)
    yield from _kind("KNEADING", pins.KNEADING)
    yield from _slices(pins)
    yield from _analogue(pins, board)
    yield from _links(pins, board)
    yield from _supply(pins)


def _names(pins: Pins) -> Iterator[_Problem]:
    """Both go over the link as ASCII, and into addresses such as `ble:NAME`."""
    if not re.fullmatch(r"[A-Za-z0-9-]+( [A-Za-z0-9-]+)*", pins.NAME):
        yield "NAME", "it may hold letters, digits, hyphens, and single blanks between words"
    if not re.fullmatch(r"[A-Za-z0-9-]*", pins.SERIAL):
        yield "SERIAL", "it may hold letters, digits and hyphens"


def _pins(pins: Pins) -> Iterator[tuple[str, int]]:
    """Each pin with the name of what it is used for."""
    for index, actuator in enumerate(pins.ACTUATORS):
        for part in ("pwm", "direction", "second"):
            pin = getattr(actuator, part)
            if pin is not None:
                yield f"ACTUATORS[{index}].{part}", pin
    yield "BUTTON.normally_closed", pins.BUTTON.normally_closed
    yield "BUTTON.normally_open", pins.BUTTON.normally_open
    if pins.SWITCH is not None:
        yield "SWITCH.enable", pins.SWITCH.enable
        yield "SWITCH.edge", pins.SWITCH.edge
    if pins.MUX is not None:
        for index, pin in enumerate(pins.MUX.select):
            yield f"MUX.select[{index}]", pin
        yield "MUX.adc", pins.MUX.adc
    if pins.UART is not None:
        yield "UART.tx", pins.UART.tx
        yield "UART.rx", pins.UART.rx
    for name, pin in (
        ("SLEEP", pins.SLEEP),
        ("LED", pins.LED),
        ("SUPPLY.charger", pins.SUPPLY.charger),
    ):
        if pin is not None:
            yield name, pin
    for name, source in _inputs(pins):
        if isinstance(source, int):
            yield name, source


def _inputs(pins: Pins) -> Iterator[tuple[str, Input]]:
    """Each voltage that is measured."""
    for index, actuator in enumerate(pins.ACTUATORS):
        if actuator.sense is not None:
            yield f"ACTUATORS[{index}].sense", actuator.sense
    if pins.SWITCH is not None:
        yield "SWITCH.sense", pins.SWITCH.sense
    if pins.PAD_SENSOR is not None:
        yield "PAD_SENSOR.input", pins.PAD_SENSOR.input
    if pins.MOTOR_SENSOR is not None:
        yield "MOTOR_SENSOR.input", pins.MOTOR_SENSOR.input
    yield "SUPPLY.input", pins.SUPPLY.input


def _used_once(pins: Pins, board: Board) -> Iterator[_Problem]:
    user: dict[int, str] = {}
    for name, pin in _pins(pins):
        if pin not in board.gpio:
            yield name, f"GP{pin} is not a pin of this board"
        elif pin in user:
            yield name, f"GP{pin} is used twice: {user[pin]} has it already"
        user.setdefault(pin, name)


def _zones(pins: Pins) -> Iterator[_Problem]:
    known = [zone.value for zone in ZONES]
    if not pins.ZONES:
        yield "ZONES", "there is no zone"
    for zone in pins.ZONES:
        if zone not in known:
            yield (
                "ZONES",
                f"'{zone}' is not a zone that may be powered; these are: {', '.join(known)}",
            )
        elif not any(actuator.zone == zone for actuator in pins.ACTUATORS):
            yield (
                "ZONES",
                f"the zone '{zone}' has no actuator: give it one, or take it off this list",
            )
    seen: dict[tuple[str, str], int] = {}
    for index, actuator in enumerate(pins.ACTUATORS):
        place = f"ACTUATORS[{index}]"
        if actuator.zone not in pins.ZONES:
            yield f"{place}.zone", f"'{actuator.zone}' is not in ZONES"
        first = seen.setdefault((actuator.zone, actuator.kind), index)
        if first != index:
            yield place, f"'{actuator.zone}' has a {actuator.kind} actuator already: number {first}"


def _kind(place: str, kind: Kind | None) -> Iterator[_Problem]:
    if kind is None:
        return
    if not _between(kind.start_duty, 0.5, 60):
        yield f"{place}", f"a start_duty of {kind.start_duty:g} is not from 0.5 to 60 percent"
    if not 1 <= kind.locked_ma <= _MOST_MA:
        yield f"{place}", f"a locked_ma of {kind.locked_ma} is not from 1 to {_MOST_MA}"
    if kind.frequency not in _FREQUENCIES:
        yield f"{place}", f"a frequency of {kind.frequency} Hz is not from 100 to 100000"


def _actuator(place: str, actuator: Actuator, kind: Kind | None) -> Iterator[_Problem]:
    if kind is None:
        yield f"{place}.kind", f"{actuator.kind.upper()} is None"
        return
    if actuator.direction is not None and actuator.second is not None:
        yield place, "it has 'direction' and 'second': a driver has one of them"
    if actuator.kind == "kneading":
        if actuator.direction is None and actuator.second is None:
            yield (
                place,
                "a kneading motor turns both ways: give 'direction' or 'second' (an H-bridge)",
            )
        if actuator.sense is None:
            yield (
                f"{place}.sense",
                "a kneading motor needs its current sensed, so that a stall cuts it",
            )
    if actuator.sense is None:
        return
    if not _between(actuator.sense_ohms, 1e-3, 1e4):
        yield (
            f"{place}.sense_ohms",
            f"a sense resistor of {actuator.sense_ohms:g} ohms shows no current: "
            "give the volts that 'sense' has for each ampere",
        )
        return
    most = _SHORT * kind.locked_ma * actuator.sense_ohms
    if most > _FULL_SCALE_MV:
        yield (
            f"{place}.sense_ohms",
            f"a short ({_SHORT * kind.locked_ma:.0f} mA) would be {most:.0f} mV, and the converter ends at "
            f"{_FULL_SCALE_MV}: take a smaller resistor",
        )
    least = _IDLE_MA * actuator.sense_ohms
    if least < _LEAST_MV:
        yield (
            f"{place}.sense_ohms",
            f"{_IDLE_MA} mA would be {least:.1f} mV, too little to see a stuck output: at least {_LEAST_MV}",
        )


def _between(value: float, least: float, most: float) -> bool:
    return math.isfinite(value) and least <= value <= most


def _slices(pins: Pins) -> Iterator[_Problem]:
    """Sixteen PWM outputs: pins that are 16 apart share one, and two neighbours share a frequency."""
    output: dict[tuple[int, int], str] = {}
    frequency: dict[int, tuple[str, int]] = {}
    for index, actuator in enumerate(pins.ACTUATORS):
        kind = pins.kind_of(actuator)
        for part in ("pwm", "second"):
            pin = getattr(actuator, part)
            if pin is None or kind is None:
                continue
            name = f"ACTUATORS[{index}].{part}"
            slice_number = pin // 2 % _SLICES
            other = output.setdefault((slice_number, pin % 2), name)
            if other != name:
                yield name, f"GP{pin} has the same PWM output as {other}: move one of them"
            first, hertz = frequency.setdefault(slice_number, (name, kind.frequency))
            if hertz != kind.frequency:
                yield name, f"GP{pin} shares its PWM frequency with {first}: {hertz} Hz there"


def _analogue(pins: Pins, board: Board) -> Iterator[_Problem]:
    channels: dict[str, str] = {}
    for name, source in _inputs(pins):
        if isinstance(source, int):
            if source not in board.adc:
                yield name, f"GP{source} cannot measure a voltage; these can: {_listed(board.adc)}"
        elif pins.MUX is None:
            yield name, f"'{source}' is on the multiplexer, and MUX is None"
        elif source not in {f"mux{channel}" for channel in range(8)}:
            yield name, f"'{source}' is neither a pin nor one of mux0 to mux7"
        elif channels.setdefault(source, name) != name:
            yield name, f"'{source}' is used twice: {channels[source]} has it already"
    if pins.MUX is not None and pins.MUX.adc not in board.adc:
        yield "MUX.adc", f"GP{pins.MUX.adc} cannot measure a voltage"
    for name, thermistor in (("PAD_SENSOR", pins.PAD_SENSOR), ("MOTOR_SENSOR", pins.MOTOR_SENSOR)):
        if thermistor is not None:
            yield from _thermistor(name, thermistor)
    if not _between(pins.ADC.reference_mv, 2500, 3600):
        yield "ADC", f"a reference of {pins.ADC.reference_mv:g} mV is not from 2500 to 3600"
    if not _between(pins.ADC.zero_mv, -50, 50):
        yield "ADC", f"{pins.ADC.zero_mv:g} mV at zero volts is not from -50 to 50"


def _thermistor(name: str, thermistor: Thermistor) -> Iterator[_Problem]:
    for part in ("pull_up_ohms", "ohms_25", "beta"):
        value = getattr(thermistor, part)
        if not _between(value, 100, 1e6):
            yield name, f"'{part}' of {value:g} is not from 100 to 1000000"


def _links(pins: Pins, board: Board) -> Iterator[_Problem]:
    if not (pins.USB or pins.UART or pins.BLUETOOTH):
        yield "USB", "there is no link to any host: switch on USB, UART or BLUETOOTH"
    if pins.BLUETOOTH and not board.radio:
        yield "BLUETOOTH", "this board has no radio"
    if pins.UART is not None and (pins.UART.tx not in _UART_TX or pins.UART.rx != pins.UART.tx + 1):
        pairs = ", ".join(f"{tx}/{tx + 1}" for tx in _UART_TX)
        yield "UART", f"a serial port has its tx and rx on one of these pairs: {pairs}"


def _supply(pins: Pins) -> Iterator[_Problem]:
    supply = pins.SUPPLY
    for name, divider in (
        ("SUPPLY", supply.divider),
        *([("SWITCH", pins.SWITCH.divider)] if pins.SWITCH is not None else []),
    ):
        if not _between(divider, 1, 100):
            yield name, f"a divider of {divider:g} is not from 1 to 100"
    if not 1000 <= supply.lowest_mv <= 60_000:
        yield "SUPPLY", f"'lowest_mv' of {supply.lowest_mv} is not from 1000 to 60000"
    if not supply.mains and not 0 < supply.empty_mv < supply.full_mv:
        yield "SUPPLY", "a battery needs 'empty_mv' and 'full_mv', and the first is the lower one"


def _listed(pins: tuple[int, ...]) -> str:
    return ", ".join(f"GP{pin}" for pin in pins)
