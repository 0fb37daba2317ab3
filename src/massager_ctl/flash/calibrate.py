"""Bench: find the gentlest duty that turns each motor, and what it draws with its rotor held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from massager_ctl.errors import FirmwareError
from massager_ctl.flash.install import begin, pointed
from massager_ctl.flash.repl import BoardFailed, Repl

FIRST: Final = 5.0
STEP: Final = 2.5
LAST: Final = 60.0
MARGIN: Final = 2.0
"""Percent above the duty that was seen to turn: a cold motor is stiffer."""
_TURN_MS: Final = 1500
_HELD_MS: Final = 300
_HELD_RATIO: Final = 2.0
"""A held rotor draws so many times what a free one does: above 0.6 of it counts as a stall (R12)."""


class Motor(msgspec.Struct, frozen=True):
    """One line of ACTUATORS."""

    index: int
    zone: str
    kind: str


class Measured(msgspec.Struct, frozen=True):
    """Of one motor: percent, and milliamperes at full duty."""

    motor: Motor
    start_duty: float
    free_ma: int
    locked_ma: int


class Bench:
    """A board behind its door, with firmware on it."""

    def __init__(self, repl: Repl) -> None:
        begin(repl)
        slot = pointed(repl)
        if not slot:
            raise FirmwareError(
                "there is no firmware on this board", "Build and install it first, with your pins."
            )
        self._repl = repl
        repl.run(f"if '/{slot}' not in sys.path: sys.path.insert(0, '/{slot}')\nimport calibrate")
        actuators = repl.value("[(a['zone'], a['kind']) for a in calibrate.pins.ACTUATORS]")
        self.motors = [Motor(index, zone, kind) for index, (zone, kind) in enumerate(actuators)]

    def _pulse(self, motor: Motor, percent: float, milliseconds: int) -> int:
        try:
            return int(
                self._repl.value(f"calibrate.pulse({motor.index}, {percent}, {milliseconds})")
            )
        except BoardFailed as error:
            raise BoardFailed(
                f"{error.message}; every motor is off", "Look at the wiring, and begin again."
            ) from None

    def measure(self, motor: Motor, ask: Callable[[str], bool]) -> Measured:
        """Ask a person what cannot be sensed; `FirmwareError` if it never turned, or was not held."""
        duty = FIRST
        while not self._turns(motor, duty, ask):
            duty += STEP
            if duty > LAST:
                raise FirmwareError(
                    f"the {motor.kind} motor of {motor.zone} does not turn at {LAST:g} % either",
                    "Look at its wiring and its supply.",
                )
        name = f"{motor.zone} {motor.kind}"
        _agreed(ask, f"Next {name} turns freely at full duty for 1.5 s: look at the meter. Ready")
        free = self._pulse(motor, 100, _TURN_MS)
        _agreed(ask, f"Hold the rotor of {name} fast with a clamp; it pulls for 0.3 s. Is it held")
        locked = self._pulse(motor, 100, _HELD_MS)
        while not ask(f"Take the clamp off {name}, if there is one. Is every hand away"):
            pass  # The next motor turns after this.
        if locked < free * _HELD_RATIO:
            raise FirmwareError(
                f"held it draws {locked} mA, and free {free} mA: it was not held, or its current is not sensed",
                "Hold it faster, or look at the wire to its sense input; or the motor is not fit.",
            )
        return Measured(motor, min(LAST, duty + MARGIN), free, locked)

    def _turns(self, motor: Motor, duty: float, ask: Callable[[str], bool]) -> bool:
        drawn = self._pulse(motor, duty, _TURN_MS)
        return ask(
            f"{motor.zone} {motor.kind} at {duty:g} % ({drawn} mA): did it turn all the time"
        )


def _agreed(ask: Callable[[str], bool], question: str) -> None:
    if not ask(question):
        raise FirmwareError("you said no, so nothing moved", "Begin again when the motor is ready.")


def lines_for_pins(found: list[Measured]) -> list[str]:
    """What to write into pins.py: of each kind the highest start duty and the lowest locked-rotor current."""
    lines: list[str] = []
    for kind in ("vibration", "kneading"):
        mine = [one for one in found if one.motor.kind == kind]
        if mine:
            start = max(one.start_duty for one in mine)
            locked = min(one.locked_ma for one in mine)
            lines.append(f'{kind.upper()}: "start_duty": {start:.1f}, "locked_ma": {locked}')
    return lines
