"""Exponential back-off with jitter: how long to wait before the next try."""

from __future__ import annotations

import random
from typing import Final

JITTER: Final = 0.3
"""Part of each wait that is random."""


class Backoff:
    """Doubles from `first_s` to `longest_s` seconds."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Seconds to wait now."""
        now, self._next_s = self._next_s, min(self._next_s * 2, self._longest_s)
        return now * (1 - JITTER * random.random())

    def reset(self) -> None:
        """Call it after a success: waits are short again."""
        self._next_s = self._first_s
