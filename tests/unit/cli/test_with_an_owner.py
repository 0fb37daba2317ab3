"""The one-line commands against a process that owns a device."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import click
import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import ExitCode
from massager_ctl.frontends.socket import paths
from massager_ctl.frontends.socket.client import Owner, open_owners
from massager_ctl.transports.runtime_folder import ensure_runtime_dir

OWNER = """
import asyncio, signal
from massager_ctl import connect

async def main():
    async with connect("sim:") as massager:
        {begin}
        print("owned", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

Own = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def own(own_folders: Path) -> Generator[Own]:
    """Begin an owner: `await massager.manual()`, `pass`, …"""
    with contextlib.ExitStack() as stack:

        def begin(what: str) -> subprocess.Popen[str]:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", OWNER.format(begin=what)],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "owned\n"
            return process

        yield begin


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What the person answers to the next question."""

    def answer(text: str) -> None:
        monkeypatch.setattr(click, "prompt", lambda *_, **__: text)

    return answer


def test_set_says_why_it_climbs_slowly(own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    own("await massager.manual()")
    assert run_command_line(["set", "neck_left", "20"]) == 0
    said = capsys.readouterr().out
    assert "neck_left is heading for 20 %." in said
    assert "20 % in" in said
    assert run_command_line(["set", "all", "0"]) == 0
    assert capsys.readouterr().out == "all is heading for 0 %.\n"
    assert run_command_line(["set", "front", "10"]) == ExitCode.USAGE
    assert run_command_line(["set", "neck_left", "NaN"]) == ExitCode.USAGE


def test_alone_it_shows_what_runs(own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    own("await massager.manual()")
    assert run_command_line([]) == 0
    said = capsys.readouterr().out
    assert "In use: sim:: Manual control, running" in said
    assert "massager-ctl stop" in said


@pytest.mark.slow
def test_alone_it_says_when_an_owner_does_not_answer(
    own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    process = own("pass")
    process.send_signal(signal.SIGSTOP)
    assert run_command_line([]) == 0
    assert "does not answer" in capsys.readouterr().out
    process.send_signal(signal.SIGCONT)


def test_two_devices_must_be_named_but_a_stop_stops_both(
    own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = own("await massager.manual()"), own("await massager.manual()")
    for command in ("pause", "reset"):
        assert run_command_line([command]) == ExitCode.USAGE
        assert "more than one device is in use" in capsys.readouterr().err
    assert run_command_line(["pause", "--device", f"sim:{first.pid}"]) == 0
    capsys.readouterr()
    assert run_command_line(["status", "--json"]) == 0
    devices = json.loads(capsys.readouterr().out)["devices"]
    assert sorted(device["phase"] for device in devices) == ["paused", "running"]
    assert run_command_line(["stop", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [stopped["confirmed"] for stopped in document["stopped"]] == [True, True]
    assert run_command_line(["stop"]) == 0
    assert capsys.readouterr().out.count("stopped, confirmed at zero") == 2


def test_status_for_a_person(own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    own("await massager.manual()")
    assert run_command_line(["status"]) == 0
    said = capsys.readouterr().out
    assert "Manual control" in said
    assert "trapezius" in said
    assert "space" not in said


def test_status_watch_ends_with_its_owner(own: Own, capfd: pytest.CaptureFixture[str]) -> None:
    process = own("await massager.manual()")
    timer = threading.Timer(0.5, process.kill)
    timer.start()
    assert run_command_line(["status", "--watch"]) == 0
    timer.join()
    assert "Manual control" in capfd.readouterr().out


def test_reset_with_nothing_latched(
    own: Own, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    own("pass")
    typed("reset")
    assert run_command_line(["reset"]) == ExitCode.REFUSED
    assert "nothing is latched" in capsys.readouterr().err


PRESS = (
    "await massager.manual(); massager._controller._link.driver._transport.simulator.device.press();"
    + (
        "await asyncio.sleep(0.3); massager._controller._link.driver._transport.simulator.device.release();"
        "await asyncio.sleep(0.3)"
    )
)


def test_reset_over_the_socket_takes_the_word(
    own: Own, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    own(PRESS)
    typed("yes")
    assert run_command_line(["reset"]) == ExitCode.REFUSED
    said = capsys.readouterr()
    assert "its button was pressed" in said.out
    assert "nothing was cleared" in said.err
    typed("reset")
    assert run_command_line(["reset"]) == 0
    assert "Cleared." in capsys.readouterr().out
    assert run_command_line(["reset"]) == ExitCode.REFUSED


def test_ready_is_refused_by_an_owner_without_remote_starts(
    own: Own, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    own("pass")
    typed("no")
    assert run_command_line(["ready"]) == ExitCode.REFUSED
    assert "remote starts" in capsys.readouterr().err


def test_pain_asks_afterwards(
    own: Own, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    own("await massager.manual()")
    typed("m")
    assert run_command_line(["pain"]) == 0
    said = capsys.readouterr().out
    assert said.index("stopped, confirmed at zero.") < said.index("What was it?")


def test_r6_pain_by_a_short_form_stops_what_may_be_meant_and_confirms_nothing(
    own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    own("await massager.manual()")
    assert (
        run_command_line(["pain", "--kind", "mild", "--device", "SIM-000"]) == ExitCode.UNCONFIRMED
    )
    output = capsys.readouterr()
    assert "confirmed at zero" not in output.out
    assert "whole name of no device in use" in output.err
    assert run_command_line(["status", "--json"]) == 0
    (device,) = json.loads(capsys.readouterr().out)["devices"]
    assert device["end_reason"] == "pain"


@pytest.mark.slow
def test_r6_pain_reaches_every_owner_although_the_first_one_hangs(
    own: Own, own_folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("massager_ctl.frontends.socket.stop.STOP_WAIT_S", 0.5)
    hung = own("await massager.manual()")
    other = own("await massager.manual()")
    first, second = sorted((hung, other), key=lambda process: f"sim_{process.pid}")
    first.send_signal(signal.SIGSTOP)
    try:
        assert run_command_line(["pain", "--kind", "mild"]) == ExitCode.UNCONFIRMED
        assert "unplug" in capsys.readouterr().err
        with Owner(paths.socket_path(f"sim:{second.pid}")) as connection:
            status = connection.ask({"request": "status"})["status"]
        assert status["end_reason"] == "pain"
    finally:
        first.send_signal(signal.SIGCONT)


def test_r22_a_report_is_kept_although_the_owner_of_the_device_hangs(
    own_folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: Callable[[str], None],
) -> None:
    monkeypatch.setattr("massager_ctl.frontends.socket.stop.STOP_WAIT_S", 0.1)
    typed("w")
    ensure_runtime_dir()
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(paths.socket_path("tcp:127.0.0.1:1"))
        frozen.listen()
        assert run_command_line(["pain"]) == ExitCode.UNCONFIRMED
    output = capsys.readouterr()
    assert "unplug" in output.err
    assert "recorded" in output.out
    assert run_command_line(["history", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["pain_reports"]
    assert report["kind"] == "warning_sign"


def test_r22_ctrl_c_while_a_frozen_owner_is_waited_for_loses_no_report_and_confirms_nothing(
    own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_runtime_dir()
    hasty = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(paths.socket_path("tcp:127.0.0.1:1"))
        frozen.listen()
        hasty.start()
        assert run_command_line(["pain"]) == ExitCode.UNCONFIRMED  # and asks nothing more
    hasty.join()
    output = capsys.readouterr()
    assert "did not wait" in " ".join(output.err.split())
    assert "recorded" in output.out
    assert run_command_line(["history", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["pain_reports"]
    assert report["kind"] == "unclassified"


@pytest.mark.parametrize("command", ["stop", "pain"])
def test_r6_ctrl_c_while_a_device_is_stopped_directly_confirms_nothing(
    own_folders: Path,
    capsys: pytest.CaptureFixture[str],
    typed: Callable[[str], None],
    command: str,
) -> None:
    typed("m")
    hasty = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        device = f"tcp:127.0.0.1:{mute.getsockname()[1]}"
        hasty.start()
        assert run_command_line([command, "--device", device]) == ExitCode.UNCONFIRMED
    hasty.join()
    output = capsys.readouterr()
    assert "did not wait" in output.out + output.err


def test_r6_pain_with_a_device_that_confirms_no_stop_is_not_a_success(
    own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        device = f"tcp:127.0.0.1:{mute.getsockname()[1]}"
        code = run_command_line(["pain", "--kind", "mild", "--device", device])
    assert code == ExitCode.UNCONFIRMED
    assert "unplug" in capsys.readouterr().out


def test_r7_a_latch_of_a_device_that_is_not_there_is_no_fault_of_this_program(
    own_folders: Path, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    ensure_runtime_dir()
    typed("reset")
    latched: dict[str, object] = {
        "ok": True,
        "latched": True,
        "confirm": "a",
        "cause": "stop_unconfirmed",
    }
    gone: dict[str, object] = {
        "ok": False,
        "error": {"code": "link_lost", "message": "it is not connected"},
    }
    answers = [latched | {"status": {"telemetry": None}}, gone]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(paths.socket_path("tcp:127.0.0.1:1"))
        server.listen()

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                for said in answers:
                    peer.recv(1000)
                    peer.sendall(json.dumps(said).encode() + b"\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert run_command_line(["reset"]) == ExitCode.LINK
        thread.join()
    output = capsys.readouterr()
    assert "it is not connected" in output.err
    assert "a stop was not confirmed" in output.out


def test_an_owner_that_talks_nonsense(
    own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_runtime_dir()
    for line in (b"what?\n", b"[]\n", b"7\n", b""):
        with socket.socket(socket.AF_UNIX) as server:
            path = paths.socket_path("sim:1")
            Path(path).unlink(missing_ok=True)
            server.bind(path)
            server.listen()

            def answer(server: socket.socket = server, line: bytes = line) -> None:
                peer, _ = server.accept()
                with peer:
                    peer.recv(1000)
                    peer.sendall(line)

            thread = threading.Thread(target=answer)
            thread.start()
            assert run_command_line(["pause"]) == ExitCode.LINK
            thread.join()
            assert "Traceback" not in capsys.readouterr().err


def test_a_request_is_stamped(own: Own) -> None:
    own("await massager.manual()")
    (owner,) = open_owners()
    assert isinstance(owner, Owner)
    with owner:
        assert owner.ask({"request": "pause"})["ok"] is True
