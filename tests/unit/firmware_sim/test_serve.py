"""`massager-sim` as a process: when it is ready, signals, fleets, and commands at a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.firmware_sim.terminal import PATIENCE_S, Terminal, left_in

from firmware_sim import wire
from firmware_sim.cli import main
from firmware_sim.faults.catalog import FAULTS, FLAWS
from massager_fw.states import State


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(*words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "firmware_sim", "serve", *words],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str], number: int) -> int:
    process.send_signal(number)
    return process.wait(PATIENCE_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serve_says_when_it_is_ready_and_ends_cleanly(
    simulator: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: int
) -> None:
    process = simulator("--pty", "m", "--tcp", "127.0.0.1:0", "--trace", "t.jsonl", "--nvm", "n")
    assert line(process) == "ready: serial m"
    assert line(process).startswith("ready: tcp 127.0.0.1:")
    assert finish(process, number) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n", "t.jsonl"]
    assert '"type":"header"' in (tmp_path / "t.jsonl").read_text(encoding="utf-8")


def test_sigusr1_presses_the_button(
    simulator: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = simulator("--pty", "m", "--seed", "3", "--battery", "50", "--option", "heat=off")
    line(process)
    terminal = Terminal(tmp_path / "m")
    process.send_signal(signal.SIGUSR1)
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        terminal.read()
        if any(isinstance(m, wire.Telemetry) and m.state == State.LATCHED for m in terminal.heard):
            break
        time.sleep(0.02)
    else:
        pytest.fail("the button was not pressed")
    terminal.close()
    assert finish(process, signal.SIGTERM) == 0


def test_a_fleet_has_serial_numbers_ports_and_traces_of_its_own(
    simulator: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = simulator("--pty", "m", "--count", "3", "--trace", "t.jsonl", "--fault", "stall@99")
    assert [line(process) for _ in range(3)] == [f"ready: serial m{k}" for k in range(3)]
    terminals = [Terminal(tmp_path / f"m{k}") for k in range(3)]
    serials: set[str] = set()
    give_up = time.monotonic() + PATIENCE_S
    for terminal in terminals:
        terminal.write(wire.GetInfo(1))
    while len(serials) < 3 and time.monotonic() < give_up:
        for terminal in terminals:
            terminal.read()
            serials |= {m.serial for m in terminal.heard if isinstance(m, wire.Info)}
        time.sleep(0.02)
    assert serials == {"SIM-00000001", "SIM-00000002", "SIM-00000003"}
    for terminal in terminals:
        terminal.close()
    assert finish(process, signal.SIGTERM) == 0
    assert {path.name for path in tmp_path.glob("t*.jsonl")} == {"t0.jsonl", "t1.jsonl", "t2.jsonl"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no link: give --pty PATH"),
        (["--tcp", "nowhere"], "not a HOST:PORT"),
        (["--tcp", "127.0.0.1:99999"], "not a HOST:PORT"),
        (["--pty", "m", "--fault", "nonsense"], "no fault 'nonsense'"),
        (["--pty", "m", "--option", "colour=red"], "no option"),
        (["--pty", "m", "--scenario", "none.yaml"], "cannot read the scenario"),
        (["--pty", "m", "--trace", "none/t"], "cannot write the trace"),
        (["--pty", "m", "--trace", "kept"], "there is a file of that name"),
        (["--pty", "none/m"], "cannot make the serial port"),
        (["--pty", "m", "--nvm", "."], "cannot read the NVM file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").write_text("an older trace")
    result = CliRunner().invoke(main, ["serve", *words])
    assert (tmp_path / "kept").read_text() == "an older trace"
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


def test_the_faults_are_listed() -> None:
    result = CliRunner().invoke(main, ["faults"])
    assert result.exit_code == 0
    listed = {text.split()[0] for text in result.output.splitlines() if text.startswith("  ")}
    assert listed == {*FAULTS, *FLAWS}


def test_help_has_examples() -> None:
    result = CliRunner().invoke(main, ["serve", "--help"])
    assert "massager-sim serve --pty /tmp/massager" in result.output


def test_commands_can_be_typed_at_a_terminal(
    simulator: Callable[..., subprocess.Popen[str]], terminal: tuple[int, int], tmp_path: Path
) -> None:
    person, program = terminal
    process = simulator("--pty", "m", stdin=program)
    assert line(process) == "ready: serial m"

    def typed(word: str) -> None:
        os.write(person, f"{word}\n".encode())

    typed("status")
    assert line(process).startswith("SIM-00000001: idle, cause none, levels 0.0")
    typed("press")
    assert line(process) == "The button is held down; `release` lets it go."
    typed("release")
    typed("status")
    assert line(process).startswith("SIM-00000001: latched, cause button")
    typed("")
    typed("dance")
    assert line(process).startswith("unknown: dance. There are: press, release, hold")
    typed("hold")
    typed("quit")
    assert process.wait(PATIENCE_S) == 0
    assert left_in(tmp_path) == []


def test_the_end_of_input_does_not_end_the_device(
    simulator: Callable[..., subprocess.Popen[str]], terminal: tuple[int, int]
) -> None:
    person, program = terminal
    process = simulator("--tcp", "127.0.0.1:0", stdin=program)
    assert line(process).startswith("ready: tcp")
    os.write(person, b"\x04")
    time.sleep(0.3)
    assert process.poll() is None
    assert finish(process, signal.SIGTERM) == 0
