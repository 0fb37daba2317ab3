"""Signals that end a program cleanly: the first one acts, later ones do not cut the exit short (R6, R9)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Each of them stops, waits for the confirmation, and only then exits. SIGTSTP too: a suspended program cannot
supervise the device."""


@contextmanager
def signals_taken(numbers: Iterable[signal.Signals], act: Callable[[], None]) -> Generator[None]:
    """Call `act` on each of these signals within the block.

    After one came, they are ignored from the end of the block on: another signal must not cut short the settling of
    the ledger, or change the exit code. One that was ignored before stays ignored, as `nohup` wants it.
    """
    loop = asyncio.get_running_loop()
    came = False

    def taken() -> None:
        nonlocal came
        came = True
        act()

    chosen = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    for number in chosen:
        loop.add_signal_handler(number, taken)
    try:
        yield
    finally:
        for number in chosen:
            if came:
                _ignore(loop, number)
            else:
                loop.remove_signal_handler(number)


def _ignore(loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
    """Replace the handler by ignoring, with no moment in between in which the signal would kill."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
