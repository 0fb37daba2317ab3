"""Tracks the page that keeps a session: the session goes on only while it, or one that took over, is there (R18)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

GONE_S: Final = 4.0
"""Seconds without a sign from a visible page after which it counts as gone (R18)."""

HERE: Final = "here"
"""The keeper's name if the machine took over."""

PAGES_MAX: Final = 256


class Attendance:
    """The keeper of the running session. Times are monotonic seconds.

    A sign counts from when the service sent what the page answers, not from when the answer came, so neither a
    half-open link nor a backlog keeps a session alive.
    """

    __slots__ = ("_seen", "keeper")

    def __init__(self) -> None:
        self.keeper: str | None = None
        """The page that started the session or took it over, HERE, or None if no page ever had it."""
        self._seen: OrderedDict[str, float] = OrderedDict()

    def sign(self, page: str, sent_at: float) -> None:
        """A visible page has answered what was sent at `sent_at`."""
        self._seen[page] = max(sent_at, self._seen.pop(page, sent_at))
        while len(self._seen) > PAGES_MAX:
            self._seen.popitem(last=False)

    def present(self, page: str, now: float) -> bool:
        """Whether that page is there."""
        seen = self._seen.get(page)
        return seen is not None and now - seen < GONE_S

    def keep(self, page: str) -> None:
        """This page started the session, or took it over by a request."""
        self.keeper = page

    def taken_here(self) -> None:
        """A request at the machine: the machine takes over from a page."""
        if self.keeper is not None:
            self.keeper = HERE

    def over(self) -> None:
        """The session is over: forget its keeper."""
        self.keeper = None

    def lost(self, now: float) -> bool:
        """Whether the session must fade: its keeper is a page, and gone."""
        keeper = self.keeper
        return keeper is not None and keeper != HERE and not self.present(keeper, now)
