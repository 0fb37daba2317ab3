"""A start takes effect only if no stop came after it and it is still fresh when the device is armed (R5, R6)."""

from __future__ import annotations

from massager_ctl.errors import Refused
from massager_ctl.model.requests import Origin, Start
from massager_ctl.safety.freshness import require_fresh


class StartAttempt:
    """One start, from its receipt. Every stop cancels exactly the attempts that were received before it."""

    __slots__ = ("_cancelled", "_slept_s", "origin", "received_at", "request")

    def __init__(
        self, request: Start, origin: Origin, received_at: float, slept_s: float = 0.0
    ) -> None:
        """`received_at`: seconds of the loop's clock, when the operating system received the request.

        `slept_s`: boottime less monotonic, which a suspend lengthens though the loop's clock stands still in it (R10).
        """
        self._slept_s = slept_s
        self.request = request
        self.origin = origin
        self.received_at = received_at
        self._cancelled = False

    def cancel(self) -> None:
        """A stop was requested after this start."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether a stop was requested after it."""
        return self._cancelled

    def require_valid(self, now: float, slept_s: float = 0.0) -> None:
        """Raises Refused if the start was cancelled or is too old, a suspend included; both as in `__init__`."""
        if self._cancelled:
            raise Refused("start cancelled: a stop was requested meanwhile", "Start again.")
        require_fresh(self.request, now - self.received_at + slept_s - self._slept_s)
