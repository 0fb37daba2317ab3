"""R9, faults 38 and 1: a program killed by SIGKILL at any step has charged at least what it delivered."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest

from massager_ctl.aio.clock import SystemClock
from massager_ctl.ledger.base import HistoryEntry
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import FILE, open_store
from massager_ctl.safety.dose import CHECKPOINT_OVERDUE_S
from massager_ctl.safety.screening import BY_ID
from tests.e2e.programs import PATIENCE_S, Workstation

WORST_S: Final = CHECKPOINT_OVERDUE_S + 6.0 + 1.1
"""Seconds that may be delivered after a checkpoint: it hangs, the session fades, the dead-man finishes."""

DEAD_MAN_S: Final = 1.1

_SESSION: Final = '''
"""One session against a real ledger. Kills itself right before the statement with a given number, or at a given step.

A statement's number counts from 1 over the whole run; what a device would have been made to do is written down before
it is done, so that the parent can tell what was delivered.
"""
import asyncio, json, os, signal, sqlite3, sys
from pathlib import Path
from massager_ctl.aio.clock import SystemClock
from massager_ctl.ledger import database
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store

folder, at, delivered_file, spacing, length = sys.argv[1:]
counted = 0
steps = []

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def traced(statement):
    global counted
    counted += 1
    if at == str(counted):
        die()

opened = database.open_file
def open_file(path, busy_s=2.0):
    connection = opened(path, busy_s)
    connection.set_trace_callback(traced)
    return connection
database.open_file = open_file

def step(name):
    steps.append(name)
    if at == name:
        die()

def delivers(seconds):
    with open(delivered_file, "w") as file:
        file.write(str(seconds))

async def main():
    store = open_store(Path(folder), ClockReader(SystemClock()))
    step("before reserve")
    session = await store.reserve(Reservation("MS-1", "gentle", float(length)))
    step("reserved")
    step("armed")
    done = 0.0
    while done < float(length):
        done = min(float(length), done + float(spacing))
        delivers(done)
        step(f"ran {done:g}")
        if done < float(length):
            await store.checkpoint(session, done)
            step(f"checkpoint {done:g}")
    step("stopped")
    await store.settle(session, done, "finished")
    step("settled")
    await store.close()
    print(json.dumps({"statements": counted, "steps": steps}))

asyncio.run(main())
'''


def play(
    folder: Path, at: str, *, spacing: float = 5.0, length: float = 20.0
) -> tuple[float, dict[str, Any]]:
    """Run a session that dies at `at`; returns what was delivered and, if it lived, what it counted."""
    delivered = folder / "delivered"
    delivered.write_text("0")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            _SESSION,
            str(folder),
            at,
            str(delivered),
            str(spacing),
            str(length),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 0:
        return float(delivered.read_text()), json.loads(done.stdout)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return float(delivered.read_text()), {}


def ledger(folder: Path) -> tuple[float, list[HistoryEntry]]:
    """What the next program finds: seconds charged, and the lines."""

    async def look() -> tuple[float, list[HistoryEntry]]:
        store = open_store(folder, ClockReader(SystemClock()))
        try:
            return (await store.recent()).used_s, list(await store.history())
        finally:
            await store.close()

    return asyncio.run(look())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A session that no one kills: how many statements, and which steps."""
    folder = tmp_path_factory.mktemp("whole")
    delivered, counted = play(folder, "never")
    charged, entries = ledger(folder)
    assert (delivered, charged) == (20.0, 20.0)
    assert [entry.end_reason for entry in entries] == ["finished"]
    return counted


def test_fault_38_killed_before_any_statement_of_any_step(
    whole: dict[str, Any], tmp_path: Path
) -> None:
    """Reserve before and after its fsync, each checkpoint, the settling: before each statement in turn."""
    outcomes: list[tuple[float, float]] = []
    for number in range(1, int(whole["statements"]) + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        delivered, lived = play(folder, str(number))
        assert not lived
        charged, entries = ledger(folder)
        outcomes.append((charged, delivered))
        assert not any(entry.open for entry in entries)
        if delivered:
            assert charged >= delivered + DEAD_MAN_S or entries[0].end_reason == "finished"
        assert charged >= delivered
    assert (0.0, 0.0) in outcomes, "never killed before the reservation was on the disk"
    assert (20.0, 0.0) in outcomes, "never killed between the reservation and the first checkpoint"
    assert (20.0, 20.0) in outcomes, "never killed after the settling"


def test_fault_38_killed_between_the_steps(whole: dict[str, Any], tmp_path: Path) -> None:
    for number, step in enumerate(dict.fromkeys(whole["steps"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        delivered, lived = play(folder, step)
        assert not lived
        charged, entries = ledger(folder)
        assert charged >= delivered, step
        if step == "before reserve":
            assert entries == []
        elif step == "settled":
            assert [entry.end_reason for entry in entries] == ["finished"]
        else:
            assert [entry.end_reason for entry in entries] == ["crashed"], step
            checkpoint = max((c for c in (5.0, 10.0, 15.0) if c <= delivered - 5.0), default=0.0)
            if step.startswith("checkpoint"):
                checkpoint = float(step.split()[1])
            assert charged == checkpoint + 20.0, step


def test_r9_the_longest_that_may_run_unseen_is_charged(tmp_path: Path) -> None:
    """Checkpoints as late as they may be: 12 s without one, the fade, and the device's dead-man after the kill."""
    delivered, _ = play(tmp_path, f"ran {WORST_S:g}", spacing=WORST_S, length=200.0)
    assert delivered == WORST_S
    charged, _ = ledger(tmp_path)
    assert charged == 20.0 >= delivered


def test_fault_1_while_it_lives_its_whole_session_is_charged_and_afterwards_the_rule(
    tmp_path: Path,
) -> None:
    """Another program looks while the first still runs, and again after it was killed."""
    hanging = _SESSION.replace('step("armed")', 'print("armed", flush=True); signal.pause()')
    with subprocess.Popen(
        [sys.executable, "-c", hanging, str(tmp_path), "never", os.devnull, "5", "600"],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "armed\n"
            assert ledger(tmp_path)[0] == 600.0
        finally:
            child.kill()
    assert ledger(tmp_path)[0] == 20.0


def test_what_a_killed_program_leaves_is_one_file_that_opens(tmp_path: Path) -> None:
    play(tmp_path, "checkpoint 5")
    ledger(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {FILE, "delivered"}


def sessions(desk: Workstation) -> list[dict[str, Any]]:
    return json.loads(desk.ctl("history", "--json").stdout)["sessions"]


def ran_for(desk: Workstation, seconds: float) -> None:
    """Wait until the owner says that this much of the session was played."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        status = desk.status()
        if status is not None and status["elapsed_s"] >= seconds:
            return
        time.sleep(0.1)
    raise AssertionError(f"it did not run for {seconds} s")


def test_fault_1_the_real_program_killed_in_a_session_with_a_device_that_counts(
    desk: Workstation,
) -> None:
    """Two processes and a serial line; what the device delivered is read from its own trace."""
    form = desk.folder / "answers.json"
    form.write_text(json.dumps(dict.fromkeys(BY_ID, "no")))
    with desk.simulator() as simulator:
        refused = desk.ctl("run", "desk-break", "--device", desk.device)
        assert refused.returncode == 3, "a device that says that it is simulated is screened"
        assert "massager-ctl screen" in refused.stderr
        assert desk.ctl("screen", "--answers", str(form)).returncode == 0
        with desk.running("run", "desk-break", "--device", desk.device) as program:
            desk.wait_until_it_moves()
            ran_for(desk, 7.0)
            (during,) = sessions(desk)
            assert during["open"]
            assert during["charged_s"] == during["planned_s"] > 200.0
            program.kill()
            program.wait()
        time.sleep(2.0)  # past the device's dead-man: it is at zero from then on
        (crashed,) = sessions(desk)
        assert (crashed["open"], crashed["end_reason"]) == (False, "crashed")
        with desk.running("run", "desk-break", "--device", desk.device) as program:
            desk.wait_until_it_moves()
            assert desk.ctl("stop").returncode == 0
            program.wait(PATIENCE_S)
        simulator.send_signal(signal.SIGTERM)
        simulator.wait(PATIENCE_S)
    running = [sample["running"] for sample in desk.samples()]
    first = max(running[: running.index(0.0, running.index(max(running)))], default=0.0)
    assert first > 5.0, "it never really ran"
    assert crashed["charged_s"] == crashed["delivered_s"] + 20.0 >= first
    settled, *_ = sessions(desk)
    assert (settled["end_reason"], settled["open"]) == ("person", False)
    assert all(entry["kind"] == "own" for entry in sessions(desk)), "R9: it was all this host"
