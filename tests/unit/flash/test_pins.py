"""Pins that cannot work are reported one by one, with file and line, and nothing is built."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import FirmwareError
from massager_ctl.flash.boards import Sources, board_names, find_board
from massager_ctl.flash.build import build, outputs
from massager_ctl.flash.pin_rules import check
from massager_ctl.flash.pins import PinsFile


@pytest.fixture
def sources() -> Sources:
    return find_board("pico_w")


def problems(sources: Sources, folder: Path, *changes: tuple[str, str]) -> tuple[str, ...]:
    """What is wrong with the shipped pins after some changes of text."""
    text = sources.pins.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "pins.py"
    path.write_text(text)
    with pytest.raises(FirmwareError) as caught:
        check(PinsFile(path), sources.board)
    assert all(problem.startswith(f"{path}:") for problem in caught.value.problems)
    assert "nothing was built" in caught.value.message
    return tuple(problem.removeprefix(f"{path}:") for problem in caught.value.problems)


def test_the_shipped_pins_are_sound(sources: Sources) -> None:
    pins, remarks = check(PinsFile(sources.pins), sources.board)
    assert remarks == []
    assert outputs(pins) == (10, 11, 8, 2, 3, 4, 5, 6, 7)
    assert board_names() == ["pico_w"]


@pytest.mark.parametrize(
    ("old", "new", "problem_text"),
    [
        ('"pwm": 3', '"pwm": 2', "GP2 is used twice: ACTUATORS[0].pwm has it already"),
        ("SLEEP = 8", "SLEEP = 26", "GP26 is used twice: MUX.adc has it already"),
        ("SLEEP = 8", "SLEEP = 23", "SLEEP: GP23 is not a pin of this board"),
        ("LED = 15", "LED = 99", "LED: Expected `int` <= 47"),
        ('NAME = "Massager"', 'NAME = "Nackenmüder"', "NAME: it may hold letters, digits, hyphens"),
        ('NAME = "Massager"', 'NAME = "a\\x1b[2J"', "NAME: it may hold letters, digits, hyphens"),
        ('NAME = "Massager"', 'NAME = " a"', "NAME: it may hold letters, digits, hyphens"),
        ('SERIAL = ""', 'SERIAL = "NM/1"', "SERIAL: it may hold letters, digits and hyphens"),
        (
            'ZONES = ("trapezius_left", ',
            'ZONES = ("trapezius_left", "neck_left", ',
            "the zone 'neck_left' has no actuator: give it one, or take it off this list",
        ),
        (
            'ZONES = ("trapezius_left", ',
            'ZONES = ("neck_left", ',
            "ACTUATORS[0].zone: 'trapezius_left' is not in ZONES",
        ),
        ('"trapezius_right")', '"throat")', "'throat' is not a zone that may be powered"),
        (
            '"sense_ohms": 2.5',
            '"sense_ohms": 0',
            "a sense resistor of 0 ohms shows no current",
        ),
        ('"sense_ohms": 2.5', '"sense_ohms": 0.1', "30 mA would be 3.0 mV, too little"),
        ('"sense_ohms": 2.5', '"sense_ohms": 8.0', "the converter ends at 3300"),
        (
            'KNEADING = {"start_duty": 30.0, "locked_ma": 1000, "frequency": 20000}',
            "KNEADING = None",
            "KNEADING is None",
        ),
        ('"sense_ohms": 2.5', '"sense_ohms": 1e999', "a sense resistor of inf ohms"),
        ('BOARD = "pico_w"', 'BOARD = "esp32"', "these are the pins of 'esp32'"),
        ('"direction": 5,', "", "a kneading motor turns both ways"),
        ('"sense": "mux2",', "", "a kneading motor needs its current sensed"),
        ('"direction": 5,', '"direction": 5, "second": 9,', "it has 'direction' and 'second'"),
        ('"pwm": 6,', '"pwm": 20,', "GP20 has the same PWM output as ACTUATORS[2].pwm"),
        ('"frequency": 20000', '"frequency": 1', "a frequency of 1 Hz is not from 100"),
        (
            '{"zone": "trapezius_right", "kind": "vibration", "pwm": 3',
            '{"zone": "trapezius_right", "kind": "vibration", "pwm": 5',
            "GP5 is used twice",
        ),
        ('"start_duty": 22.0', '"start_duty": 90.0', "a start_duty of 90 is not from 0.5 to 60"),
        ('"start_duty": 22.0', '"start_duty": "22"', "Expected `float`, got `str`"),
        ('"locked_ma": 400', '"locked_ma": 0', "a locked_ma of 0 is not from 1"),
        ('"sense": "mux1"', '"sense": "mux0"', "'mux0' is used twice: ACTUATORS[0].sense"),
        ('"sense": "mux1"', '"sense": "mux9"', "neither a pin nor one of mux0 to mux7"),
        ('"sense": "mux1"', '"sense": 14', "GP14 cannot measure a voltage"),
        ('"kind": "vibration"', '"kind": "percussion"', "Invalid enum value 'percussion'"),
        ('"kind": "kneading"', '"kind": "vibration"', "has a vibration actuator already: number 0"),
        ("USB = True", "USB = True\nUSB = False", "USB is there twice"),
        ("USB = True", "USB = not False", "USB must be a plain value"),
        ("USB = True", "import os", "only NAME = value may stand here"),
        ("USB = True", "USB = (", "was never closed"),
        ("USB = True", "COLOUR = 1\nUSB = True", "unknown field `COLOUR`"),
        ("LED = 15", "", "missing required field `LED`"),
        ("UART = None", 'UART = {"tx": 0, "rx": 9}', "on one of these pairs: 0/1"),
        ('"beta": 3950.0', '"beta": 0.0', "'beta' of 0 is not from 100"),
        ('"mains": True', '"mains": False', "a battery needs 'empty_mv' and 'full_mv'"),
        ('"divider": 7.8}\n\n# Lets', '"divider": 0.0}\n\n# Lets', "a divider of 0 is not"),
        ('"lowest_mv": 9000', '"lowest_mv": 9', "'lowest_mv' of 9 is not from"),
        ('"reference_mv": 3300.0', '"reference_mv": 0.0', "a reference of 0 mV"),
        ('"zero_mv": 0.0', '"zero_mv": 500.0', "500 mV at zero volts"),
        ('MUX = {"select": (16, 17, 18), "adc": 26}', "MUX = None", "and MUX is None"),
        ('NAME = "Massager"', 'NAME = ""', "length >= 1"),
    ],
)
def test_each_is_told(
    sources: Sources, tmp_path: Path, old: str, new: str, problem_text: str
) -> None:
    found = problems(sources, tmp_path, (old, new))
    assert any(problem_text in problem for problem in found), found
    assert all(re.match(r"\d+: ", problem) for problem in found)


def test_several_are_told_together(sources: Sources, tmp_path: Path) -> None:
    found = problems(
        sources, tmp_path, ('"pwm": 3', '"pwm": 2'), ('"sense_ohms": 2.5', '"sense_ohms": 0')
    )
    assert len(found) == 3


def test_two_outputs_of_one_slice_have_one_frequency(sources: Sources, tmp_path: Path) -> None:
    found = problems(
        sources,
        tmp_path,
        ('"locked_ma": 400, "frequency": 20000', '"locked_ma": 400, "frequency": 18000'),
        ('"pwm": 6, "direction": 7', '"pwm": 19, "direction": 7'),
    )
    shared = "GP19 shares its PWM frequency with ACTUATORS[0].pwm: 18000 Hz there"
    assert any(shared in problem for problem in found)


def test_without_the_switch_it_is_for_the_bench(sources: Sources, tmp_path: Path) -> None:
    path = tmp_path / "pins.py"
    path.write_text(
        re.sub(r"(?m)^(SWITCH|PAD_SENSOR) = .*$", r"\1 = None", sources.pins.read_text())
    )
    _, remarks = check(PinsFile(path), sources.board)
    assert "for the bench only" in remarks[0]
    assert "nothing watches how warm" in remarks[1]


def test_no_link_at_all(sources: Sources, tmp_path: Path) -> None:
    found = problems(
        sources, tmp_path, ("USB = True", "USB = False"), ("BLUETOOTH = True", "BLUETOOTH = False")
    )
    assert any("no link to any host" in problem for problem in found)


def test_bad_files_and_boards_are_one_error(
    sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert run_command_line(["firmware", "build", "--board", "esp8266", "-o", out]) == 2
    assert "there is no board 'esp8266'" in capsys.readouterr().err
    missing = ["firmware", "build", "--board", "pico_w", "-o", out, "--pins", str(tmp_path / "no")]
    assert run_command_line(missing) == 2
    assert "No such file" in " ".join(capsys.readouterr().err.split()), "a long path is wrapped"
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe")
    (tmp_path / "long.py").write_bytes(b"#" * 70_000)
    for name in ("binary.py", "long.py"):
        arguments = [*missing[:-1], str(tmp_path / name)]
        assert run_command_line(arguments) == 2
        assert "is not a file of pins" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebodys_own_stays(sources: Sources, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    with pytest.raises(FirmwareError, match="is not a build"):
        build(sources, sources.pins, out)
    assert (out / "mine").read_text() == "mine"


def test_two_builds_are_the_same(sources: Sources, tmp_path: Path) -> None:
    first, _ = build(sources, sources.pins, tmp_path / "first")
    again, _ = build(sources, sources.pins, tmp_path / "again")
    assert first.raw == again.raw
    before = first.digest
    (tmp_path / "first" / "slot" / "old.mpy").write_bytes(b"old")
    replaced, _ = build(sources, sources.pins, tmp_path / "first")
    assert replaced.digest == before
    assert not (tmp_path / "first" / "slot" / "old.mpy").exists()
    assert {"pins.mpy", "about.mpy", "massager_fw/board.mpy", "typing.mpy"} <= set(first.files)
    boot = first.root["boot.py"].decode()
    assert "OUTPUTS = (10, 11, 8, 2, 3, 4, 5, 6, 7)" in boot
    assert "BUTTON = (12, 13)" in boot


def test_a_line_that_does_not_compile_is_named(sources: Sources, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sources.folder, tmp_path / "board"))
    (folder / "extra.py").write_text("x = 1\nif x\n")
    with pytest.raises(FirmwareError, match=r"extra\.py cannot be compiled for armv6m.*line 2"):
        build(find_board(str(folder)), sources.pins, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_pins_can_be_had_to_edit(
    sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pins.py"
    assert run_command_line(["firmware", "pins", "--board", "pico_w", "-o", str(path)]) == 0
    assert path.read_text() == sources.pins.read_text()
    assert run_command_line(["firmware", "pins", "--board", "pico_w", "-o", str(path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert run_command_line(["firmware", "pins", "--board", "pico_w"]) == 0
    assert capsys.readouterr().out == sources.pins.read_text()
