"""Signals that end a program in good order: the first one acts, none after it cuts the way out short (R6, R9)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager


@contextmanager
def signals_taken(numbers: Iterable[signal.Signals], act: Callable[[], None]) -> Generator[None]:
    """Call `act` on each of these signals as long as this lasts.

    Where one came, they are ignored from the end of it on: what is left then is to settle the ledger and to leave,
    and a signal more must not take that away, nor the exit code.
    """
    loop = asyncio.get_running_loop()
    came = False

    def taken() -> None:
        nonlocal came
        came = True
        act()

    chosen = tuple(numbers)
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
    """From the handler to ignoring it, with no moment between the two in which it would kill."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
