"""Sends one device's status to every reader: encoded once, numbered, only the newest for a slow reader."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from massager_ctl.aio.clock import Clock
from massager_ctl.control.session import Ended
from massager_ctl.frontends.json_text import visible_json
from massager_ctl.frontends.status_document import status_document
from massager_ctl.frontends.web.attendance import Attendance
from massager_ctl.frontends.web.offered import OfferedDevice
from massager_ctl.model.device import Cause
from massager_ctl.model.status import Event, Status
from massager_ctl.safety.remote_start import LOST_FADE_S

FLOW_S: Final = 0.1
NEWS_S: Final = 0.02
"""Seconds between two statuses: while levels change, and when the phase, the link or an alarm has changed."""

QUIET_S: Final = 0.5
"""Seconds after which the status is sent again without a change: a page takes 1 s for stale."""

LOOK_S: Final = 0.25
"""Seconds between two checks for a keeper that is gone; with 4 s and a fade of 3 s, zero comes within 8 s (R18)."""

AHEAD_MAX: Final = 20
"""How many numbers a reader that answers may be behind; then it gets no more until it answers."""

KEPT: Final = 400
"""Number of statuses whose time is remembered."""

_ALARMS: Final = frozenset({"alarm", "problem"})


class Reader:
    """The state of one websocket: what it was sent and has answered, and whether there is news for it."""

    __slots__ = ("answered", "news", "sent")

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.sent = 0
        self.answered: int | None = None


class StatusStream:
    """Follows one device from `open` to `close`, and ends a session whose page is gone (R18)."""

    def __init__(self, device: OfferedDevice, clock: Clock) -> None:
        self.device = device
        self.attendance = Attendance()
        self.seq = 0
        self._clock = clock
        self._content = b""
        self._readers: set[Reader] = set()
        self._sent: OrderedDict[int, float] = OrderedDict()
        self._sent_at = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._due_at = 0.0
        self._told: tuple[Any, ...] = ()
        self._alarm: dict[str, Any] | None = None
        self._ran = False
        self._remove: list[Callable[[], None]] = []

    def open(self) -> None:
        controller = self.device.controller
        self._remove = [
            controller.add_listener(self._changed),
            controller.add_event_listener(self._happened),
        ]
        self._changed(controller.status)

    def close(self) -> None:
        for remove in self._remove:
            remove()
        if self._due is not None:
            self._due.cancel()

    async def look_after(self) -> None:
        """Fade out a session whose page is gone, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.attendance.lost(self._now()):
                ended = Ended(Cause.SAFETY, "the page that kept it is gone (R18)")
                self.device.controller.fade(ended, LOST_FADE_S)

    # Readers.

    def join(self) -> Reader:
        """Add a reader; the current status is news to it."""
        reader = Reader()
        self._readers.add(reader)
        self.tell()
        return reader

    def leave(self, reader: Reader) -> None:
        self._readers.discard(reader)

    def next_for(self, reader: Reader) -> bytes | None:
        """The newest status, or None if this reader is too far behind to be sent another."""
        reader.news.clear()
        if reader.answered is not None and reader.sent - reader.answered > AHEAD_MAX:
            return None
        reader.sent = self.seq
        return self._content

    def answered(self, reader: Reader, seq: int, page: str | None) -> None:
        """A reader has received the status `seq`. `page`: its name if it is visible."""
        sent_at = self._sent.get(seq)
        if sent_at is None:
            return
        reader.answered = max(seq, reader.answered or 0)
        if self.seq > reader.answered:
            reader.news.set()
        if page is not None:
            self.attendance.sign(page, sent_at)

    # The status.

    def document(self) -> dict[str, Any]:
        """The message to a reader, without its number. Seconds; `time` in unix seconds."""
        gate = self.device.gate
        return {
            "device": self.device.name,
            "time": self._clock.wall(),
            "status": status_document(self.device.controller.status),
            "nonce": gate.nonce,
            "ready_for_s": round(gate.ready_for_s(self._now()), 1),
            "keeper": self.attendance.keeper,
            "alarm": self._alarm,
        }

    def tell(self) -> None:
        """Make the current status the newest."""
        if self._due is not None:
            self._due.cancel()
        now = self._sent_at = self._now()
        if self._readers:
            self.seq += 1
            self._sent[self.seq] = now
            while len(self._sent) > KEPT:
                self._sent.popitem(last=False)
            self._content = visible_json({"seq": self.seq, **self.document()})
            for reader in self._readers:
                reader.news.set()
        self._due_at = now + QUIET_S
        self._due = asyncio.get_running_loop().call_at(self._due_at, self.tell)

    def news(self) -> None:
        """Something changed that must be sent soon."""
        self._tell_at(self._sent_at + NEWS_S)

    def _tell_at(self, at: float) -> None:
        if self._due is not None:
            if self._due_at <= at:
                return
            self._due.cancel()
        self._due_at = at
        self._due = asyncio.get_running_loop().call_at(at, self.tell)

    def _changed(self, status: Status) -> None:
        runs = status.phase.in_session
        if self._ran and not runs:
            self.attendance.over()
        self._ran = runs
        latched = status.telemetry is not None and status.telemetry.state.latched
        told = (status.phase, status.link, latched, status.end_reason, status.eased)
        self._tell_at(self._sent_at + (FLOW_S if told == self._told else NEWS_S))
        self._told = told

    def _happened(self, event: Event) -> None:
        if event.name in _ALARMS:
            self._alarm = {"text": event.text, "at": event.at}
        elif event.name in ("reset", "started"):
            self._alarm = None
        elif event.name == "present":
            self.attendance.taken_here()
        else:
            return
        self.news()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
