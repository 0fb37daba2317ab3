"""BLE between two processes without hardware, as docs/how-to/ble-without-hardware.md shows it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

COMMANDS = Path(sys.executable).parent


@contextmanager
def simulator(folder: Path, *options: str) -> Generator[str]:
    """A simulated device on a virtual radio in its own process; its address."""
    process = subprocess.Popen(
        [str(COMMANDS / "massager-sim"), "serve", "--ble", "tcp:127.0.0.1:0", *options],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=folder,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().split()
        assert line[:2] == ["ready:", "ble"], line
        yield f"ble:{line[2]}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        process.stdout.close()
    assert process.returncode in (0, -signal.SIGTERM)


@pytest.fixture
def home() -> Iterator[Path]:
    """A user's folders with nothing in them; the path is short, as the control socket's has to be."""
    with TemporaryDirectory(prefix="mctl") as folder:
        yield Path(folder)


def environment(home: Path) -> dict[str, str]:
    names = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MASSAGER_CTL_RUNTIME")
    return {**os.environ, **dict.fromkeys(names, str(home))}


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMANDS / "massager-ctl"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(home),
        cwd=home,
        check=False,
    )


def test_scan_finds_the_device_of_another_process(tmp_path: Path, home: Path) -> None:
    with simulator(tmp_path, "--battery", "73.5", "--name", "Shoulder") as address:
        hci = address.partition("?hci=")[2]
        outcome = command(home, "scan", "--json", "--seconds", "1", "--hci", hci)
    assert outcome.returncode == 0, outcome.stderr
    found = [d for d in json.loads(outcome.stdout)["devices"] if d["kind"] == "ble"]
    assert [(d["name"], d["supported"], d["battery"]) for d in found] == [("Shoulder", True, 73)]


def test_a_session_plays_after_pairing_and_is_refused_before(tmp_path: Path, home: Path) -> None:
    # The button is held for 5 s to pair, and for 2 s to clear the latch that a press sets.
    press = ("--fault", "button=5.3@4", "--fault", "button=2.3@10")
    trace = tmp_path / "trace.jsonl"
    with simulator(tmp_path, "--trace", str(trace), *press) as address:
        began = time.monotonic()
        refused = command(home, "run", "restorative", "--device", address, "--simulated", "--json")
        assert refused.returncode == 3, (refused.stdout, refused.stderr)
        assert "button" in refused.stdout + refused.stderr
        time.sleep(max(0.0, began + 13.5 - time.monotonic()))
        playing = subprocess.Popen(
            [
                str(COMMANDS / "massager-ctl"),
                *("run", "restorative", "--device", address, "--simulated", "--json"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(home),
        )
        time.sleep(8)
        playing.send_signal(signal.SIGINT)
        out, err = playing.communicate(timeout=20)
    assert playing.returncode == 130, (out, err)
    samples = [json.loads(line) for line in trace.read_text().splitlines()]
    levels = [max(s["out"].values()) for s in samples if s["type"] == "sample"]
    assert max(levels) > 1
    assert levels[-1] == 0
