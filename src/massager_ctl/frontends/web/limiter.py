"""Limits the rate and number of requests; a stop is never counted and never refused (R6)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

RATE: Final = 150.0
"""Maximum requests a second for one session or address."""

BURST: Final = 300.0
IN_FLIGHT_MAX: Final = 64
"""Maximum requests in progress, not counting stops."""

WATCHERS_MAX: Final = 96
"""Maximum open websockets."""

PAIRING_RATE: Final = 0.5
PAIRING_BURST: Final = 5.0
"""Maximum attempts to pair a second, in total."""

CLIENTS_MAX: Final = 1024


class Bucket:
    """Tokens that come back at `rate` a second, `burst` at most. Times are monotonic seconds."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> bool:
        """Take one; whether there was one left."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Limiter:
    """Counts requests by client, and what is open."""

    def __init__(self, now: float) -> None:
        self._clients: OrderedDict[str, Bucket] = OrderedDict()
        self._pairing = Bucket(PAIRING_RATE, PAIRING_BURST, now)
        self.in_flight = 0
        self.watchers = 0

    def allow(self, client: str, now: float) -> bool:
        """Whether one more request of `client` may be handled now."""
        bucket = self._clients.pop(client, None) or Bucket(RATE, BURST, now)
        self._clients[client] = bucket
        while len(self._clients) > CLIENTS_MAX:
            self._clients.popitem(last=False)
        return bucket.take(now)

    def allow_pairing(self, now: float) -> bool:
        return self._pairing.take(now)
