"""Bytes as slow as a real serial line makes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

_BITS_A_BYTE: Final = 10  # start, eight data bits, stop
FIFO: Final = 16
"""Bytes that a UART takes from the system at a time; what it has taken goes out, whatever is flushed."""


class Pacer:
    """Hands bytes on once their last bit would have left a line of `baud` bits per second, a FIFO at a time."""

    __slots__ = ("_baud", "_deliver", "_free_at", "_loop", "_sending", "_waiting")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, baud: int, deliver: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._baud = baud
        self._deliver = deliver
        self._free_at = 0.0
        self._waiting: deque[bytes] = deque()
        self._sending = False

    def push(self, data: bytes) -> None:
        """More bytes for the line; they wait for those before them."""
        self._waiting.extend(data[at : at + FIFO] for at in range(0, len(data), FIFO))
        if not self._sending:
            self._free_at = self._loop.time()
            self._send()

    def cut(self) -> None:
        """What the UART has not taken yet is flushed."""
        self._waiting.clear()

    def _send(self) -> None:
        self._sending = bool(self._waiting)
        if self._sending:
            piece = self._waiting.popleft()
            self._free_at += len(piece) * _BITS_A_BYTE / self._baud
            self._loop.call_at(self._free_at, self._sent, piece)

    def _sent(self, piece: bytes) -> None:
        self._send()
        self._deliver(piece)
