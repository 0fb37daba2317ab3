"""How the pico_w boots: off first, its self-test, the installed files, and who gets a prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.flash.info import read_info
from massager_ctl.flash.manifest import Build
from massager_ctl.flash.repl import open_repl
from massager_ctl.wire import messages
from tests.firmware.pico import BLOCKS, Pico
from tests.firmware.plain_host import PlainHost
from tests.firmware.running_pico import boots
from tests.firmware.unix_board import needs_micropython, relayed, unix_board

pytestmark = needs_micropython


def test_everything_is_off_before_anything_else(power: Callable[..., Pico]) -> None:
    board = power()
    board.wait_for("watchdog")
    log = board.log()
    first = [line[1:] for line in log if line[1] != "hand"][:9]
    assert first == [["power"], *(["pin", pin, 0] for pin in (10, 8, 2, 3, 4, 5, 6, 7))]
    assert all(value == 0 for _, _, _, value in board.noted("pwm"))
    assert board.noted("watchdog")[0][2] == 350
    hertz = {number: value for _, _, number, value in board.noted("frequency")}
    assert hertz == {2: 20000, 3: 20000, 4: 20000, 6: 20000}


def test_it_says_what_it_is(power: Callable[..., Pico], made: Build, flash: Path) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.send(messages.GetInfo(5))
    info = host.wait(messages.Info)
    assert info.serial.rstrip(b"\0") == b"385283123456"
    assert info.firmware == made.manifest.firmware
    assert (info.zones, info.vibration, info.kneading) == (3, 3, 3)
    assert info.flags == 0b010  # on mains, no heat, not simulated
    assert info.sensing == 0b11101101  # no speed, no battery
    assert info.deadman == 500
    assert info.boot == 1
    board.unplug()
    assert boots(flash)[-1].startswith("boot 1: power or reset")


@pytest.mark.parametrize(
    ("hands", "why"),
    [
        ({"supply": 5000}, "the supply is at"),
        ({"pad": -200}, "the pad's thermistor is open or shorted"),
        ({"motor": 400}, "the motor's thermistor is open or shorted"),
        ({"stuck2": 1}, "actuator 1 draws current although all is off"),
        ({"switch_stuck": 1}, "the switch of the motor supply does not open"),
        ({"switch_dead": 1}, "the switch of the motor supply does not close"),
        ({"monostable_stuck": 1}, "stays closed without its edges"),
    ],
)
def test_a_failed_self_test_stays_off(
    power: Callable[..., Pico], flash: Path, hands: dict[str, float], why: str
) -> None:
    board = power(**hands)
    board.wait_for("frequency")
    board.wait(1.5)
    assert board.process.poll() is None
    assert board.read() == b""
    assert all(value == 0 for _, _, _, value in board.noted("pwm"))
    assert [value for _, _, number, value in board.noted("pin") if number == 10][-1] == 0
    assert not board.noted("watchdog")
    board.unplug()
    assert why in boots(flash)[-1]
    assert boots(flash)[-1].startswith("stays off: ")


def change(flash: Path, statements: str) -> None:
    with unix_board(flash, BLOCKS) as board, open_repl(board.port) as repl:
        repl.run(statements)


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ("_f=open('/slot_a/hardware.mpy','ab')\n_f.write(b'x')\n_f.close()", "hardware.mpy is not"),
        ("_f=open('/slot_a/manifest.json','a')\n_f.write(' ')\n_f.close()", "manifest is not what"),
        ("import os\nos.remove('/active')", "ENOENT"),
        ("_f=open('/active','w')\n_f.write('slot_c 00')\n_f.close()", "no slot is active"),
        ("import os\nos.remove('/slot_a/start.mpy')", "ENOENT"),
    ],
)
def test_what_is_not_what_was_installed_stays_off(
    power: Callable[..., Pico], flash: Path, statements: str, why: str
) -> None:
    change(flash, statements)
    board = power()
    board.wait(1.5)
    assert board.read() == b""
    assert not board.noted("frequency")
    assert not board.noted("watchdog")
    board.unplug()
    assert why in boots(flash)[-1]


def test_the_button_held_at_boot_is_the_door(power: Callable[..., Pico]) -> None:
    board = power(stepped=False, button=1)
    shown = b""
    while b">>> " not in shown:
        shown += board.read(10)
    with relayed(board.usb) as port, open_repl(port) as repl:
        assert read_info(repl).sound
    assert not board.noted("frequency")
    assert [value for _, _, number, value in board.noted("pin") if number == 10] == [0]


def test_a_broken_cable_is_no_hand(power: Callable[..., Pico]) -> None:
    board = power(cable=0)
    now = PlainHost(board).telemetry(within=10)
    assert now.state == 5  # latched, and no prompt
    assert now.cause == 33


def test_no_byte_leads_to_a_prompt(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    for _ in range(5):
        board.write(b"\x03\x03\r\x01\x04import os\r\n\x02\x00")
        host.listen(0.2)
    before = host.telemetry().counter
    host.listen(0.5)
    assert host.telemetry().counter > before + 3
    assert board.process.poll() is None


def test_the_sources_run_on_the_processor_they_are_for(tmp_path: Path) -> None:
    """mpy-cross takes every file for the RP2040 too."""
    out = str(tmp_path / "out")
    assert run_command_line(["firmware", "build", "--board", "pico_w", "-o", out]) == 0
