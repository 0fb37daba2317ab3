"""Simulated time for asyncio: an event loop whose clock jumps to the next timer, or runs faster than real time.

Its clock stops while code runs, so a slow redraw causes no gap. Descriptors (keys, a control socket) keep
working; the device must live in the same process, since a real line cannot jump.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from massager_ctl.aio.clock import VirtualClock

BUSY_WAIT_S: Final = 0.001
"""Real seconds to wait at a time while a thread of the loop still works."""

FINEST_S: Final = 0.002
"""Real seconds below which a wait is put off: a system waits whole milliseconds, so at 60 times real time each timer
of 20 ms would wait three times too long."""

BEHIND_S: Final = 0.02
"""Real seconds that a slow stretch may be made up for; what is more is forgotten."""


class _JumpingSelector(selectors.BaseSelector):
    """Polls without waiting; if nothing is ready, moves the clock instead of sleeping."""

    def __init__(self, clock: VirtualClock, speed: float, in_flight: Callable[[], bool]) -> None:
        self._real = selectors.DefaultSelector()
        self._clock = clock
        self._speed = speed
        self.in_flight = in_flight
        self._behind = 0.0
        self._looked_at = time.monotonic()
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        while not ready and self.in_flight():
            ready = self._real.select(BUSY_WAIT_S)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return self._real.select(None)
        if self.threads:
            return self._real.select(BUSY_WAIT_S)
        if self._speed == float("inf"):
            self._clock.advance(timeout)
            return ready
        return self._paced(timeout)

    def _paced(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        """Move the clock by `timeout`, and wait so that overall it runs `speed` times faster than real time."""
        now = time.monotonic()
        self._behind = min(BEHIND_S, self._behind + now - self._looked_at)
        self._looked_at = now
        wait = timeout / self._speed - self._behind
        if wait < FINEST_S:
            self._behind -= timeout / self._speed
            self._clock.advance(timeout)
            return self._real.select(0)
        ready = self._real.select(wait)
        now = time.monotonic()
        passed = now - self._looked_at + self._behind
        step = min(timeout, passed * self._speed) if ready else timeout
        self._behind = min(BEHIND_S, passed - step / self._speed)
        self._looked_at = now
        self._clock.advance(step)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    """`clock`: the simulated clock. `speed`: times faster than real time; infinity jumps.

    `in_flight`: whether bytes are under way from one descriptor of this process to another; until they arrive, time
    stops and no timer fires. It must become false in the end, or the loop waits for ever. `hold_while` sets it later,
    once the descriptors exist.
    """

    def __init__(
        self,
        clock: VirtualClock | None = None,
        speed: float = float("inf"),
        in_flight: Callable[[], bool] = lambda: False,
    ) -> None:
        self.clock = clock or VirtualClock()
        self._jumping = _JumpingSelector(self.clock, speed, in_flight)
        super().__init__(self._jumping)

    def hold_while(self, in_flight: Callable[[], bool]) -> None:
        """Stop time for as long as this says that bytes are under way."""
        self._jumping.in_flight = in_flight

    def time(self) -> float:
        """Simulated seconds."""
        return self.clock.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """As in asyncio; simulated time stops while the thread works."""
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1

        def done(_: asyncio.Future[Any]) -> None:
            self._jumping.threads -= 1

        future.add_done_callback(done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the threads without a bound: from Python 3.12 on, asyncio's own would jump."""
        del timeout
        await super().shutdown_default_executor()
