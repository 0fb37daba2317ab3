"""Signals of a shell, a terminal and a container: the device is stopped first, and `nohup` is respected."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.programs import BIN, PATIENCE_S, Terminal, Workstation

NAMESPACE = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")


def namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("key", ["\x1a", "\x1c"], ids=["ctrl-z", "ctrl-backslash"])
def test_ctrl_z_and_ctrl_backslash_on_serve_stop_the_device_first(
    desk: Workstation, key: str
) -> None:
    serve = ("serve", "--no-web", "--simulated", "--device", desk.device)
    with desk.simulator(), Terminal(desk, *serve) as terminal:
        terminal.wait_for("connected")
        with desk.running("run", "restorative", "--device", desk.device):
            desk.wait_until_it_moves()
            terminal.type(key)
            assert terminal.wait() == 0
    assert desk.moved()
    assert desk.at_zero()


@pytest.mark.parametrize("key", ["\x1a", "\x1c"], ids=["ctrl-z", "ctrl-backslash"])
def test_ctrl_z_and_ctrl_backslash_on_manual_by_lines_stop_the_device_first(
    desk: Workstation, key: str
) -> None:
    manual = ("manual", "--plain", "--simulated", "--device", desk.device)
    with desk.simulator(), Terminal(desk, *manual) as terminal:
        terminal.wait_for("Manual control")
        terminal.type("set all 20\n")
        desk.wait_until_it_moves()
        terminal.type(key)
        assert terminal.wait() == 130
        assert "confirmed at zero" in terminal.text
    assert desk.moved()
    assert desk.at_zero()


@pytest.mark.parametrize("command", ["run gentle", "manual", "manual --plain"])
def test_a_terminal_that_is_closed_stops_the_device_and_is_no_fault(
    desk: Workstation, command: str
) -> None:
    with desk.simulator():
        terminal = Terminal(desk, *command.split(), "--simulated", "--device", desk.device)
        try:
            terminal.wait_for("Breathe|Manual|choose a place")
            terminal.type("set all 1\n" if command == "manual --plain" else "2")
            if command != "run gentle":
                desk.wait_until_it_moves()
            os.close(terminal._ours)  # what it writes from now on is an error
            assert terminal.process.wait(PATIENCE_S) == 130
        finally:
            terminal.process.kill()
            os.close(terminal.theirs)
    assert desk.at_zero()


@pytest.mark.needs("nohup")
def test_nohup_is_respected_and_sigterm_still_ends_it(desk: Workstation) -> None:
    with (
        (desk.folder / "out").open("w") as out,
        subprocess.Popen(
            ["nohup", BIN / "massager-ctl", "run", "restorative", "--device", "sim:"],
            env=desk.env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        ) as process,
    ):
        try:
            desk.wait_until_it_moves()
            process.send_signal(signal.SIGHUP)
            time.sleep(1.0)
            status = desk.status()
            assert status is not None
            assert status["phase"] == "running"
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 130
        finally:
            process.kill()


def taken(pid: int, number: int) -> bool:
    """Whether a process has a handler for that signal."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    mask = next(line.split()[1] for line in text.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) & 1 << (number - 1))


@pytest.mark.skipif(not namespaces(), reason="this system makes no namespace of processes")
def test_the_first_process_of_a_container_hears_sigterm_before_it_has_begun(
    desk: Workstation,
) -> None:
    """The system drops what the first process does not take; Python itself needs a moment before ours runs."""
    serve = ("serve", "--no-web", "--device", "sim:")
    with subprocess.Popen(
        [*NAMESPACE, BIN / "massager-ctl", *serve],
        # Coverage takes SIGTERM for itself in each process that it measures: not in this one.
        env={name: value for name, value in desk.env.items() if not name.startswith("COV")},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            end = time.monotonic() + PATIENCE_S
            first = 0
            while not (first and taken(first, signal.SIGTERM)) and time.monotonic() < end:
                first = int((children.read_text().split() or ["0"])[0])
                time.sleep(0.002)
            os.kill(first, signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
            assert process.stderr is not None
            assert "service.started" not in process.stderr.read(), "it was still loading"
        finally:
            process.kill()


def test_nothing_is_written_into_a_terminal_that_is_no_device(desk: Workstation) -> None:
    with Terminal(desk, "manual", "--plain", "--device", "sim:") as somebody:
        somebody.wait_for("an empty line stops")
        desk.port.symlink_to(
            os.ttyname(somebody.theirs)
        )  # as a simulator that was killed leaves it
        before = somebody.text
        for command in (("run", "gentle", "--simulated"), ("stop",)):
            refused = desk.ctl(*command, "--device", desk.device)
            assert refused.returncode == 4
            assert "is the terminal of" in refused.stderr
        somebody._read(0.5)
        assert somebody.text == before
        assert somebody.given_back()
