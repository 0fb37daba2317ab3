"""Simulated time: an asyncio loop whose clock jumps to the next timer, so that hours of device time take seconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from massager_hil.signals import held_back

_T = TypeVar("_T")


class _Leap(selectors.BaseSelector):
    """Waits for nothing: where no descriptor is ready, the time until the next timer is over."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; with no timer at all there is nothing but a descriptor to wait for."""
        ready = self._inner.select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()


class LeapingLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0 and is simulated seconds."""

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        """Simulated seconds."""
        return self._leap.now


def run_simulated(scenario: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run `scenario` to its end under simulated time, on a loop of its own; a signal never leaves that half made."""
    results: list[_T] = []

    async def keep_result() -> None:
        # Not the result of the task: a runner that puts the handler of Ctrl-C back spells that out at length.
        results.append(await scenario())

    runner = asyncio.Runner(loop_factory=LeapingLoop)
    try:
        with held_back():
            runner.get_loop()
        runner.run(keep_result())
    finally:
        with held_back():
            runner.close()
    return results[0]
