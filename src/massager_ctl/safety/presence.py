"""Presence (R23): a long, warm or remote session goes on only while a person shows presence every 5 minutes.

A device without a dead-man asks every 2 minutes, whatever the session (R25).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from massager_ctl.errors import Refused
from massager_ctl.model.requests import Origin

LONG_S: Final = 900.0
"""Seconds above which a session is long (R23)."""

EVERY_S: Final = 300.0
"""Seconds that may pass without presence (R23)."""

ASK_S: Final = 30.0
"""Seconds before the deadline at which the person is asked; a design choice."""

FADE_S: Final = 6.0
"""Seconds of the fade after missed presence; R23 allows 10."""


class Watcher(StrEnum):
    """Who can show presence."""

    PERSON = "person"
    SIMULATED = "simulated"
    NOBODY = "nobody"


def needed(duration_s: float, origin: Origin, *, heat: bool = False) -> bool:
    """Whether a session of `duration_s` seconds needs presence (R23)."""
    return duration_s > LONG_S or heat or origin is Origin.REMOTE


class PresenceTimer:
    """When presence is due next. Any key and any local request shows it. Times are monotonic seconds."""

    __slots__ = ("_last", "every_s", "simulated")

    def __init__(
        self, now: float, watcher: Watcher = Watcher.PERSON, every_s: float | None = None
    ) -> None:
        """`every_s`: seconds that may pass without presence."""
        self._last = now
        self.every_s = EVERY_S if every_s is None else every_s
        self.simulated = watcher is Watcher.SIMULATED
        """No one wears a simulated device: the run shows presence itself when asked, and logs it."""

    @classmethod
    def for_session(
        cls,
        duration_s: float,
        origin: Origin,
        now: float,
        *,
        heat: bool = False,
        watcher: Watcher = Watcher.PERSON,
        every_s: float | None = None,
    ) -> PresenceTimer | None:
        """The timer for a session that begins at `now`, or None if it needs none.

        `every_s`: how often this device needs presence in any session, seconds (R25); None if it does not.

        Raises Refused if presence is needed and no person can be asked.
        """
        if every_s is None and not needed(duration_s, origin, heat=heat):
            return None
        require_watcher(duration_s, origin, watcher, heat=heat, every_s=every_s)
        return cls(now, watcher, every_s)

    def shown(self, now: float) -> None:
        """A person showed presence."""
        self._last = max(self._last, now)

    def due_in(self, now: float) -> float:
        """Seconds until presence is due; zero once it is missed."""
        return max(0.0, self._last + self.every_s - now)

    def asking(self, now: float) -> bool:
        """Whether the person should see the question now."""
        return now >= self._last + self.every_s - ASK_S

    def missed(self, now: float) -> bool:
        """Whether the session must fade now, to be at zero within 10 s."""
        return now >= self._last + self.every_s


def require_watcher(
    duration_s: float,
    origin: Origin,
    watcher: Watcher,
    *,
    heat: bool = False,
    every_s: float | None = None,
) -> None:
    """Refuse, before anything is reserved, a session that needs presence with no one to show it. Raises Refused."""
    if watcher is Watcher.NOBODY and every_s is not None:
        raise Refused(
            f"this device has no dead-man: it needs a person who answers every {every_s / 60:g} minutes (R25)",
            "Run it from a terminal.",
        )
    if watcher is Watcher.NOBODY and needed(duration_s, origin, heat=heat):
        raise Refused(
            "a session over 15 minutes, with heat, or started remotely needs a person who can answer (R23)",
            "Run it from a terminal, or choose a shorter one without heat.",
        )
