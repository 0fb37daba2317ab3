"""Which challenge a device has to take: the newest and the one before it, for 10 s, once, in one epoch (R16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from massager_hil.tables import CHALLENGE_S, TELEMETRY_S

_REGULAR_S: Final = TELEMETRY_S + 0.03


@dataclass(slots=True)
class _Heard:
    value: int
    first: float
    drawn_after: float


class Challenges:
    """What was announced in the present epoch, and what was used."""

    def __init__(self, slack_s: float) -> None:
        self._slack_s = slack_s
        self._heard: list[_Heard] = []
        self._used: set[int] = set()
        self._last_heard = 0.0
        self._used_since_news = False
        self.renewed = True
        """There was a reason for a new one: one was used, or the epoch changed."""

    def hear(self, value: int, now: float) -> None:
        """TELEMETRY announces `value`."""
        if not self._heard or self._heard[-1].value != value:
            self._heard.append(_Heard(value, now, self._last_heard))
            self._used_since_news = False
        self._last_heard = now

    def void(self) -> None:
        """The epoch changed: none that was announced before counts."""
        self._used |= {heard.value for heard in self._heard}
        self._heard.clear()
        self.renewed = True

    def use(self, value: int) -> None:
        """An ARM or RESET has used it."""
        self._used.add(value)
        self._used_since_news = True
        self.renewed = True

    def holds(self, value: int, now: float) -> bool | None:
        """Whether the device has to take it; None if either will do."""
        if value in self._used:
            return False
        place = next((i for i, h in enumerate(reversed(self._heard)) if h.value == value), None)
        if place is None:
            return False if self._heard else None
        heard = self._heard[-1 - place]
        oldest, youngest = now - heard.drawn_after, now - heard.first
        if youngest > CHALLENGE_S + _REGULAR_S + self._slack_s:
            return False
        # One more may have been drawn since the last TELEMETRY, or by a use.
        renewed = self._used_since_news or now - self._heard[-1].first > 4.8
        if place == 0:
            return True if oldest < CHALLENGE_S - self._slack_s else None
        if place == 1 and not renewed and not self._was_used(place):
            return True if oldest < CHALLENGE_S - self._slack_s else None
        return None if place <= 2 else False

    def _was_used(self, place: int) -> bool:
        return any(h.value in self._used for h in self._heard[-1 - place :])
