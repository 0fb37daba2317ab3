"""R23: a long, warm or remotely started session goes on only while somebody shows a sign of life every 5 minutes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from massager_ctl.errors import Refused
from massager_ctl.requests import Origin

LONG_S: Final = 900.0
"""Seconds above which a session is long (R23)."""

EVERY_S: Final = 300.0
"""Seconds that may pass between two signs of life (R23)."""

ASK_S: Final = 30.0
"""Seconds before that when the question is put; a design choice."""

FADE_S: Final = 6.0
"""Seconds of the fade after a missed one; R23 allows 10."""


class Watcher(StrEnum):
    """Who can be asked."""

    PERSON = "person"
    SIMULATED = "simulated"
    NOBODY = "nobody"


def needed(duration_s: float, origin: Origin, *, heat: bool = False) -> bool:
    """Whether a session of `duration_s` seconds must ask (R23)."""
    return duration_s > LONG_S or heat or origin is Origin.REMOTE


class Attention:
    """When the next sign of life is due. Any key, any request is one. Times are monotonic seconds."""

    __slots__ = ("_last", "answers_itself")

    def __init__(self, now: float, watcher: Watcher = Watcher.PERSON) -> None:
        self._last = now
        self.answers_itself = watcher is Watcher.SIMULATED
        """The simulated device has no neck in it: the controller gives the sign when asked, and logs that."""

    @classmethod
    def for_session(
        cls,
        duration_s: float,
        origin: Origin,
        now: float,
        *,
        heat: bool = False,
        watcher: Watcher = Watcher.PERSON,
    ) -> Attention | None:
        """The timer for a session that begins at `now`, or None where it needs none.

        Raises Refused where one is needed and there is nobody to ask.
        """
        if not needed(duration_s, origin, heat=heat):
            return None
        require_watcher(duration_s, origin, watcher, heat=heat)
        return cls(now, watcher)

    def sign_of_life(self, now: float) -> None:
        """Somebody is there."""
        self._last = max(self._last, now)

    def due_in(self, now: float) -> float:
        """Seconds until the next sign is due; zero once it is missed."""
        return max(0.0, self._last + EVERY_S - now)

    def asking(self, now: float) -> bool:
        """Whether the person should see the question now."""
        return now >= self._last + EVERY_S - ASK_S

    def missed(self, now: float) -> bool:
        """Whether the session must fade now, to be at zero within 10 s."""
        return now >= self._last + EVERY_S


def require_watcher(
    duration_s: float, origin: Origin, watcher: Watcher, *, heat: bool = False
) -> None:
    """Refuse, before anything is reserved, a session that nobody could attend. Raises Refused."""
    if watcher is Watcher.NOBODY and needed(duration_s, origin, heat=heat):
        raise Refused(
            "a session over 15 minutes, with heat, or started from elsewhere needs somebody who can answer (R23)",
            "Run it from a terminal, or choose a shorter one without heat.",
        )
