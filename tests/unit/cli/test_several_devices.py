"""Where `auto` fits two serial ports: nothing is started, and a stop is sent to both but confirmed for neither."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import ExitCode
from massager_ctl.transports import scan as scanning
from massager_ctl.transports.scan import Port


@pytest.fixture
def two_ports(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """Two massagers on ports of a known make; the folder has their traces too."""
    with subprocess.Popen(
        [
            *(Path(sys.executable).parent / "massager-sim", "serve", "--count", "2"),
            *("--pty", own_folders / "m", "--trace", own_folders / "trace.jsonl"),
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(2):
            assert process.stdout.readline().startswith("ready: serial")
        ports = [Port(f"{own_folders}/m{n}", "Neck", 0x0403, 0x6001, f"A{n}") for n in range(2)]
        monkeypatch.setattr(scanning, "_ports", lambda: ports)
        try:
            yield own_folders
        finally:
            process.send_signal(signal.SIGTERM)


def test_both_are_listed_and_refused_and_a_stop_reaches_both(
    two_ports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["run", "gentle", "--device", "auto", "--simulated"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    for n in range(2):
        assert f"serial:{two_ports}/m{n} (Neck, 0403:6001 A{n})" in said
    assert "Choose one" in said

    assert run_command_line(["stop", "--json", "auto"]) == ExitCode.UNCONFIRMED
    stopped = json.loads(capsys.readouterr().out)["stopped"]
    assert [one["device"] for one in stopped] == [f"serial:{two_ports}/m{n}" for n in range(2)]
    for one in stopped:
        assert not one["confirmed"]
        assert "it was sent a STOP, and is at zero" in one["error"]["message"]
    for n in range(2):
        trace = (two_ports / f"trace{n}.jsonl").read_text()
        assert '"event":"stop"' in trace.replace(" ", "")
