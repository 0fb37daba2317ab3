"""The command line beside a program that owns the device: it is refused, steers the session, or views it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from tests.e2e.programs import PATIENCE_S, Workstation
from tests.e2e.run_words import run_arguments, view_arguments


def test_fault_57_a_second_program_asks_the_owner_and_is_told_no(desk: Workstation) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        second = desk.ctl(*view_arguments(desk))
        assert second.returncode == 3
        assert "a session is already running" in second.stderr
        assert run.poll() is None


def test_one_line_commands_steer_the_session(desk: Workstation) -> None:
    with desk.running("run", "restorative") as run:
        desk.wait_until_it_moves()
        assert "Eased by 5 points" in desk.ctl("ease").stdout
        assert desk.ctl("pause").returncode == 0
        status = desk.status()
        assert status is not None
        assert (status["phase"], status["eased"]) == ("paused", 5.0)
        assert not any(status["actual"].values())
        assert desk.ctl("resume").returncode == 0
        assert desk.ctl("ease", "--undo").returncode == 0
        level = desk.ctl("set", "neck_left", "20")
        assert level.returncode == 3
        assert "a profile is playing" in level.stderr
        with desk.running("status", "--watch", "--json") as watch:
            assert watch.stdout is not None
            assert json.loads(watch.stdout.readline())["phase"] == "running"
            hurt = desk.ctl("pain", "--kind", "mild")
            assert "stopped, confirmed at zero." in hurt.stdout
            last = watch.stdout.readlines()[-1]
            assert json.loads(last)["end_reason"] == "pain"
        out, _ = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0
        assert "pain was reported" in out


OWNER = """
import asyncio, sys
from massager_ctl import connect

async def main():
    async with connect(sys.argv[1], simulated=True):
        print("owned", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_run_is_the_view_of_whatever_owns_the_device(desk: Workstation) -> None:
    with (
        desk.simulator(),
        subprocess.Popen(
            [sys.executable, "-c", OWNER, desk.device],
            env=desk.env,
            stdout=subprocess.PIPE,
            text=True,
        ) as owner,
    ):
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "owned\n"
            with desk.running(*view_arguments(desk, "--cap", "15")) as run:
                desk.wait_until_it_moves()
                status = desk.status()
                assert status is not None
                assert (status["profile"], status["caps"]["neck_left"]) == ("restorative", 15.0)
                run.send_signal(signal.SIGINT)
                out, error = run.communicate(timeout=PATIENCE_S)
            assert (run.returncode, error) == (130, "")
            assert "Restorative session" in out
            assert "confirmed at zero" in out
            assert owner.poll() is None  # it still owns the device, at rest
            status = desk.status()
            assert status is not None
            assert not any(status["actual"].values())
            with desk.running(*view_arguments(desk)) as run:
                desk.wait_until_it_moves()
                assert desk.ctl("stop").returncode == 0
                run.communicate(timeout=PATIENCE_S)
            assert run.returncode == 0
            with desk.running(*view_arguments(desk)) as run:
                desk.wait_until_it_moves()
                owner.kill()
                _, error = run.communicate(timeout=PATIENCE_S)
            assert run.returncode == 4
            assert "the program that owns the device has ended" in " ".join(error.split())
        finally:
            owner.kill()
    assert desk.at_zero()
