"""Simulated time for asyncio: a loop whose clock stands still while code runs, and jumps where nothing is left to do.

An hour of telemetry takes seconds. Device and host must live in one process: a real line cannot jump.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

_WAIT_FOR_THREAD_S: Final = 0.001
"""Real seconds to wait at a time while a thread of the loop still works."""


class _Jump(selectors.BaseSelector):
    """Polls descriptors without waiting; where none is ready, the time until the next timer is over at once."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return self._real.select(None)
        if self.threads:
            return self._real.select(_WAIT_FOR_THREAD_S)
        self.now += timeout
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
    """`loop.time()` starts at 0 and is simulated seconds; every asyncio timer goes by it."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Simulated seconds."""
        return self._jump.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """As usual; simulated time stands still while the thread works."""
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self._jump.threads += 1

        def done(_: asyncio.Future[Any]) -> None:
            self._jump.threads -= 1

        future.add_done_callback(done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the threads without a bound: from Python 3.12 on, asyncio's own would jump."""
        del timeout
        await super().shutdown_default_executor()


def run_simulated(scenario: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run `scenario` to its end under simulated time, on a loop of its own."""
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(scenario())
