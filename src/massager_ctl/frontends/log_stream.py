"""A stream for logs that never blocks and never fails: a terminal that is not read or a full disk stops no service."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from massager_ctl.frontends.writing import WritingThread, write_all

KEPT: Final = 1000
"""Maximum number of lines that wait to be written; the oldest are dropped and counted."""


class LogStream:
    """Writes whole lines to a descriptor from a separate thread.

    What could not be written is counted, and the count is written as soon as something can be.
    """

    def __init__(self, descriptor: int, note: Callable[[int], str], *, kept: int = KEPT) -> None:
        """`note`: the line that says how many lines were dropped."""
        self._note = note
        self._descriptor = descriptor
        self._thread = WritingThread[str]("massager-ctl-log", self._written, kept)

    def write(self, text: str) -> int:
        """Take lines to be written soon."""
        self._thread.put(text)
        return len(text)

    def flush(self) -> None:
        """Nothing waits for the descriptor."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def close(self) -> None:
        """Write what waits, for at most CLOSE_S seconds."""
        self._thread.close()

    def _written(self, text: str) -> bool:
        dropped = self._thread.dropped()
        if dropped:
            text = f"{self._note(dropped)}\n{text}"
        try:
            write_all(self._descriptor, text.encode(errors="backslashreplace"))
        except OSError:  # the reader is gone, or the disk is full
            self._thread.lost(dropped + 1)
        return True
