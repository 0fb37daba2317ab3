"""The firmware as a board runs it, on MicroPython and in real time, over a PTY and over TCP."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim import wire
from firmware_sim.unix_board import UnixBoard
from firmware_sim.unix_port import MicroPythonError
from massager_fw.config import DeviceConfig
from massager_fw.states import State
from tests.firmware.conforming import CHECKS
from tests.support.micropython import needs_micropython

pytestmark = needs_micropython


@pytest.fixture
def board(tmp_path: Path) -> Iterator[UnixBoard]:
    with UnixBoard(tmp_path / "massager", "127.0.0.1:0") as running:
        yield running


def run(module: str, *words: str, timeout: float = 240.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.parametrize("link", ["serial", "tcp"])
def test_the_suite_judges_it_in_real_time(board: UnixBoard, link: str) -> None:
    """With the checks that a busy machine cannot disturb; in lockstep all of them run, in full."""
    address = f"serial:{board.path}" if link == "serial" else f"tcp:{board.tcp}"
    done = run("firmware_sim", "hil", "--full", "--device", address, "-k", " or ".join(CHECKS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"^PASS +(\S+)", done.stdout, re.MULTILINE)) >= set(CHECKS)


def test_a_session_plays_its_first_seconds_and_a_stop_ends_it(
    board: UnixBoard, tmp_path: Path
) -> None:
    address = f"serial:{board.path}"
    words = ["run", "restorative", "--device", address, "--simulated"]
    with subprocess.Popen(
        [sys.executable, "-m", "massager_ctl", *words],
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as playing:
        time.sleep(8.0)
        assert playing.poll() is None, playing.stdout and playing.stdout.read()
        playing.send_signal(signal.SIGTERM)
        said, _ = playing.communicate(timeout=20.0)
    assert "confirmed at zero" in said, said


def test_a_hand_on_the_button_latches_it(board: UnixBoard) -> None:
    assert board.tcp is not None
    host, port = board.tcp.split(":")
    splitter = wire.Splitter()
    heard: list[wire.Message] = []
    with socket.create_connection((host, int(port)), timeout=5.0) as link:

        def state() -> int:
            while True:
                heard.extend(
                    wire.parse(body)
                    for body in splitter.feed(link.recv(4096))
                    if isinstance(body, bytes)
                )
                if heard:
                    newest = heard[-1]
                    assert isinstance(newest, wire.Telemetry)
                    return newest.state

        assert state() == State.IDLE
        board.hand("p")
        until = time.monotonic() + 5.0
        while state() != State.LATCHED:
            assert time.monotonic() < until


def test_a_host_that_hangs_up_can_open_the_port_again(board: UnixBoard) -> None:
    for _ in range(2):
        done = run(
            "firmware_sim", "hil", "--quick", "--device", f"serial:{board.path}", "-k", "stop-idle"
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    board = UnixBoard(tmp_path / "massager")
    assert board.process.stdin is not None
    board.process.stdin.close()
    assert board.process.wait(5.0) == 0
    board.close()


def test_bad_input_is_one_clear_error(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(MicroPythonError, match="is there already"):
        UnixBoard(taken)
    with pytest.raises(MicroPythonError, match="is not a HOST:PORT"):
        UnixBoard(tcp="7777x")
    with pytest.raises(MicroPythonError, match="cannot make"):
        UnixBoard(tmp_path / "no" / "folder")
    done = run("firmware_sim", "board")
    assert done.returncode == 2
    assert "give --pty LINK or --tcp HOST:PORT" in done.stderr
    assert taken.read_text() == "mine"


def test_the_defaults_are_those_of_a_device_with_everything() -> None:
    assert DeviceConfig.sensing & 0b1111 == 0b1111
