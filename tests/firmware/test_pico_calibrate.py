"""Calibration of the pico_w on the bench: what it asks the person, and what it finds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from massager_ctl.errors import FirmwareError
from massager_ctl.flash.calibrate import Bench, lines_for_pins
from massager_ctl.flash.repl import BoardFailed, open_repl
from tests.firmware.pico import Pico
from tests.firmware.running_pico import duties
from tests.firmware.unix_board import needs_micropython, relayed

pytestmark = needs_micropython


class Person:
    """Sees a motor turn from some duty on, and holds its rotor when asked to, at a share of its locked current."""

    def __init__(
        self, board: Pico, turns_from: float, *, holds: float = 1.0, refuses: str = "nothing"
    ) -> None:
        self._board = board
        self._turns_from = turns_from
        self._holds = holds
        self._refuses = refuses
        self.asked: list[str] = []

    def __call__(self, question: str) -> bool:
        self.asked.append(question)
        if question.startswith(self._refuses):
            return False
        if question.startswith("Next"):
            return True
        if question.startswith("Take the clamp off"):
            return len(self.asked) > 1 and self.asked[-2] == question
        number = sum("Hold the rotor" in one for one in self.asked) - 1
        if question.startswith("Hold"):
            self._board.hand(f"stall{number}", self._holds)
            time.sleep(0.1)
            return True
        percent = float(re.findall(r"at ([\d.]+) %", question)[0])
        return percent >= self._turns_from


def at_the_door(board: Pico) -> None:
    """Wait for the prompt, and let go of the button."""
    shown = b""
    while b">>> " not in shown:
        shown += board.read(10)
    board.hand("button", 0)


def test_calibration_finds_what_pins_needs(power: Callable[..., Pico]) -> None:
    board = power(stepped=False, button=1)
    at_the_door(board)
    person = Person(board, 7.5)
    with relayed(board.usb) as port, open_repl(port) as repl:
        bench = Bench(repl)
        assert [(one.zone, one.kind) for one in bench.motors][:2] == [
            ("trapezius_left", "vibration"),
            ("trapezius_right", "vibration"),
        ]
        found = bench.measure(bench.motors[0], person)
    assert "Hold the rotor" in person.asked[-3]
    assert person.asked[-2] == person.asked[-1], "it waits until the clamp is off"
    assert found.start_duty == 9.5
    assert found.free_ma == pytest.approx(100, abs=4)
    assert found.locked_ma == pytest.approx(400, abs=10)
    assert lines_for_pins([found]) == [
        f'VIBRATION: "start_duty": 9.5, "locked_ma": {found.locked_ma}'
    ]
    assert duties(board, 2)[-1] == 0
    assert [value for _, _, number, value in board.noted("pin") if number == 10][-1] == 0
    assert all(set(duties(board, pin)) == {0} for pin in (3, 4, 6))


@pytest.mark.parametrize("holds", [0.0, 0.49])
def test_a_rotor_that_was_not_held_or_draws_little_more_than_free_is_reported(
    power: Callable[..., Pico], holds: float
) -> None:
    """Free it draws a quarter. Held it must draw twice that, or R12 would take its work for a stall."""
    board = power(stepped=False, button=1)
    at_the_door(board)
    with relayed(board.usb) as port, open_repl(port) as repl:
        bench = Bench(repl)
        with pytest.raises(FirmwareError, match="it was not held"):
            bench.measure(bench.motors[0], Person(board, 5.0, holds=holds))
    assert duties(board, 2)[-1] == 0


@pytest.mark.parametrize("question", ["Next", "Hold"])
def test_a_motor_does_not_pull_at_full_duty_unless_the_person_agrees(
    power: Callable[..., Pico], question: str
) -> None:
    board = power(stepped=False, button=1)
    at_the_door(board)
    person = Person(board, 5.0, refuses=question)
    with relayed(board.usb) as port, open_repl(port) as repl:
        bench = Bench(repl)
        with pytest.raises(FirmwareError, match="you said no, so nothing moved"):
            bench.measure(bench.motors[0], person)
    assert person.asked[-1].startswith(question)
    assert duties(board, 2).count(65535) == {"Next": 0, "Hold": 1}[question]


def test_nothing_turns_while_the_button_is_pressed(power: Callable[..., Pico]) -> None:
    board = power(stepped=False, button=1)
    at_the_door(board)
    board.hand("button", 1)
    with relayed(board.usb) as port, open_repl(port) as repl:
        bench = Bench(repl)
        with pytest.raises(BoardFailed, match="the button is pressed"):
            bench.measure(bench.motors[0], Person(board, 5.0))
    assert set(duties(board, 2)) <= {0}
