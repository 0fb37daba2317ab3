"""Follows the terminals that show a session of this owner: a session whose terminal is gone fades out (R23)."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from massager_ctl.control.controller import Controller
from massager_ctl.control.session import Ended
from massager_ctl.model.device import Cause
from massager_ctl.model.status import Status
from massager_ctl.safety.remote_start import ECHO_LOST_S, LOST_FADE_S

LOOK_S: Final = 0.25
"""Seconds between two checks of a keeper; with 4 s and a fade of 3 s, zero comes within 8 s, as for a page (R18)."""


class Reader(Protocol):
    """The connection on which a view follows the status."""

    @property
    def reads(self) -> bool:
        """Whether it reads what it is sent."""
        ...


class Views:
    """Follows the views of one device. A view is a terminal in another process, under a name of its choice.

    The view that started a session keeps it, until another one at this machine makes a request.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._readers: dict[Reader, str] = {}
        self._keeper: str | None = None
        self._seen_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def follows(self, view: str, reader: Reader) -> None:
        """Add a connection of a view."""
        self._readers[reader] = view

    def left(self, reader: Reader) -> None:
        """Remove a connection."""
        self._readers.pop(reader, None)

    def started(self, view: str | None) -> None:
        """A session has started; without a view it has no keeper."""
        self._keeper = view
        self._look_again()

    def pressed(self, view: str | None) -> None:
        """A request from this machine: its view takes over the session."""
        if view != self._keeper:
            self._keeper = None

    def changed(self, status: Status) -> None:
        """The session is over: forget its keeper."""
        if not status.phase.in_session:
            self._keeper = None

    def close(self) -> None:
        self._keeper = None
        if self._timer is not None:
            self._timer.cancel()

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        self._seen_at = loop.time()
        if self._timer is not None:
            self._timer.cancel()
        if self._keeper is not None:
            self._timer = loop.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        keeper, loop = self._keeper, asyncio.get_running_loop()
        if keeper is None:
            return
        if any(view == keeper and reader.reads for reader, view in self._readers.items()):
            self._seen_at = loop.time()
        elif loop.time() - self._seen_at >= ECHO_LOST_S:
            ended = Ended(Cause.SAFETY, "the terminal that kept it is gone (R23)")
            self._controller.fade(ended, LOST_FADE_S)
            self._keeper = None
            return
        self._timer = loop.call_later(LOOK_S, self._look)
