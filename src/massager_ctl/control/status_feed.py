"""Passes status changes and events to listeners; a listener's failure affects neither the session nor a stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from massager_ctl.aio.faults import report
from massager_ctl.model.status import Event, Status

_News = TypeVar("_News", Status, Event)


class StatusFeed:
    """Keeps the newest status, built once for all listeners."""

    __slots__ = ("_build", "_event_listeners", "_listeners", "_status", "_wall")

    def __init__(self, build: Callable[[], Status], wall: Callable[[], float]) -> None:
        """`build` makes the current status; `wall` returns unix seconds for events."""
        self._build = build
        self._wall = wall
        self._status: Status | None = None
        self._listeners: list[Callable[[Status], None]] = []
        self._event_listeners: list[Callable[[Event], None]] = []

    @property
    def status(self) -> Status:
        """The current status."""
        if self._status is None:
            self._status = self._build()
        return self._status

    def outdated(self) -> None:
        """Build the status again at the next read; listeners get it with the next change."""
        self._status = None

    def changed(self) -> None:
        """Send the new status to every listener."""
        self._status = None
        for listener in tuple(self._listeners):
            _tell(listener, self.status)

    def event(self, name: str, text: str) -> None:
        """Send the event to every listener."""
        if self._event_listeners:
            event = Event(name, text, self._wall())
            for listener in tuple(self._event_listeners):
                _tell(listener, event)

    def add_listener(self, listener: Callable[[Status], None]) -> Callable[[], None]:
        """Call `listener` with each new status; the result removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def add_event_listener(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with each event; the result removes it."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    async def watch(self) -> AsyncIterator[Status]:
        """Statuses as they change, the newest only for a slow reader."""
        news = asyncio.Event()
        remove = self.add_listener(lambda _: news.set())
        try:
            while True:
                yield self.status
                await news.wait()
                news.clear()
        finally:
            remove()


def _tell(listener: Callable[[_News], None], news: _News) -> None:
    try:
        listener(news)
    except Exception as error:  # noqa: BLE001  whatever a front end does wrong
        report("a listener", error)
