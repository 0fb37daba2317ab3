"""How late this computer was: the clock that real-time findings are measured by has to be fit for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

_STEP_S: Final = 0.02
_WINDOW_S: Final = 3.0


class Lateness:
    """Looks at the event loop; `note` takes what is seen elsewhere, such as TELEMETRY that came late."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._seen: deque[tuple[float, float]] = deque()
        self._due = self._loop.time() + _STEP_S
        self.worst = 0.0
        """Since `restart`."""
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._check()
        self._due = self._loop.time() + _STEP_S
        self._timer = self._loop.call_at(self._due, self._look)

    def _check(self) -> None:
        self.note(self._loop.time() - self._due)

    def note(self, late_s: float) -> None:
        """Something was so late."""
        if late_s > _STEP_S:
            self._seen.append((self._loop.time(), late_s))
            self.worst = max(self.worst, late_s)

    def recent(self) -> float:
        """The worst of the last few seconds, this moment included."""
        self._check()
        old = self._loop.time() - _WINDOW_S
        while self._seen and self._seen[0][0] < old:
            self._seen.popleft()
        return max((late for _, late in self._seen), default=0.0)

    def restart(self) -> None:
        """Forget what was."""
        self.worst = 0.0
        self._seen.clear()
        self._due = self._loop.time() + _STEP_S

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
