"""Signals: what ends a run in order, and what may not disturb the last thing that is done to a device."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], Any] | int | None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """What Ctrl-C does: an event loop that runs ends its task in order."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def heeded() -> tuple[signal.Signals, ...]:
    """SIGTERM and SIGHUP, without what this program was started to ignore, as by nohup."""
    return tuple(n for n in _ENDING if signal.getsignal(n) is not signal.SIG_IGN)


@contextmanager
def ended_by_signals() -> Generator[None]:
    """SIGTERM and SIGHUP end what is within as Ctrl-C does, unless this program was started to ignore them."""
    with _set(_interrupt, heeded()):
        yield


@contextmanager
def deaf() -> Generator[None]:
    """No signal that ends a program disturbs what is within."""
    with _set(signal.SIG_IGN, (signal.SIGINT, *_ENDING)):
        yield


@contextmanager
def held_back() -> Generator[None]:
    """A signal that ends a program comes when this is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *_ENDING))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _set(handler: Handler, numbers: tuple[int, ...]) -> Generator[None]:
    before: dict[int, Handler] = {}
    with suppress(ValueError):  # Only the main thread may; elsewhere no signal comes.
        for number in numbers:
            before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)
