"""`run` on real terminals: the picture, the keys, and the terminal given back."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from massager_ctl.safety.screening import BY_ID
from tests.e2e.programs import BIN, PATIENCE_S, Terminal, Workstation


def test_a_session_on_a_terminal(desk: Workstation) -> None:
    with Terminal(desk, "run", "restorative", "--speed", "300") as terminal:
        terminal.wait_for("Restorative session")
        terminal.wait_for("trapezius")
        assert terminal.wait() == 0
        assert "Finished after 10 min. The device is confirmed at zero." in terminal.text
        assert terminal.given_back()


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (" ", "you stopped it"),
        ("s", "you stopped it"),
        ("q", "you ended it"),
        ("!", "pain was reported"),
    ],
)
def test_keys_that_end_a_session(desk: Workstation, key: str, says: str) -> None:
    with Terminal(desk, "run", "restorative", "--speed", "5") as terminal:
        terminal.wait_for("9 min")
        terminal.type(key)
        if key == "!":
            terminal.wait_for("What was it")
            terminal.type("m\n")
        assert terminal.wait() == 0
        assert says in terminal.text
        assert "confirmed at zero" in terminal.text
        assert terminal.given_back()


def test_keys_that_steer_a_session(desk: Workstation) -> None:
    with Terminal(desk, "run", "restorative") as terminal:
        terminal.wait_for("space")
        terminal.wait_for("9 min 5")
        terminal.type("-")
        terminal.wait_for("eased by 5 points")
        terminal.type("p")
        terminal.wait_for("p goes on")
        terminal.type("x\x1b[A")  # signs of life, nothing else
        terminal.type("p+")
        end = time.monotonic() + PATIENCE_S
        while (status := desk.status()) is None or status["eased"] or status["phase"] != "running":
            assert time.monotonic() < end, status
        terminal.type(" ")
        assert terminal.wait() == 0


def test_ctrl_c_on_the_terminal(desk: Workstation) -> None:
    with Terminal(desk, "run", "restorative") as terminal:
        terminal.wait_for("9 min 5")
        terminal.type("\x03\x03")
        assert terminal.wait() == 130
        assert "confirmed at zero" in terminal.text
        assert terminal.given_back()


def test_ctrl_c_at_the_question_of_a_reset_leaves_the_latch(desk: Workstation) -> None:
    with desk.simulator() as simulator:
        simulator.send_signal(signal.SIGUSR1)
        with Terminal(desk, "reset", "--device", desk.device) as terminal:
            terminal.wait_for("Type reset to clear it")
            assert "`massager-ctl reset`" in terminal.text, "no command is cut in two"
            terminal.type("\x03")
            assert terminal.wait() == 130
            assert "nothing was changed" in terminal.text
        assert desk.ctl("reset", "--device", desk.device, stdin="reset\n").returncode == 0


def test_the_first_ctrl_c_ends_the_questions(desk: Workstation) -> None:
    with Terminal(desk, "screen") as terminal:
        terminal.wait_for(r"1 of 17[^[]*\[yes, no, not certain\] ")  # before that, no one is asked
        terminal.type("\x03")
        assert terminal.wait() == 130


def test_the_first_ctrl_c_at_the_question_about_today_starts_nothing(desk: Workstation) -> None:
    form = desk.folder / "answers.toml"
    form.write_text("".join(f'{name} = "no"\n' for name in BY_ID if name != "symptoms"))
    desk.ctl("screen", "--answers", str(form))
    with desk.simulator():
        for command in (("run", "gentle"), ("manual",)):
            with Terminal(desk, *command, "--device", desk.device) as terminal:
                terminal.wait_for(r"today[^[]*\[yes, no, not certain\] ")
                terminal.type("\x03")
                assert terminal.wait() == 130
                assert terminal.given_back()
    assert not desk.moved()


def test_ctrl_z_ends_the_session_rather_than_leave_it_alone(desk: Workstation) -> None:
    with Terminal(desk, "run", "restorative") as terminal:
        terminal.wait_for("9 min 5")
        terminal.type("\x1a")
        assert terminal.wait() == 130
        assert terminal.given_back()


def test_a_terminal_that_hangs_up_stops_the_session(desk: Workstation) -> None:
    with desk.simulator():
        terminal = Terminal(desk, "run", "restorative", "--device", desk.device, "--simulated")
        try:
            terminal.wait_for("9 min 5")
            desk.wait_until_it_moves()
            terminal.process.send_signal(signal.SIGHUP)
            assert terminal.wait() == 130
        finally:
            terminal.close()
    assert desk.moved()
    assert desk.at_zero()


def test_no_colour(desk: Workstation) -> None:
    desk.env["NO_COLOR"] = "1"
    with Terminal(desk, "run", "desk-break", "--speed", "max") as terminal:
        assert terminal.wait() == 0
        assert "Desk break" in terminal.text
        assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)


def test_a_dumb_terminal_gets_plain_lines(desk: Workstation) -> None:
    desk.env["TERM"] = "dumb"
    with Terminal(desk, "run", "desk-break", "--speed", "max") as terminal:
        assert terminal.wait() == 0
        assert "Desk break" in terminal.text
        assert "\x1b" not in terminal.text


@pytest.mark.needs("tmux")
def test_what_tmux_shows_at_80_by_24(desk: Workstation) -> None:
    server = Path(desk.folder) / "tmux"

    def tmux(*arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-S", server, "-f", os.devnull, *arguments],
            env=desk.env,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        ).stdout

    command = shlex.join([str(BIN / "massager-ctl"), "run", "restorative", "--speed", "40"])
    tmux("new-session", "-d", "-x", "80", "-y", "24", f"{command}; sleep 60")
    try:
        shown = wait_for(lambda: tmux("capture-pane", "-p"), "ramp")
        lines = shown.splitlines()
        assert len(lines) <= 24
        assert all(len(line) < 80 for line in lines)
        assert lines[0].startswith("Restorative session")
        assert lines[0].endswith("(simulated)")
        rows = {line.split()[0] for line in lines if line.startswith("  ")}
        assert {"trapezius", "neck", "suboccipital"} <= rows
        assert sum("space stop" in line for line in lines) == 1
        tmux("send-keys", "s")
        shown = wait_for(lambda: tmux("capture-pane", "-p"), "confirmed at zero")
        assert sum("Restorative session" in line for line in shown.splitlines()) == 1
    finally:
        tmux("kill-server")


def wait_for(look: Callable[[], str], text: str) -> str:
    end = time.monotonic() + PATIENCE_S
    while True:
        shown = look()
        if text in shown:
            return shown
        assert time.monotonic() < end, shown
        time.sleep(0.1)


def test_a_terminal_that_changes_its_size(desk: Workstation) -> None:
    with Terminal(desk, "run", "restorative", "--speed", "60") as terminal:
        terminal.wait_for("9 min")
        terminal.resize(50, 12)
        terminal.wait_for(re.escape("\x1b[H\x1b[2J"))
        after = terminal.text.rpartition("\x1b[2J")[2]
        rows = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", row) for row in re.split("[\r\n]+", after)]
        assert max(len(row) for row in rows) < 50
        terminal.type("s")
        assert terminal.wait() == 0
        assert terminal.given_back()
