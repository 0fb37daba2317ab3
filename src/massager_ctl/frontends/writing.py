"""Writing in a separate thread: what is shown or logged never blocks the event loop (R24)."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

CLOSE_S: Final = 1.0
"""Seconds that closing waits for what is still to be written."""

T = TypeVar("T")


class WritingThread(Generic[T]):
    """Hands over pieces, one after another, in a separate thread; only the newest `kept` wait."""

    def __init__(self, name: str, write: Callable[[T], bool], kept: int) -> None:
        """`write`: writes a piece, in the thread, and returns whether there is a point in going on."""
        self._write = write
        self._waiting: deque[T] = deque(maxlen=kept)
        self._news = threading.Condition()
        self._closing = False
        self._dropped = 0
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, piece: T) -> None:
        """Let it be written soon. It never waits: the oldest that waits is dropped, and counted."""
        with self._news:
            self._dropped += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(piece)
            self._news.notify()

    def lost(self, pieces: int) -> None:
        """Count so many that could not be written."""
        with self._news:
            self._dropped += pieces

    def dropped(self) -> int:
        """How many were dropped or lost since the last call."""
        with self._news:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def close(self, wait_s: float = CLOSE_S) -> None:
        """Write what is waiting, for at most `wait_s` seconds."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(wait_s)

    def _work(self) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._closing:
                    self._news.wait()
                if not self._waiting:
                    return
                piece = self._waiting.popleft()
            if not self._write(piece):
                return


def write_all(descriptor: int, data: bytes) -> None:
    """Write it whole, also where another program has made the descriptor non-blocking. Raises OSError."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            threading.Event().wait(0.02)
