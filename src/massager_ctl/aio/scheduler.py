"""One timer for all controllers of a process, so that a thousand periodic calls cost little more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

_GOLDEN: Final = 0.6180339887498949
"""Successive multiples of it, modulo 1, spread phases evenly whatever their number."""


class Ticking:
    """A periodic call; `cancel` ends it."""

    __slots__ = ("callback", "cancelled", "due", "period")

    def __init__(self, callback: Callable[[float, float], None], period: float, due: float) -> None:
        self.callback = callback
        self.period = period
        self.due = due
        self.cancelled = False

    def cancel(self) -> None:
        """Never call it again."""
        self.cancelled = True


class Scheduler:
    """Calls each of its callbacks every period, as `callback(now, late)`, in seconds of the loop's clock.

    `late` is how long after its due time the call comes, so that a callback notices a blocked loop (R24). Missed
    periods are not made up for.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Ticking]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def every(self, period: float, callback: Callable[[float, float], None]) -> Ticking:
        """Call `callback` every `period` seconds, the first time within one period, phases spread."""
        loop = asyncio.get_running_loop()
        self._count += 1
        due = loop.time() + period * (self._count * _GOLDEN % 1.0)
        ticking = Ticking(callback, period, due)
        heappush(self._heap, (due, self._count, ticking))
        self._set_timer(loop)
        return ticking

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        due = self._heap[0][0]
        if self._timer is not None:
            if self._timer.when() <= due and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        heap = self._heap
        # What comes due meanwhile waits for the next turn of the loop, so that answers are read in between.
        turn = now = loop.time()
        try:
            while heap and heap[0][0] <= turn:
                due, number, ticking = heappop(heap)
                if ticking.cancelled:
                    continue
                following = due + ticking.period
                if following <= now:
                    following = now + ticking.period
                ticking.due = following
                heappush(heap, (following, number, ticking))
                ticking.callback(now, now - due)
                now = loop.time()
        finally:
            # A callback that raises must not take the other devices' heartbeat with it.
            while heap and heap[0][2].cancelled:
                heappop(heap)
            if heap:
                self._set_timer(loop)
