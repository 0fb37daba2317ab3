"""A device without a dead-man, driven by the program as a person runs it: nothing starts without a guardian (R25)."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

import massager_ctl
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import ExitCode, GuardianLost, MassagerError
from massager_ctl.model.device import Telemetry
from massager_ctl.transports.factory import make_transport
from tests.e2e.programs import BIN, PATIENCE_S, Terminal, Workstation, desk
from tests.support.ascii_massager import ASCII
from tests.support.line_device import Peer

QUICK: Final = """
title: Quick
summary: For a test.
technique: K1
rules: [P1]
cap: 20
steps:
  - {zones: trapezius, motion: vibrate, level: 10, duration: 120}
"""


@pytest.fixture
def peer() -> Generator[Peer]:
    device = Peer("pty")
    yield device
    device.close()


@contextmanager
def in_a_terminal(at: Workstation, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """`massager-ctl` with someone in front of it, who has seen that the device is off."""
    ours, theirs = os.openpty()
    asked = threading.Event()

    def drain() -> None:
        shown = b""
        try:
            while data := os.read(ours, 65_536):
                shown += data
                if b"is it off?" in shown and not asked.is_set():
                    asked.set()
                    os.write(ours, b"y\n")
        except OSError:
            return

    reading = threading.Thread(target=drain, daemon=True)
    reading.start()
    program = subprocess.Popen(
        [BIN / "massager-ctl", *arguments],
        env=at.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield program
    finally:
        program.kill()
        program.wait(PATIENCE_S)
        reading.join(PATIENCE_S)
        os.close(ours)


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_r6_a_signal_at_the_question_starts_nothing(peer: Peer, how: str) -> None:
    with desk() as at:
        profile = at.folder / "quick.yaml"
        profile.write_text(QUICK)
        device = f"tcode:{peer.address}"
        host = Terminal(at, "run", str(profile), "--device", device, "--on-bench")
        try:
            host.wait_for("is it off")
            if how == "Ctrl-C":
                host.type("\x03")
            else:
                host.process.send_signal(signal.SIGTERM)
            assert host.wait() == ExitCode.INTERRUPTED  # without an answer
        finally:
            host.process.kill()
    assert not any(line.startswith(b"V") and line != b"V00" for line in peer.heard)


def _guardians(address: str) -> list[int]:
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if address.encode() in words and b"-I" in words:
            found.append(int(process.name))
    return found


def _wait_for(condition: object, seconds: float = PATIENCE_S) -> None:
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_r25_kill_9_of_run_and_then_a_stop_from_another_terminal(peer: Peer) -> None:
    device = f"tcode:{peer.address}"
    with desk() as at:
        profile = at.folder / "quick.yaml"
        profile.write_text(QUICK)
        with in_a_terminal(at, "run", str(profile), "--device", device, "--on-bench") as host:
            _wait_for(lambda: any(line.startswith(b"V0") and line != b"V00" for line in peer.heard))
            assert len(_guardians(peer.address)) == 1
            since = time.monotonic()
            host.kill()
            _wait_for(lambda: any(at >= since and line == b"DSTOP" for at, line in peer.lines))
            (stopped, *_) = [t for t, line in peer.lines if t >= since and line == b"DSTOP"]
            assert stopped - since <= 1.2 + 1.5
            assert len(_guardians(peer.address)) == 1, "nothing confirms: it goes on for 10 s"
            result = at.ctl("stop", "--device", device)
            assert result.returncode == 5, (result.stdout, result.stderr)
            assert _guardians(peer.address) == [], "there is one writer"
        after = [line for t, line in peer.lines if t > stopped]
        assert b"DSTOP" in after
        assert not any(line.startswith(b"V0") and line != b"V00" for line in after)


def test_r25_an_end_in_good_order_leaves_no_guardian_behind_for_long(peer: Peer) -> None:
    device = f"tcode:{peer.address}"
    with desk() as at:
        profile = at.folder / "quick.yaml"
        profile.write_text(QUICK)
        with in_a_terminal(at, "run", str(profile), "--device", device, "--on-bench") as host:
            _wait_for(lambda: any(line.startswith(b"V0") and line != b"V00" for line in peer.heard))
            since = time.monotonic()
            host.send_signal(signal.SIGTERM)
            host.wait(PATIENCE_S)
        assert any(t >= since and line == b"DSTOP" for t, line in peer.lines)
        _wait_for(lambda: not _guardians(peer.address), 12.0)


class Ear:
    def telemetry_received(self, telemetry: Telemetry) -> None:
        pass

    def driver_lost(self, error: MassagerError) -> None:
        pass


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["pty", "tcp"])
async def test_r25_no_road_arms_such_a_device_without_a_guardian(kind: str) -> None:
    """Whoever forgets it is refused by the driver itself, and nothing is sent."""
    peer = Peer(kind)
    driver = PlainDriver(make_transport(peer.address), ASCII)
    try:
        await driver.open(Ear())
        heard = list(peer.heard)
        with pytest.raises(GuardianLost, match="no second process keeps watch"):
            await driver.arm(15.0, 60)
        assert peer.heard == heard
    finally:
        await driver.close()
        peer.close()


def test_r25_every_road_to_a_session_names_a_guardian() -> None:
    """A driver for a controller is made with `guard`, except where no session can be started."""
    source = Path(massager_ctl.__file__).parent
    without: set[str] = set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "make_driver":
                continue
            if not any(word.arg == "guard" for word in node.keywords):
                without.add(path.relative_to(source).as_posix())
    assert without == {"cli/stop.py", "cli/reset.py"}
