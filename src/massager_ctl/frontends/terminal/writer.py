"""Output that never blocks the event loop: a blocked terminal must not end a session (R24)."""

from __future__ import annotations

from collections.abc import Callable

from massager_ctl.frontends.writing import CLOSE_S, WritingThread, write_all


class Writer:
    """Writes to a descriptor from a separate thread.

    `on_broken` is called once, from that thread, when the other end is gone or a piece raises. Only the newest
    `kept` pieces wait; older ones are dropped.
    """

    def __init__(
        self, descriptor: int, on_broken: Callable[[], None] | None = None, kept: int = 1000
    ) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self.fault: Exception | None = None
        """The exception of a piece, if any."""
        self._thread = WritingThread[Callable[[], str]]("massager-ctl-writer", self._written, kept)

    def put(self, piece: Callable[[], str]) -> None:
        """Write the text that `piece()` returns; it is called in the writer's thread."""
        self._thread.put(piece)

    def close(self, wait_s: float = CLOSE_S) -> None:
        """Write what is waiting, for at most `wait_s` seconds. Raises what a piece raised."""
        self._thread.close(wait_s)
        if self.fault is not None:
            raise self.fault

    def _written(self, piece: Callable[[], str]) -> bool:
        try:
            write_all(self._descriptor, piece().encode(errors="replace"))
        except Exception as error:  # noqa: BLE001 - it is raised again by `close`
            self.fault = None if isinstance(error, OSError) else error
            if self._on_broken is not None:
                self._on_broken()
            return False
        return True
