"""Ways out: a key before a session has started, and a reader that goes while nothing is written."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.programs import BIN, PATIENCE_S, Terminal, Workstation


@pytest.mark.parametrize("key", ["q", " "])
def test_a_key_typed_before_a_profile_has_started_starts_nothing(
    desk: Workstation, key: str
) -> None:
    trace = ("--trace", str(desk.trace))
    with Terminal(desk, "run", "restorative", "--speed", "20", *trace) as terminal:
        terminal.type(key)
        assert terminal.wait() == 0
        assert "Nothing was started" in terminal.text or "Ended after" in terminal.text
        assert terminal.given_back()
    assert not desk.moved()


def test_q_typed_before_manual_control_has_started_leaves(desk: Workstation) -> None:
    with Terminal(desk, "manual", "--device", "sim:") as terminal:
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.given_back()


def test_a_run_notices_at_once_that_its_reader_has_gone(desk: Workstation) -> None:
    with desk.running("run", "restorative", "--trace", str(desk.trace)) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert "Restorative session" in run.stdout.readline()
        desk.wait_until_it_moves()
        run.stdout.close()  # the next line would come after a minute
        assert (run.wait(PATIENCE_S), run.stderr.read()) == (0, "")
    assert desk.at_zero()
    assert desk.samples()[-1]["t"] < 40.0


def test_manual_by_lines_notices_at_once_that_its_reader_has_gone(desk: Workstation) -> None:
    with subprocess.Popen(
        [BIN / "massager-ctl", "manual", "--plain", "--device", "sim:"],
        env=desk.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "Manual control" in process.stdout.readline()
        process.stdout.close()
        try:
            assert (process.wait(PATIENCE_S), process.stderr.read()) == (0, "")
        finally:
            process.kill()
