"""Notices that the loop stood still: what is read right after may have waited all that time (R5)."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Final

TURN_S: Final = 0.25
"""Seconds between two notes of the time."""

STILL_S: Final = 1.0
"""Seconds without a note after which the loop stood still: for less, no request becomes too old."""

AFTER_S: Final = 0.5
"""Seconds after that in which what is read may have waited, on connections too that are only accepted now."""


class LoopGaps:
    """Follows the running loop from `open` to `close`. Times are the loop's seconds."""

    def __init__(self) -> None:
        self._turned_at = math.inf
        self._gap: tuple[float, float] = -math.inf, -math.inf
        """When the last gap began, and until when what is read may be as old as that."""
        self._turning: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to follow the loop."""
        self._turned_at = asyncio.get_running_loop().time()
        self._turn()

    def close(self) -> None:
        """Follow it no more."""
        if self._turning is not None:
            self._turning.cancel()

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._turned_at > STILL_S:
            self._gap = self._turned_at, now + AFTER_S
        self._turned_at = now
        self._turning = loop.call_later(TURN_S, self._turn)

    def age(self, read_at: float, sent_at: float | None) -> float:
        """How old a request is that was read at `read_at`; as old as it may be if its sender gives no time.

        `sent_at`: seconds of this machine's monotonic clock, by its sender; one from the future is none.
        """
        if sent_at is not None and (passed_s := time.monotonic() - sent_at) >= 0.0:
            return passed_s
        if read_at - self._turned_at > STILL_S:
            return read_at - self._turned_at
        since, until = self._gap
        return read_at - since if since < read_at <= until else 0.0
