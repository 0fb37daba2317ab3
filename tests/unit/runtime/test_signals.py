"""The first signal acts; none after it cuts the way out short."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Generator

import pytest

from massager_ctl.runtime.signals import signals_taken

NUMBERS = (signal.SIGUSR1, signal.SIGUSR2)
"""Two that would end this process, were they not taken."""


@pytest.fixture(autouse=True)
def _as_before() -> Generator[None]:
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    for number, handler in zip(NUMBERS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.asyncio
async def test_each_signal_acts_and_later_ones_are_ignored() -> None:
    acted: list[int] = []
    with signals_taken(NUMBERS, lambda: acted.append(1)):
        for number in (*NUMBERS, NUMBERS[0]):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
        assert len(acted) == 3
    for number in NUMBERS:
        os.kill(os.getpid(), number)
        assert signal.getsignal(number) is signal.SIG_IGN
    await asyncio.sleep(0.01)
    assert len(acted) == 3
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(NUMBERS)


@pytest.mark.asyncio
async def test_where_none_came_all_is_as_it_was() -> None:
    with signals_taken(NUMBERS, lambda: None):
        pass
    assert [signal.getsignal(number) for number in NUMBERS] == [signal.SIG_DFL] * 2


@pytest.mark.asyncio
async def test_a_signal_that_was_ignored_before_stays_ignored() -> None:
    """As `nohup` asks."""
    ignored, taken = NUMBERS
    signal.signal(ignored, signal.SIG_IGN)
    acted: list[int] = []
    with signals_taken(NUMBERS, lambda: acted.append(1)):
        os.kill(os.getpid(), ignored)
        await asyncio.sleep(0.01)
        assert acted == []
        os.kill(os.getpid(), taken)
        await asyncio.sleep(0.01)
    assert acted == [1]
    assert signal.getsignal(ignored) is signal.SIG_IGN


@pytest.mark.parametrize(("command", "code"), [("serve", 0), ("run", 130)])
def test_sigterm_is_heard_from_the_first_moment_on(command: str, code: int) -> None:
    """Also as the first process of a container, to which the system delivers no signal that no one takes."""
    program = (
        f"import os, signal, sys\nsys.argv = ['massager-ctl', '{command}']\n"
        "from massager_ctl.cli import entry\nentry._take_early_signals()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\nsys.exit(77)"
    )
    # Coverage takes SIGTERM for itself in each process that it measures: not in this one.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", program], env=env, check=False)
    assert done.returncode == code
