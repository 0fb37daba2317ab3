"""Bad profiles, arguments, ports and peers at the command line: one clear error, and nothing moves."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import pytest

from tests.e2e.programs import PATIENCE_S, Workstation
from tests.e2e.run_words import run_arguments


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
