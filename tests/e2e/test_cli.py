"""The command line over a real serial link: two and three terminals, signals, a plug that is pulled."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time

import pytest

from massager_ctl.frontends.socket.client import Owner
from massager_ctl.frontends.socket.paths import stem
from tests.e2e.programs import PATIENCE_S, Workstation


def run_arguments(desk: Workstation, *more: str) -> tuple[str, ...]:
    return ("run", "restorative", "--device", desk.device, "--simulated", *more)


def view_arguments(desk: Workstation, *more: str) -> tuple[str, ...]:
    """The same where another program owns the device, which was told that it is simulated."""
    return ("run", "restorative", "--device", desk.device, *more)


def test_stop_from_a_third_terminal(desk: Workstation) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        stopped = desk.ctl("stop")
        assert (stopped.returncode, stopped.stderr) == (0, "")
        assert stopped.stdout == f"{desk.device} (SIM-00000001): stopped, confirmed at zero\n"
        out, error = run.communicate(timeout=PATIENCE_S)
        assert (run.returncode, error) == (0, "")
        assert "it was stopped from another program" in out
        assert desk.ctl("stop").returncode == 0  # nobody owns it now: it opens the device last used
    assert desk.moved()
    assert desk.at_zero()


def test_a_stop_is_quick(desk: Workstation) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)):
        desk.wait_until_it_moves()
        name = stem(f"serial:{desk.port}")
        with Owner(str(desk.folder / "run" / f"{name}.sock")) as owner:
            began = time.monotonic()
            answer = owner.ask({"request": "stop"})
            took = time.monotonic() - began
    assert answer["ok"] is True
    assert not any(answer["status"]["actual"].values())
    # Some 25 ms where nothing else runs; the bound leaves room for a busy machine.
    assert took < 1.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_confirms_and_leaves_with_130(
    desk: Workstation, number: signal.Signals
) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        run.send_signal(number)
        run.send_signal(number)  # the second one must not break the confirmation
        out, error = run.communicate(timeout=PATIENCE_S)
        assert (run.returncode, error) == (130, "")
        assert "confirmed at zero" in out
    assert desk.moved()
    assert desk.at_zero()


def test_a_pulled_plug_is_exit_4_at_once(desk: Workstation) -> None:
    with desk.simulator() as simulator, desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        simulator.kill()
        began = time.monotonic()
        _, error = run.communicate(timeout=PATIENCE_S)
        took = time.monotonic() - began
    assert run.returncode == 4
    assert error.startswith("error: the session ended after ")
    assert "Traceback" not in error
    assert took < 3.0  # a few milliseconds where nothing else runs
    desk.port.unlink()  # as a system does; the system's own name for it may be another device's by now
    stopped = desk.ctl("stop")
    assert (stopped.returncode, stopped.stdout) == (4, "")


def test_a_killed_host_leaves_a_device_at_zero_and_free(desk: Workstation) -> None:
    with desk.simulator():
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            run.kill()
        assert desk.ctl("stop").returncode == 0
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            assert desk.ctl("stop").returncode == 0
    assert desk.at_zero()


def test_the_button_latches_until_a_reset_in_two_steps(desk: Workstation) -> None:
    with desk.simulator() as simulator:
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            simulator.send_signal(signal.SIGUSR1)
            _, error = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 3
        assert "button" in error
        again = desk.ctl(*run_arguments(desk))
        assert again.returncode == 3
        assert "reset" in again.stderr
        refused = desk.ctl("reset", "--device", desk.device, stdin="yes\n")
        assert refused.returncode == 3
        assert "nothing was cleared" in refused.stderr
        cleared = desk.ctl("reset", stdin="reset\n")  # the device last used
        assert (cleared.returncode, cleared.stderr) == (0, "")
        with desk.running(*run_arguments(desk)):
            desk.wait_until_it_moves()


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


def test_a_real_device_needs_screening_and_simulated_must_be_true(desk: Workstation) -> None:
    with desk.simulator():
        refused = desk.ctl("run", "restorative", "--device", desk.device)
        assert refused.returncode == 3
        assert "screen" in refused.stderr
    assert not desk.moved()


def test_json_ends_with_one_object_whatever_happens(desk: Workstation) -> None:
    finished = desk.ctl("run", "desk-break", "--speed", "max", "--json")
    assert finished.returncode == 0
    document = json.loads(finished.stdout)
    assert (document["end_reason"], document["confirmed"]) == ("finished", True)
    refused = desk.ctl("run", "no-such-profile", "--json")
    assert (refused.returncode, refused.stderr) == (2, "")
    assert json.loads(refused.stdout)["end_reason"] == "bad_profile"
    gone = desk.ctl(
        "run", "gentle", "--device", "serial:/dev/no-such-port", "--simulated", "--json"
    )
    assert gone.returncode == 4
    assert json.loads(gone.stdout)["end_reason"] == "not_found"
    with desk.running("run", "restorative", "--cap", "20", "--json") as run:
        desk.wait_until_it_moves()
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 130
        assert json.loads(out)["end_reason"] == "interrupted"


STEPS = "steps:\n  - {zones: neck, motion: vibrate, level: 10, duration: 60}\n"
GOOD = f"title: T\ncap: 20\n{STEPS}"

BAD_PROFILES = {
    "front": ("title: T\ncap: 20\n" + STEPS.replace("neck", "front"), "Z1"),
    "percussion": ("title: T\ncap: 20\n" + STEPS.replace("vibrate", "percussion"), "D3"),
    "nan": ("title: T\ncap: .nan\n" + STEPS, "R"),
    "spike": (
        "title: T\ncap: 40\nsteps:\n"
        "  - {zones: neck, motion: vibrate, duration: 60, keyframes: [[0, 0], [30, 40], [60, 0]]}\n",
        "R",
    ),
    "31-minutes": ("title: T\ncap: 20\n" + STEPS.replace("60", "31 min"), "R8"),
    "bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + GOOD, "R20"),
    "empty": ("", "R20"),
}


@pytest.mark.parametrize("name", BAD_PROFILES)
def test_a_bad_profile_is_one_clear_error_and_no_movement(desk: Workstation, name: str) -> None:
    text, rule = BAD_PROFILES[name]
    profile = desk.folder / f"{name}.yaml"
    profile.write_text(text)
    trace = desk.folder / "sim.jsonl"
    done = desk.ctl("run", str(profile), "--speed", "max", "--trace", str(trace))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert f"{name}.yaml" in done.stderr
    assert rule in done.stderr
    assert "Traceback" not in done.stderr
    assert not trace.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("run", "/no/such/file.yaml"), 2, "profile file not found:"),
        (("run", "gentle", "--cap", "nan"), 2, "not a finite number"),
        (("run", "gentle", "--cap", "lots"), 2, "not a number"),
        (("run", "gentle", "--speed", "0"), 2, "neither a factor"),
        (("run", "gentle", "--device", "front"), 2, "not a device address"),
        (
            ("run", "gentle", "--device", "serial:/dev/no-such-port", "--simulated"),
            4,
            "no-such-port",
        ),
        (("run", "gentle", "--device", "tcp:127.0.0.1:1", "--speed", "9"), 2, "--speed"),
        (("run", "gentle", "--device", "tcp:127.0.0.1:1", "--trace", "t"), 2, "--trace"),
        (("set", "front", "10"), 2, "never powered"),
        (("set", "neck_left", "NaN"), 2, "not a finite number"),
        (("pause",), 4, "no program on this machine owns a device"),
        (("stop",), 4, "no program on this machine owns a device"),
        (("reset", "--device", "serial:/dev/no-such-port"), 4, "no-such-port"),
        (("percussion",), 2, "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_bad_argument_is_one_clear_error(
    desk: Workstation, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = desk.ctl(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_port_in_use(desk: Workstation) -> None:
    # Another program holds the port, as a terminal program would: exclusively.
    code = (
        "import serial, sys, time\n"
        f"port = serial.Serial({str(desk.port)!r}, exclusive=True)\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    with (
        desk.simulator(),
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other,
    ):
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            done = desk.ctl(*run_arguments(desk))
        finally:
            other.kill()
    assert done.returncode == 4
    assert "in use" in done.stderr
    assert not desk.moved()


def test_a_peer_that_talks_garbage(desk: Workstation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with desk.running(
            "run", "gentle", "--device", f"tcp:127.0.0.1:{port}", "--simulated"
        ) as run:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 50)
                _, error = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 4
    assert error.startswith("error: ")
    assert "Traceback" not in error


def test_dry_run_touches_nothing(desk: Workstation) -> None:
    done = desk.ctl("run", "restorative", "--dry-run", "--cap", "20")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No device was touched." in done.stdout
    assert "capped at 20" in done.stdout
    plan = json.loads(desk.ctl("run", "restorative", "--dry-run", "--json").stdout)
    assert plan["end_reason"] == "dry_run"
    assert plan["zones"]["neck_left"][0] == [0, 0]
    assert not (desk.folder / "run").exists()


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


def test_a_frozen_owner_is_a_stop_that_is_not_confirmed(desk: Workstation) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        run.send_signal(signal.SIGSTOP)
        stopped = desk.ctl("stop")
        assert stopped.returncode == 5
        assert "unplug" in stopped.stderr.lower()
        run.send_signal(signal.SIGCONT)
        run.communicate(timeout=PATIENCE_S)
        # The device ended it long ago by itself (R4), so a rule's end it is.
        assert run.returncode in (0, 3)
    assert desk.at_zero()


def test_a_reader_that_goes_away_stops_the_session(desk: Workstation) -> None:
    with desk.running("run", "restorative", "--speed", "60", "--trace", str(desk.trace)) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert "Restorative session" in run.stdout.readline()
        run.stdout.close()
        assert (run.wait(PATIENCE_S), run.stderr.read()) == (0, "")
    assert desk.at_zero()
    assert desk.samples()[-1]["t"] < 300, "it stopped long before its end"


def test_pain_with_nothing_running_stops_the_last_device_and_locks(desk: Workstation) -> None:
    with desk.simulator():
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            run.kill()
        hurt = desk.ctl("pain", stdin="w\n")
        assert hurt.returncode == 0
        assert "stopped, confirmed at zero." in hurt.stdout
        assert "medical care" in hurt.stdout
        locked = desk.ctl("run", "restorative", "--device", desk.device)
        assert locked.returncode == 3
        assert "warning sign" in locked.stderr


def test_pain_after_everything_is_recorded_and_no_failure(desk: Workstation) -> None:
    hurt = desk.ctl("pain", stdin="mld\nm\n")
    assert hurt.returncode == 0
    assert "'mld' is not one of the answers" in hurt.stdout, "a slip of the key is asked about"
    assert "Nothing runs from this computer" in hurt.stdout
    assert "Your report is recorded" in hurt.stdout


def test_stop_needs_no_sound_settings(desk: Workstation) -> None:
    (desk.folder / "config" / "massager-ctl").mkdir(parents=True)
    (desk.folder / "config" / "massager-ctl" / "config.toml").write_text("device = 5")
    with desk.simulator():
        assert desk.ctl("run", "restorative").returncode == 2
        stopped = desk.ctl("stop", "--device", desk.device)
        assert (stopped.returncode, stopped.stderr) == (0, "")
