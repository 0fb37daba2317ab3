"""The files of the pico_w on MicroPython: boot, self-test, motors, switch, watchdog, memory; the stand-ins tell all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import FirmwareError
from massager_ctl.flash.calibrate import Bench, lines_for_pins
from massager_ctl.flash.info import read_info
from massager_ctl.flash.manifest import Build
from massager_ctl.flash.repl import BoardFailed, open_repl
from massager_ctl.wire import messages
from tests.firmware.pico import BLOCKS, Pico, built, flashed
from tests.firmware.plain_host import PlainHost
from tests.firmware.unix_board import needs_micropython, relayed, unix_board

pytestmark = needs_micropython

VIBRATE = (1, 1, 1, 1, 1, 1)
KNEAD = (0x12, 0x12, 1, 1, 1, 1)
LEVELS = (100, 100, 0, 0, 0, 0)
START = 14417  # 22 % of 65535
BUTTON, DEAD_MAN, WATCHDOG, STALL, STUCK = 32, 16, 24, 50, 52


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return built(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, made: Build) -> Path:
    """A flash with the firmware, as the installer left it."""
    path = tmp_path_factory.mktemp("image") / "flash"
    flashed(path, made)
    return path


@pytest.fixture
def flash(image: Path, tmp_path: Path) -> Path:
    path = tmp_path / "flash"
    path.write_bytes(image.read_bytes())
    return path


@pytest.fixture
def power(made: Build, flash: Path, tmp_path: Path) -> Iterator[Callable[..., Pico]]:
    """Give a board its power; what hands do before that is an argument."""
    running: list[Pico] = []

    def on(*, stepped: bool = True, **hands: float) -> Pico:
        pins = (made.folder.parent / "pins.py").read_text()
        running.append(Pico(tmp_path / "run", flash, pins, stepped=stepped, **hands))
        return running[-1]

    yield on
    for board in running:
        board.unplug()


def boots(flash: Path) -> list[str]:
    with unix_board(flash, BLOCKS) as board, open_repl(board.port) as repl:
        return read_info(repl).boots


def duties(board: Pico, pin: int) -> list[int]:
    return [value for _, _, number, value in board.noted("pwm") if number == pin]


# --- boot


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


# --- in a session


def test_a_session_turns_the_motors_from_start_duty_and_a_stop_is_zero(
    power: Callable[..., Pico],
) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    assert host.arm().result == 0
    now = host.drive(2.0, LEVELS, VIBRATE)
    assert now.state == 2
    assert now.levels[0] > 10
    left = duties(board, 2)
    assert left[0] == 0
    assert left[1] == pytest.approx(START, abs=10)
    assert max(left) < 65535 * 0.27
    assert now.current > 0
    assert now.pad == pytest.approx(300, abs=10)
    assert host.stop().result == 0
    host.listen(0.1)
    assert duties(board, 2)[-1] == duties(board, 3)[-1] == 0
    assert duties(board, 4) == [0]


def test_a_host_that_falls_silent_is_a_dead_man(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    now = host.wait(messages.TelemetryFrame, lambda one: one.cause == DEAD_MAN)
    assert not any(now.levels)
    assert duties(board, 2)[-1] == 0


def test_usb_that_is_unplugged_ends_the_session_at_once(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    board.hand("usb", 0)
    board.wait(0.3)
    assert duties(board, 2)[-1] == 0
    zero = [line for line in board.noted("pwm") if line[2] == 2][-1][0]
    pulled = board.noted("hand")[-1][0]
    assert zero - pulled < 100
    board.hand("usb", 1)
    assert host.wait(messages.TelemetryFrame, lambda one: one.cause == 17).state == 0


def test_the_button_cuts_within_50_ms_and_latches(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    board.hand("button", 1)
    now = host.wait(messages.TelemetryFrame, lambda one: one.cause == BUTTON)
    assert now.state == 5
    pressed = board.noted("hand")[-1][0]
    assert [line for line in board.noted("pwm") if line[2] == 2][-1][0] - pressed <= 50
    assert host.arm().result == 4


def test_kneading_turns_after_five_seconds_and_a_stall_latches(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(6.5, LEVELS, KNEAD)
    assert max(duties(board, 4)) >= int(65535 * 0.30) - 1
    assert max(duties(board, 2)) > 0, "the zone's vibration shares the level"
    board.hand("stall2", 1)
    stalled = board.wait_for("hand")
    now = host.drive(1.5, LEVELS, KNEAD)
    assert (now.state, now.cause) == (6, STALL)
    cut = [line for line in board.noted("pwm") if line[2] == 4][-1]
    assert cut[3] == 0
    assert cut[0] - stalled[0] <= 800
    # A fault outlives the power.
    board.unplug()
    again = PlainHost(power())
    assert again.telemetry(within=10).cause == STALL


def test_a_power_stage_that_conducts_at_zero_opens_the_switch(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(0.5, LEVELS, VIBRATE)
    board.hand("stuck3", 1)
    host.drive(0.8, LEVELS, VIBRATE)
    now = host.telemetry()
    assert (now.state, now.cause) == (6, STUCK)
    assert not now.flags & 8
    opened = [line for line in board.noted("pin") if line[2:] == [10, 0]][-1]
    assert opened[0] - board.noted("hand")[-1][0] <= 300


def test_a_hang_is_reset_and_the_switch_opens_in_hardware(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    board.hand("hang", 1)
    _, _, after, closed = board.wait_for("bites")
    assert after <= 360
    assert closed is False, "no edge for 350 ms: the motor supply is open although PWM runs on"
    assert duties(board, 2)[-1] > 0
    board.wait_for("reset")
    board.unplug()
    again = power(hang=0)
    now = PlainHost(again).telemetry(within=10)
    assert (now.state, now.cause) == (0, WATCHDOG)
    assert not any(now.levels)


def test_an_estop_latch_outlives_the_watchdog_and_no_power_cycle(
    power: Callable[..., Pico],
) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    board.hand("button", 1)
    host.wait(messages.TelemetryFrame, lambda one: one.state == 5)
    board.hand("button", 0)
    host.listen(0.3)
    board.hand("hang", 1)
    board.wait_for("reset")
    board.unplug()
    again = power(hang=0)
    assert PlainHost(again).telemetry(within=10).state == 5
    again.unplug()
    third = power()
    assert PlainHost(third).telemetry(within=10).state == 0


def test_counters_outlive_the_power(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(3.0, LEVELS, VIBRATE)
    host.stop()
    host.listen(0.2)
    board.unplug()
    again = PlainHost(power())
    again.telemetry(within=10)
    again.send(messages.GetInfo(1))
    info = again.wait(messages.Info)
    assert info.boot == 2
    assert info.lifetime >= 2


def test_a_host_that_does_not_read_delays_no_tick(power: Callable[..., Pico]) -> None:
    board = power()
    PlainHost(board).telemetry(within=10)
    board.wait(6)  # some 60 frames of 86 bytes: more than a PTY holds
    assert board.process.poll() is None
    assert not board.noted("bites")


def test_without_the_switch_info_says_so(tmp_path: Path) -> None:
    """R14: a host takes such a device for the bench only."""
    switch = 'SWITCH = {"enable": 10, "edge": 11, "sense": "mux6", "divider": 7.8}'
    made = built(tmp_path / "made", (switch, "SWITCH = None"))
    flashed(tmp_path / "flash", made)
    pins = (tmp_path / "made" / "pins.py").read_text()
    board = Pico(tmp_path / "run", tmp_path / "flash", pins, stepped=True)
    try:
        host = PlainHost(board)
        host.telemetry(within=10)
        host.send(messages.GetInfo(5))
        assert host.wait(messages.Info).sensing & 0b100000 == 0
    finally:
        board.unplug()


def test_the_sources_run_on_the_processor_they_are_for(tmp_path: Path) -> None:
    """mpy-cross takes every file for the RP2040 too."""
    out = str(tmp_path / "out")
    assert run_command_line(["firmware", "build", "--board", "pico_w", "-o", out]) == 0


# --- on the bench


class Person:
    """Sees a motor turn from some duty on, and holds its rotor when told to."""

    def __init__(self, board: Pico, turns_from: float, *, holds: bool = True) -> None:
        self._board = board
        self._turns_from = turns_from
        self._holds = holds
        self.asked: list[str] = []

    def __call__(self, question: str) -> bool:
        self.asked.append(question)
        number = sum("Hold the rotor" in one for one in self.asked) - 1
        if question.startswith("Hold"):
            if self._holds:
                self._board.hand(f"stall{number}", 1)
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
    assert found.start_duty == 9.5
    assert found.free_ma == pytest.approx(100, abs=4)
    assert found.locked_ma == pytest.approx(400, abs=10)
    assert lines_for_pins([found]) == [
        f'VIBRATION: "start_duty": 9.5, "locked_ma": {found.locked_ma}'
    ]
    assert duties(board, 2)[-1] == 0
    assert [value for _, _, number, value in board.noted("pin") if number == 10][-1] == 0
    assert all(set(duties(board, pin)) == {0} for pin in (3, 4, 6))


def test_a_rotor_that_was_not_held_is_told(power: Callable[..., Pico]) -> None:
    board = power(stepped=False, button=1)
    at_the_door(board)
    with relayed(board.usb) as port, open_repl(port) as repl:
        bench = Bench(repl)
        with pytest.raises(FirmwareError, match="it was not held"):
            bench.measure(bench.motors[0], Person(board, 5.0, holds=False))
    assert duties(board, 2)[-1] == 0


def test_nothing_turns_while_the_button_is_pressed(power: Callable[..., Pico]) -> None:
    board = power(stepped=False, button=1)
    at_the_door(board)
    board.hand("button", 1)
    with relayed(board.usb) as port, open_repl(port) as repl:
        bench = Bench(repl)
        with pytest.raises(BoardFailed, match="the button is pressed"):
            bench.measure(bench.motors[0], Person(board, 5.0))
    assert set(duties(board, 2)) <= {0}
