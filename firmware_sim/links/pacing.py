"""Bytes as slow as a real serial line makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_BITS_A_BYTE: Final = 10  # start, eight data bits, stop


class Pacer:
    """Hands bytes on once their last bit would have left a line of `baud` bits per second."""

    __slots__ = ("_baud", "_deliver", "_free_at", "_loop")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, baud: int, deliver: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._baud = baud
        self._deliver = deliver
        self._free_at = 0.0

    def push(self, data: bytes) -> None:
        """More bytes for the line; they wait for those before them."""
        start = max(self._loop.time(), self._free_at)
        self._free_at = start + len(data) * _BITS_A_BYTE / self._baud
        self._loop.call_at(self._free_at, self._deliver, data)
