"""`pins.py` is data: it is read as literal values and never run on this machine."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from massager_ctl.errors import FirmwareError

_MAX_BYTES: Final = 64 * 1024

Pin = Annotated[int, Meta(ge=0, le=47)]
Input = int | str
"""A pin that can convert, or `mux0` to `mux7`."""


class Kind(Struct, frozen=True, forbid_unknown_fields=True):
    """What all motors of one kind have in common."""

    start_duty: float
    """Percent: the gentlest that turns."""
    locked_ma: int
    """What one draws at full duty with its rotor held."""
    frequency: int = 20_000
    """Of the PWM, hertz."""


class Actuator(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One motor."""

    zone: str
    kind: Literal["vibration", "kneading"]
    pwm: Pin
    direction: Pin | None = None
    """For a driver with a speed input and a direction input."""
    second: Pin | None = None
    """For a driver with one input for each direction."""
    sense: Input | None = None
    sense_ohms: float = 0.0
    """Volts on `sense` for each ampere."""


class Button(Struct, frozen=True, forbid_unknown_fields=True):
    """Both contacts of a changeover: the one that is closed when it is let go, and the other."""

    normally_closed: Pin
    normally_open: Pin


class Switch(Struct, frozen=True, forbid_unknown_fields=True):
    """The retriggerable switch of the motor supply."""

    enable: Pin
    edge: Pin
    sense: Input
    """The voltage behind the switch."""
    divider: float


class Mux(Struct, frozen=True, forbid_unknown_fields=True):
    """An analogue multiplexer with eight inputs, such as 74HC4051."""

    select: tuple[Pin, Pin, Pin]
    adc: Pin


class Thermistor(Struct, frozen=True, forbid_unknown_fields=True):
    """NTC to ground, resistor to 3.3 V."""

    input: Input
    pull_up_ohms: float
    ohms_25: float
    beta: float


class Supply(Struct, frozen=True, forbid_unknown_fields=True):
    """The voltage before the switch; empty and full are those of a battery, in millivolts."""

    input: Input
    divider: float
    mains: bool
    lowest_mv: int
    empty_mv: int = 0
    full_mv: int = 0
    charger: Pin | None = None


class Uart(Struct, frozen=True, forbid_unknown_fields=True):
    """A serial port on two pins."""

    tx: Pin
    rx: Pin


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """Of the converter: its reference, and what it reads at zero volts."""

    reference_mv: float
    zero_mv: float


class Pins(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that `pins.py` says; the names are in capitals there."""

    BOARD: str
    NAME: Annotated[str, Meta(min_length=1, max_length=20)]
    SERIAL: Annotated[str, Meta(max_length=12)]
    ZONES: tuple[str, ...]
    VIBRATION: Kind | None
    KNEADING: Kind | None
    ACTUATORS: tuple[Actuator, ...]
    BUTTON: Button
    SWITCH: Switch | None
    SLEEP: Pin | None
    MUX: Mux | None
    PAD_SENSOR: Thermistor | None
    MOTOR_SENSOR: Thermistor | None
    SUPPLY: Supply
    ADC: Calibration
    UART: Uart | None
    USB: bool
    BLUETOOTH: bool
    LED: Pin | None

    def kind_of(self, actuator: Actuator) -> Kind | None:
        """What its kind has in common; None if the file says that there is none."""
        return self.VIBRATION if actuator.kind == "vibration" else self.KNEADING


class PinsFile:
    """A file of pins, with the line of every value in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[str, int] = {}
        self.text = self._read()
        try:
            self.pins = msgspec.convert(self._values(), type=Pins, strict=True)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$.")
            raise self.refused([self.at(where.rstrip("`"), what)]) from None

    def _read(self) -> str:
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise FirmwareError(
                f"cannot read {self.path}: {error.strerror}",
                "Write one to edit with: massager-ctl firmware pins -o pins.py",
            ) from None
        try:
            if len(raw) > _MAX_BYTES:
                raise ValueError(f"more than {_MAX_BYTES // 1024} KiB")
            return raw.decode()
        except ValueError as error:
            raise FirmwareError(f"{self.path} is not a file of pins: {error}") from None

    def _values(self) -> dict[str, Any]:
        try:
            tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None) or 1
            reason = getattr(error, "msg", None) or str(error)
            raise self.refused([f"{self.path}:{line}: {reason}"]) from None
        found: dict[str, Any] = {}
        for node in tree.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            place = f"{self.path}:{node.lineno}"
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                raise self.refused([f"{place}: only NAME = value may stand here"])
            name = node.targets[0].id
            if name in found:
                raise self.refused([f"{place}: {name} is there twice"])
            self._lines[name] = node.lineno
            if isinstance(node.value, ast.Tuple | ast.List):
                for index, part in enumerate(node.value.elts):
                    self._lines[f"{name}[{index}]"] = part.lineno
            try:
                found[name] = ast.literal_eval(node.value)
            except (ValueError, TypeError, RecursionError, MemoryError):
                raise self.refused(
                    [f"{place}: {name} must be a plain value, nothing that is worked out"]
                ) from None
        return found

    def at(self, where: str, what: str) -> str:
        """`file:line: what`; `where` is a name such as `ACTUATORS[1].pwm`."""
        key = where
        while key and key not in self._lines:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        shown = f"{where}: " if where else ""
        return f"{self.path}:{self._lines.get(key, 1)}: {shown}{what}"

    def refused(self, problems: list[str]) -> FirmwareError:
        """One error with every problem."""
        listed = "\n".join(f"  {problem}" for problem in problems)
        return FirmwareError(
            f"these pins cannot be used; nothing was built\n{listed}",
            "Mend them, and build again. What each means stands in the file itself.",
            tuple(problems),
        )
