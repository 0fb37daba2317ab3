"""The first signal acts; none after it cuts the way out short."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Generator

import pytest

from massager_ctl.surfaces.signals import signals_taken

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
