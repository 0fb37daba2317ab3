"""Output that never blocks the event loop: a terminal that is held up must not end a session (R24)."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable


class Writer:
    """Writes to a descriptor from a thread of its own.

    `on_broken` is called once, from that thread, when the other end is gone or a piece cannot be made. Only the newest
    `kept` pieces wait; older ones are dropped.
    """

    def __init__(
        self, descriptor: int, on_broken: Callable[[], None] | None = None, kept: int = 1000
    ) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._waiting: deque[Callable[[], str]] = deque(maxlen=kept)
        self._news = threading.Condition()
        self._closing = False
        self.fault: Exception | None = None
        """What a piece raised, if one did."""
        self._thread = threading.Thread(target=self._work, name="massager-ctl-writer", daemon=True)
        self._thread.start()

    def put(self, piece: Callable[[], str]) -> None:
        """Have the text that `piece()` gives written; it is called in the writer's thread."""
        with self._news:
            self._waiting.append(piece)
            self._news.notify()

    def close(self, wait_s: float = 1.0) -> None:
        """Write what waits, at most `wait_s` seconds long. Raises what a piece raised."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(wait_s)
        if self.fault is not None:
            raise self.fault

    def _work(self) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._closing:
                    self._news.wait()
                if not self._waiting:
                    return
                piece = self._waiting.popleft()
            try:
                self._write(piece().encode(errors="replace"))
            except Exception as error:  # noqa: BLE001 - it is raised again by `close`
                self.fault = None if isinstance(error, OSError) else error
                if self._on_broken is not None:
                    self._on_broken()
                return

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                threading.Event().wait(0.02)
