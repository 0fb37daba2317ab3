"""Handles requests in small batches, so that new arrivals are searched for stops in between (R6)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

PER_TURN: Final = 2
"""Requests handled in one turn of the loop, for all clients together."""

PERIOD_S: Final = 1.0
"""Seconds for which invalid requests are counted before they are reported."""


class Worker(Protocol):
    """A client with waiting requests."""

    def take_next(self) -> bool:
        """Do one; returns whether another one can be done now."""
        ...


class Turns:
    """Handles the clients' requests in turn, a few in each turn of the loop."""

    def __init__(self) -> None:
        self._line: deque[Worker] = deque()
        self._coming = False

    def add(self, worker: Worker) -> None:
        """Add a client with waiting requests."""
        if worker not in self._line:
            self._line.append(worker)
            self._call()

    def _call(self) -> None:
        if not self._coming:
            self._coming = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._coming = False
        try:
            for _ in range(PER_TURN):
                if not self._line:
                    return
                worker = self._line.popleft()
                if worker.take_next() and worker not in self._line:
                    self._line.append(worker)
        finally:
            # A client at which this program fails must not keep the others waiting.
            if self._line:
                self._call()


class Noise:
    """Counts invalid and excess requests, and reports them once a second."""

    def __init__(self, tell: Callable[[int], None], shown: int = 0) -> None:
        """`tell` gets the number of those not reported individually. `shown`: how many may be, each second."""
        self._tell = tell
        self._shown_max = shown
        self._shown = 0
        self._silent = 0
        self._timer: asyncio.TimerHandle | None = None

    def count(self, number: int = 1, *, silent: bool = False) -> bool:
        """Count more; returns whether this one may be reported individually."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._over)
        if not silent and self._shown < self._shown_max:
            self._shown += 1
            return True
        self._silent += number
        return False

    def close(self) -> None:
        """Report the rest, and stop counting."""
        if self._timer is not None:
            self._timer.cancel()
            self._over()

    def _over(self) -> None:
        silent, self._silent, self._shown, self._timer = self._silent, 0, 0, None
        if silent:
            self._tell(silent)
