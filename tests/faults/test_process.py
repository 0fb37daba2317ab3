"""Faults 1, 2, 14 and 57 with real processes on a real PTY: signals, a pulled plug, two that race (R4, R17)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from massager_ctl.aio.clock import SystemClock
from massager_ctl.ledger.base import HistoryEntry
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store
from massager_ctl.safety.screening import QUESTIONS, SYMPTOMS, Answer, Answered
from tests.e2e.programs import PATIENCE_S, Workstation, desk
from tests.faults.aftermath import SERIAL_T

BUSY_S: Final = 1.5
"""Seconds that a busy machine may add to what is measured between processes; the exact bounds are those of the cases
under simulated time."""

QUICK: Final = """
title: Quick
summary: For a test.
technique: K1
rules: [P1]
cap: 20
steps:
  - {zones: neck, motion: vibrate, level: 10, duration: 120}
"""


def _profile(at: Workstation) -> str:
    path = at.folder / "quick.yaml"
    path.write_text(QUICK)
    return str(path)


def _moments() -> ClockReader:
    return ClockReader(SystemClock())


async def _screen(data: Path) -> None:
    moments = _moments()
    store = open_store(data, moments)
    now = moments.now()
    await store.answer(Answered(q.id, Answer.NO, now) for q in (*QUESTIONS, SYMPTOMS))
    await store.close()


async def _ledger(data: Path) -> tuple[float, list[HistoryEntry]]:
    store = open_store(data, _moments())
    try:
        return (await store.recent()).used_s, list(await store.history())
    finally:
        await store.close()


def _delivered(samples: list[dict[str, Any]]) -> float:
    return sum(b["t"] - a["t"] for a, b in pairwise(samples) if any(a["out"].values()))


def _zero_by(samples: list[dict[str, Any]], at: float, bound_s: float) -> None:
    """Running up to `at`, seconds since the simulator was ready; zero by the bound, and for good."""
    last_up = max(i for i, sample in enumerate(samples) if any(sample["out"].values()))
    assert samples[last_up]["t"] >= at - BUSY_S, "an early trip"
    zero = samples[last_up + 1]
    assert zero["t"] - at <= bound_s + BUSY_S
    assert zero["state"] == "idle"


@pytest.mark.fault(1)
def test_sigkill() -> None:
    with desk() as at:
        data = at.folder / "data"
        asyncio.run(_screen(data))
        with at.simulator():
            ready = time.monotonic()
            with at.running("run", _profile(at), "--device", at.device) as host:
                at.wait_until_it_moves()
                time.sleep(0.5)
                host.kill()
                killed = time.monotonic() - ready
                host.wait(PATIENCE_S)
                time.sleep(1.5)
        samples = at.samples()
        _zero_by(samples, killed, SERIAL_T + 0.1)
        charged, (entry,) = asyncio.run(_ledger(data))
        assert entry.end_reason == "crashed"
        assert charged >= _delivered(samples)
        assert charged >= 20.0


@pytest.mark.fault(2)
def test_sigstop() -> None:
    with desk() as at:
        with at.simulator():
            ready = time.monotonic()
            with at.running("run", _profile(at), "--device", at.device, "--simulated") as host:
                at.wait_until_it_moves()
                host.send_signal(signal.SIGSTOP)
                stopped = time.monotonic() - ready
                time.sleep(2.0)
                host.send_signal(signal.SIGCONT)
                out, error = host.communicate(timeout=PATIENCE_S)
                assert host.returncode == 3, (out, error)
            time.sleep(0.5)
        samples = at.samples()
        _zero_by(samples, stopped, SERIAL_T + 0.1)
        assert any('"dead_man"' in line for line in at.trace.read_text().splitlines())


@pytest.mark.fault(14)
def test_serial_unplugged() -> None:
    with desk() as at:
        with (
            at.simulator("--fault", "unplug@arm+1.5"),
            at.running("run", _profile(at), "--device", at.device, "--simulated") as host,
        ):
            error = host.communicate(timeout=PATIENCE_S)[1]
            assert host.returncode == 4
            assert "gone" in error
        lines = at.trace.read_text().splitlines()
        assert any("unplug" in line for line in lines)
        samples = at.samples()
        assert at.moved()
        assert at.at_zero()
        disarmed = next(line for line in lines if '"disarm"' in line)
        assert "link_lost" in disarmed
        assert samples[-1]["state"] == "idle"


@pytest.mark.fault(57)
def test_two_processes_race() -> None:
    """Started at one moment: one of them gets the device, and the other is answered that someone has it."""
    with desk() as at:
        arguments = ("run", _profile(at), "--device", at.device, "--simulated")
        with (
            at.simulator(),
            contextlib.ExitStack() as stack,
        ):
            hosts = [stack.enter_context(at.running(*arguments)) for _number in range(2)]
            at.wait_until_it_moves()
            end = time.monotonic() + PATIENCE_S
            while all(host.poll() is None for host in hosts) and time.monotonic() < end:
                time.sleep(0.05)
            (loser,) = [host for host in hosts if host.poll() is not None]
            (winner,) = [host for host in hosts if host.poll() is None]
            assert loser.returncode in (3, 4)
            assert loser.stderr is not None
            said = loser.stderr.read()
            assert "already" in said or "in use" in said or "another" in said, said
            assert at.ctl("stop").returncode == 0
            assert winner.wait(PATIENCE_S) == 0
        armed = [line for line in at.trace.read_text().splitlines() if '"arm"' in line]
        assert len(armed) == 1
        assert at.moved()
        assert at.at_zero()
