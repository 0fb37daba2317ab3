"""Limits a flood of rejected commands: each is counted, few are published, one line a second is logged."""

from __future__ import annotations

from typing import Any, Final

BURST: Final = 10
"""Rejections in a row that are published individually; after that one each second."""

EVERY_S: Final = 1.0
"""Seconds between two lines in the log, and between two summaries."""

Fields = dict[str, Any]


class Rejections:
    """The rejections of one device. Pure: the time is an argument, seconds."""

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at = 0.0
        self._counted = 0
        self._summed_at = -EVERY_S
        self._unlogged = 0
        self._logged_at = -EVERY_S
        self._last: Fields = {}

    def take(self, now: float, fields: Fields) -> Fields | None:
        """Count one more; returns what to publish, None if it is only counted."""
        self._left = min(float(BURST), self._left + (now - self._at) / EVERY_S)
        self._at = now
        self._last = fields
        self._unlogged += 1
        if self._left >= 1.0:
            self._left -= 1.0
            return fields
        self._counted += 1
        return None

    def summary(self, now: float) -> Fields | None:
        """What to publish of those that were only counted: the last one, and how many."""
        if not self._counted or now - self._summed_at < EVERY_S:
            return None
        counted, self._counted, self._summed_at = self._counted, 0, now
        return {**self._last, "count": counted}

    def line(self, now: float) -> Fields | None:
        """What to log: the last one, and how many there were since the line before."""
        if not self._unlogged or now - self._logged_at < EVERY_S:
            return None
        counted, self._unlogged, self._logged_at = self._unlogged, 0, now
        return {**self._last, "count": counted} if counted > 1 else self._last
