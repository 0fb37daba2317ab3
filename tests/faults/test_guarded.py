"""Faults 1 to 4 on a device without a dead-man, which has a guardian in its place (R25): zero within 1.2 s."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.e2e.programs import PATIENCE_S
from tests.support.line_device import Peer, lives

BOUND_S = 1.2
"""R25: seconds from the death of the host's process to zero."""

BUSY_S = 1.5
"""Seconds that a busy machine may add between processes; the exact bound is shown in tests/unit/guardian."""


class Host:
    """A program that drives a device with a guardian, and what it is asked to suffer."""

    def __init__(self, peer: Peer, program: subprocess.Popen[str]) -> None:
        self.peer = peer
        self.program = program
        assert program.stdout is not None
        self.guardian = int(program.stdout.readline())
        self._wait(lambda: peer.level >= 2)

    def _wait(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE_S / 2
        while not condition():
            assert time.monotonic() < until, (self.peer.heard, self.program.poll())
            time.sleep(0.01)

    def harm(self, word: str) -> float:
        assert self.program.stdin is not None
        self.program.stdin.write(f"{word}\n")
        self.program.stdin.flush()
        return time.monotonic()

    def zero_by(self, since: float, bound_s: float = BOUND_S) -> None:
        """Off by the bound, and for good."""
        self._wait(lambda: self.stops_since(since))
        stopped = self.stops_since(since)[0]
        assert stopped - since <= bound_s + BUSY_S
        time.sleep(1.2)
        assert not any(level for at, level in self.peer.levels if at > stopped)
        assert self.peer.level == 0

    def stops_since(self, since: float) -> list[float]:
        return [at for at, level in self.peer.levels if at >= since and level == 0]


@contextmanager
def host(peer: Peer, driver: str = "ascii") -> Generator[Host]:
    command = [sys.executable, "-m", "tests.faults.guarded_host", driver, peer.address]
    program = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Host(peer, program)
    finally:
        program.send_signal(signal.SIGCONT)
        program.kill()
        program.communicate()


@pytest.fixture(params=["pty", "tcp"])
def peer(request: pytest.FixtureRequest) -> Generator[Peer]:
    device = Peer(request.param, answers=True)
    yield device
    device.close()


@pytest.fixture
def port() -> Generator[Peer]:
    device = Peer("pty")
    yield device
    device.close()


SHIPPED: Final = pytest.mark.parametrize("driver", ["tcode", "described"])


@pytest.mark.fault(1)
@SHIPPED
def test_guarded_sigkill_of_each_driver(port: Peer, driver: str) -> None:
    with host(port, driver) as at:
        since = time.monotonic()
        at.program.kill()
        at.zero_by(since)


@pytest.mark.fault(2)
@SHIPPED
def test_guarded_sigstop_of_each_driver(port: Peer, driver: str) -> None:
    with host(port, driver) as at:
        at.program.send_signal(signal.SIGSTOP)
        since = time.monotonic()
        at.zero_by(since)
        at.program.send_signal(signal.SIGCONT)
        at.zero_by(since)


@pytest.mark.fault(3)
@SHIPPED
def test_guarded_hang_of_each_driver(port: Peer, driver: str) -> None:
    with host(port, driver) as at:
        at.zero_by(at.harm("hang"))


@pytest.mark.fault(4)
@SHIPPED
def test_guarded_control_task_dead_of_each_driver(port: Peer, driver: str) -> None:
    with host(port, driver) as at:
        at.zero_by(at.harm("unfed"))


@pytest.mark.fault(1)
def test_guarded_sigkill(peer: Peer) -> None:
    with host(peer) as at:
        since = time.monotonic()
        at.program.kill()
        at.zero_by(since)
        assert 2 <= len(at.stops_since(since)) <= 4, "until it was read back, and no more"
        assert not lives(at.guardian)


@pytest.mark.fault(1)
def test_guarded_out_of_memory(peer: Peer) -> None:
    with host(peer) as at:
        at.zero_by(at.harm("memory"))


@pytest.mark.fault(2)
def test_guarded_sigstop(peer: Peer) -> None:
    """SIGCONT's backlog has no effect."""
    with host(peer) as at:
        at.program.send_signal(signal.SIGSTOP)
        since = time.monotonic()
        at.zero_by(since)
        at.program.send_signal(signal.SIGCONT)
        assert at.program.stdout is not None
        said = at.program.stdout.readline()
        assert "busy" in said or "no heartbeat" in said, "whichever it comes to first"
        at.zero_by(since)


@pytest.mark.fault(3)
def test_guarded_hang(peer: Peer) -> None:
    with host(peer) as at:
        at.zero_by(at.harm("hang"))
        assert at.program.poll() is None, "it still hangs"


@pytest.mark.fault(3)
def test_guarded_hang_of_700_ms(peer: Peer) -> None:
    """The host sees it on its own and stops, before the guardian would."""
    with host(peer) as at:
        at.zero_by(at.harm("stutter"), 0.9)
        assert at.program.stdout is not None
        assert "busy" in at.program.stdout.readline()


@pytest.mark.fault(4)
def test_guarded_control_task_dead(peer: Peer) -> None:
    """The loop goes on, and answers: only the tick that sends the setpoint is a sign of life."""
    with host(peer) as at:
        at.zero_by(at.harm("unfed"))
        assert at.program.stdout is not None
        assert "no heartbeat for 1 s" in at.program.stdout.readline()
