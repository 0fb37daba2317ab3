"""A controller that is killed or frozen, or whose device another program owns: its guardian stops the device (R25)."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.line_device import Peer, lives
from tests.unit.guardian.guarded_rig import BUSY_S

from massager_ctl.errors import DeviceBusy
from massager_ctl.frontends.socket import paths
from massager_ctl.runtime.lock import DeviceLock
from massager_ctl.transports.address_identity import identity
from massager_ctl.transports.runtime_folder import RUNTIME_ENV, lock_path

CONTROLLER = """
import asyncio, sys, time
from massager_ctl.testing.transports import Recorder
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.guarded import guarded

async def main():
    transport = guarded(make_transport(sys.argv[1]), lock=sys.argv[2], held=sys.argv[3])
    await transport.open(Recorder())
    await transport.begin(((b"\\nOFF\\n",),), ((b"=0\\n", b"\\xff" * 3),))
    transport.write(b"L20\\n")
    print(transport._process.pid, flush=True)
    while True:
        transport.beat()
        if transport.backlog == 0:
            transport.write(b"L20\\n")
        await asyncio.sleep(0.1)

asyncio.run(main())
"""


class Host:
    """A program of its own that drives the peer."""

    def __init__(self, peer: Peer, lock: Path, held: Path) -> None:
        command = [sys.executable, "-c", CONTROLLER, peer.address, str(lock), str(held)]
        self.program = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.program.stdout is not None
        self.guardian = int(self.program.stdout.readline())
        peer.wait_for(b"L20", count=3)

    def end(self) -> None:
        self.program.send_signal(signal.SIGCONT)
        self.program.kill()
        self.program.communicate()


def _gone(pid: int, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while lives(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def _is_held(path: Path) -> bool:
    """Whether another process holds the file, so that whoever takes the device over waits for it."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_r25_kill_9_of_the_controller_stops_the_device_at_once(peer: Peer, tmp_path: Path) -> None:
    peer.answers = True
    host = Host(peer, tmp_path / "lock", tmp_path / "held")
    assert _is_held(tmp_path / "held")
    at = time.monotonic()
    host.program.kill()
    stopped = peer.wait_for(b"OFF")
    assert stopped - at <= 0.2 + BUSY_S
    _gone(host.guardian)
    assert not _is_held(tmp_path / "held")
    assert 2 <= peer.stops <= 4, "twice at least, and no more once it was read back"
    assert peer.level == 0
    host.end()


@pytest.mark.slow
def test_r25_a_frozen_controller_is_stood_in_for_and_its_backlog_has_no_effect(
    peer: Peer, tmp_path: Path
) -> None:
    host = Host(peer, tmp_path / "lock", tmp_path / "held")
    host.program.send_signal(signal.SIGSTOP)
    at = time.monotonic()
    stopped = peer.wait_for(b"OFF")
    assert 0.7 <= stopped - at <= 1.2 + BUSY_S
    host.program.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    lines = peer.heard
    assert b"L20" not in lines[lines.index(b"OFF") :]
    assert peer.level == 0
    host.end()
    os.kill(host.guardian, signal.SIGKILL)


def test_r25_it_lets_go_when_another_program_owns_the_device(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes the lock writes into its file, and waits until the guardian has let go."""
    monkeypatch.setenv(RUNTIME_ENV, str(tmp_path / "run"))
    device = identity(peer.address)
    with DeviceLock(device):
        lock, held = lock_path(device), paths.watched_path(device)
        host = Host(peer, Path(lock), Path(held))
        with pytest.raises(DeviceBusy):
            DeviceLock(device).acquire()
    host.program.kill()
    peer.wait_for(b"OFF")
    assert lives(host.guardian)
    with DeviceLock(device):
        stops = peer.stops
        _gone(host.guardian, 1.0)
        time.sleep(0.6)
        assert peer.stops == stops
    host.end()


def _first_in_line() -> int:
    """The priority of a process that goes before others where the system lets it, as a new one tries it."""
    goes_first = "import os; os.setpriority(os.PRIO_PROCESS, 0, -10)"
    command = [sys.executable, "-I", "-S", "-c", goes_first]
    tried = subprocess.run(command, capture_output=True, check=False)
    return os.getpriority(os.PRIO_PROCESS, 0) if tried.returncode else -10


def test_r25_what_ends_a_service_does_not_end_its_guardian_before_the_stop(
    peer: Peer, tmp_path: Path
) -> None:
    host = Host(peer, tmp_path / "lock", tmp_path / "held")
    broken = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
    for number in signal.valid_signals() - broken - {signal.SIGKILL, signal.SIGSTOP}:
        os.kill(host.guardian, number)  # a watchdog's SIGABRT goes to all processes of a unit
    assert os.getsid(host.guardian) == host.guardian, "a session of its own"
    assert os.getpriority(os.PRIO_PROCESS, host.guardian) == _first_in_line()
    host.program.kill()
    peer.wait_for(b"OFF", count=2)
    host.end()
    os.kill(host.guardian, signal.SIGKILL)
