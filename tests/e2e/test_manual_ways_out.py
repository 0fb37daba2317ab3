"""Manual control when something goes wrong: a signal waits behind no command, and a lost device is found again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from massager_ctl.aio.clock import SystemClock
from massager_ctl.cli import manual, session
from massager_ctl.cli.session import RunOptions, controlled
from massager_ctl.config import load
from massager_ctl.control.controller import Controller
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import ExitCode
from massager_ctl.model.requests import Start
from massager_ctl.model.status import LinkState
from massager_ctl.transports.address import SimAddress
from tests.e2e.harness import opened
from tests.e2e.programs import BIN, PATIENCE_S, Workstation
from tests.support.marks import simulated_time


@contextmanager
def by_lines(at: Workstation) -> Generator[tuple[subprocess.Popen[str], Callable[[str], None]]]:
    """`manual --plain`, and what types into it."""
    with subprocess.Popen(
        [BIN / "massager-ctl", "manual", "--plain", "--device", "sim:"],
        env=at.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None

        def say(text: str) -> None:
            assert process.stdin is not None
            process.stdin.write(text)
            process.stdin.flush()

        try:
            yield process, say
        finally:
            process.kill()


@pytest.fixture
def silent_input(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A standard input on which nothing ever comes."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield
        os.close(writing)


@pytest.mark.usefixtures("silent_input")
@simulated_time
async def test_r6_a_signal_does_not_wait_for_a_start_that_hangs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    async with opened() as bench:
        monkeypatch.setattr(bench.admission, "reserve", never)

        async def start() -> None:
            await bench.controller.manual(600)

        bench.loop.call_later(1.0, os.kill, os.getpid(), signal.SIGINT)
        async with asyncio.timeout(5.0):
            answers = manual.Answers()
            code = await manual._by_lines(bench.controller, start, answers)
        answers.close()
        assert code == ExitCode.INTERRUPTED
        assert bench.heard("ended")
        assert not bench.controller.status.phase.in_session
    assert "confirmed at zero" in capsys.readouterr().out


def test_r6_a_line_that_stops_waits_behind_no_other_line(desk: Workstation) -> None:
    with by_lines(desk) as (process, say):
        assert process.stdout is not None
        assert "Manual control" in process.stdout.readline()
        say("set all 1\n" * 100)  # with a moment for each they would take 25 s
        time.sleep(0.1)
        since = time.monotonic()
        say("stop\n")
        for line in process.stdout:
            if "confirmed at zero" in line:
                break
        assert time.monotonic() - since < 3.0
        say("quit\n")
        assert process.wait(PATIENCE_S) == 0


def test_r24_answers_that_no_one_reads_hold_up_nothing(desk: Workstation) -> None:
    with by_lines(desk) as (process, say):
        assert process.stdout is not None
        assert "Manual control" in process.stdout.readline()
        feeding = threading.Thread(target=say, args=("help\n" * 1000,), daemon=True)
        feeding.start()  # from now on no one reads the answers, which fill the pipe
        feeding.join(PATIENCE_S)
        time.sleep(1.0)  # as long as the dead-man waits, and longer than a late loop may
        assert desk.status() is not None
        stopped = desk.ctl("stop")
        assert (stopped.returncode, stopped.stderr) == (0, "")


def test_answers_into_a_full_disk_are_an_error(desk: Workstation) -> None:
    done = desk.shell(f"echo status | {BIN}/massager-ctl manual --plain > /dev/full")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


@pytest.mark.usefixtures("silent_input")
def test_r15_a_lost_device_is_connected_again_when_the_person_starts_again(
    runtime_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))

    async def main() -> None:
        options = RunOptions("sim:", load(env={}))
        async with controlled(options, SimAddress(), SystemClock()) as (control, begin):
            assert isinstance(control, Controller)
            await begin()
            control._link.driver.abort()
            assert control.status.link is LinkState.LOST
            assert not control.status.phase.in_session
            await asyncio.sleep(0.1)
            assert control.status.link is LinkState.LOST  # nothing resumes on its own
            await begin()
            assert control.status.link is LinkState.UP
            assert control.status.phase.in_session

    asyncio.run(main())


@pytest.mark.usefixtures("silent_input")
def test_r25_what_a_person_saw_before_the_first_session_is_not_said_for_the_second(
    runtime_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))
    monkeypatch.setattr(session, "_seen_off", lambda *_: True)
    said: list[bool] = []
    real = Controller.receive

    def received(self: Controller, start: Start, **more: Any) -> StartAttempt:
        said.append(start.off_seen)
        return real(self, start, **more)

    monkeypatch.setattr(Controller, "receive", received)

    async def main() -> None:
        options = RunOptions("sim:", load(env={}))
        async with controlled(options, SimAddress(), SystemClock()) as (control, begin):
            await begin()
            await control.stop_now()
            await begin()

    asyncio.run(main())
    assert said == [True, False]
