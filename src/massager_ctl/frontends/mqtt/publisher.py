"""Publishes one device's state, events and nonce. It listens to the controller and requests nothing."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Any, Final

import structlog

from massager_ctl.aio.clock import Clock
from massager_ctl.control.controller import Controller
from massager_ctl.control.outlook import Outlook, hindrance
from massager_ctl.frontends.mqtt import discovery
from massager_ctl.frontends.mqtt.announcement import Announcement
from massager_ctl.frontends.mqtt.choices import RemoteState
from massager_ctl.frontends.mqtt.publish_queue import PublishQueue
from massager_ctl.frontends.mqtt.rejections import Rejections
from massager_ctl.frontends.mqtt.state import (
    LATCHED,
    Advice,
    Remote,
    advise,
    clip,
    link_word,
    presence_due,
    significant,
    state_document,
)
from massager_ctl.frontends.mqtt.topics import EventType, Leaf, Topics
from massager_ctl.model.device import Cause
from massager_ctl.model.status import Event, LinkState, Phase, Status
from massager_ctl.model.units import Levels
from massager_ctl.safety.remote_start import RemoteGate

STATE_EVERY_S: Final = 2.0
"""Seconds between two states while time and levels change."""
STATE_SPACING_S: Final = 0.2
"""Minimum seconds between two states."""

OnEvent = Callable[[EventType, dict[str, Any]], None]


class Publisher:
    """Fills the queue, in order."""

    def __init__(  # noqa: PLR0913
        self,
        controller: Controller,
        gate: RemoteGate,
        clock: Clock,
        state: RemoteState,
        outlook: Callable[[], Outlook],
        queue: PublishQueue,
        topics: Topics,
        announcement: Announcement,
        *,
        on_event: OnEvent | None = None,
        log: Any = None,
    ) -> None:
        """`outlook`: what the next start would meet. `on_event`: for metrics."""
        self._controller = controller
        self._gate = gate
        self._clock = clock
        self._state = state
        self._outlook = outlook
        self._queue = queue
        self._topics = topics
        self._announcement = announcement
        self._on_event = on_event
        self._log = structlog.get_logger() if log is None else log
        self._rejections = Rejections()
        self._news = asyncio.Event()
        self._published: dict[str, Any] = {}
        self._announced_caps: Levels | None = None
        self._before = controller.status
        self._problem = ""
        self._conflict = False

    # Calls of others.

    @property
    def caps(self) -> Levels:
        """Percent per zone, in force now or for the next session."""
        status = self._controller.status
        return status.caps if status.phase.in_session and any(status.caps) else self._outlook().caps

    def event(self, kind: EventType, fields: dict[str, Any]) -> None:
        """Publish an event. A rejection is only counted if too many come."""
        if self._on_event is not None:
            self._on_event(kind, fields)
        now = self._now()
        if kind is EventType.REJECTED:
            published = self._rejections.take(now, fields)
            self._log_rejections(now)
            if published is not None:
                self._queue.event(kind, published)
            return
        log = self._log.warning if kind in _WORRYING else self._log.info
        log(f"mqtt.{kind.value}", **fields)
        self._queue.event(kind, fields)

    def renew_nonce(self) -> None:
        """Publish a new nonce: what was sent before is void."""
        self._gate.renew(secrets.token_urlsafe(12), self._clock.wall())

    def _publish_nonce(self) -> None:
        self._queue.keep(Leaf.NONCE, {"nonce": self._gate.nonce})

    def changed(self) -> None:
        """The choices or a problem have changed."""
        self._news.set()

    def conflict(self, there: bool) -> None:
        """Report whether another service with this id is at the broker."""
        if there and not self._conflict:
            self.event(EventType.PROBLEM, {"text": _CONFLICT, "remedy": _CONFLICT_REMEDY})
        if there is not self._conflict:
            self._conflict = there
            self.changed()

    def all(self) -> None:
        """Publish everything retained, discovery last, so that a new receiver finds everything."""
        self._announce()
        self._queue.keep(Leaf.LINK, link_word(self._controller.status))
        self._publish_nonce()
        self._publish_state()

    @contextlib.contextmanager
    def listening(self) -> Any:
        """Listen to the controller within the block."""
        remove = (
            self._controller.add_listener(self._status_changed),
            self._controller.add_event_listener(self._happened),
            self._gate.add_listener(self._publish_nonce),
        )
        try:
            yield
        finally:
            for call in remove:
                call()

    async def run(self) -> None:
        """Publish the state as it changes, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATE_EVERY_S):
                    await self._news.wait()
            self._news.clear()
            self._sum_up()
            if self._document() != self._published:
                self._publish_state()
                if self._announced_caps != self.caps:
                    self._announce()
            await asyncio.sleep(STATE_SPACING_S)

    # The state.

    def _publish_state(self) -> None:
        self._published = self._document()
        self._queue.keep(Leaf.STATE, self._published)

    def _document(self) -> dict[str, Any]:
        status, now, outlook = self._controller.status, self._now(), self._outlook()
        dose_left_s = outlook.dose_left_s if status.dose_left_s is None else status.dose_left_s
        remote = Remote(
            self._gate.ready_for_s(now), self._gate.ready_in_s(now), dose_left_s, outlook.notes
        )
        return state_document(status, self._state, remote, self._advice(), self.caps)

    def _advice(self) -> Advice:
        problem = f"{_CONFLICT}; {_CONFLICT_REMEDY}" if self._conflict else self._problem
        return advise(hindrance(self._controller), self._outlook(), problem)

    def _announce(self) -> None:
        self._announced_caps = self.caps
        info = self._controller.info
        titles = list(self._state.profiles.values())
        found = discovery.entities(self._topics, info, self.caps, titles)
        self._announcement.announce(info, found)

    # Events.

    def _status_changed(self, status: Status) -> None:
        before, self._before = self._before, status
        telemetry = status.telemetry
        if telemetry is not None and status.link is LinkState.UP:
            self._gate.attended(self._now(), flag=telemetry.attended)
        if status.link is not before.link:
            self._queue.keep(Leaf.LINK, link_word(status))
            if status.link is LinkState.UP:
                self._announce()
        self._session_changed(before, status)
        if presence_due(status) and not presence_due(before):
            self.event(EventType.PRESENCE_DUE, {"within_s": 30})
        if _latched(status) and not _latched(before):
            cause = telemetry.cause if telemetry else Cause.UNKNOWN
            advice = self._advice()
            fields = {"reason": cause.value, "text": advice.text, "remedy": advice.remedy}
            self.event(EventType.ESTOP, fields)
        if significant(self._document()) != significant(self._published):
            self._news.set()

    def _session_changed(self, before: Status, status: Status) -> None:
        runs = status.phase.in_session and status.phase is not Phase.ARMING
        ran = before.phase.in_session and before.phase is not Phase.ARMING
        if runs and not ran:
            self._problem = ""
            self.renew_nonce()
            self._publish_state()  # what follows the event finds nonce and state
            attempt = self._state.attempt
            fields = {
                "profile": status.profile,
                "title": status.title,
                "minutes": round(status.duration_s / 60, 1),
                "remote": attempt is not None and self._controller.open_attempt is attempt,
            }
            self.event(EventType.STARTED, fields)
        elif before.phase.in_session and not status.phase.in_session:
            self.renew_nonce()
            self._publish_state()
            if ran:
                self._ended(status)

    def _ended(self, status: Status) -> None:
        confirmed = status.exit_code != 5
        fields = {
            "reason": status.end_reason,
            "text": clip(status.message),
            "confirmed": confirmed,
        }
        advice = self._advice()
        if advice.locked or not confirmed:
            fields |= {"text": advice.text, "remedy": advice.remedy}
        self.event(_ENDS.get(status.end_reason, EventType.STOPPED), fields)

    def _happened(self, event: Event) -> None:
        if event.name in ("alarm", "problem"):
            self._problem = event.text
            self.event(EventType.PROBLEM, {"text": clip(event.text)})
        elif event.name == "link_lost":
            self.event(EventType.PROBLEM, {"text": clip(event.text)})
        elif event.name == "reset":
            self._problem = ""
        elif event.name == "pain":
            self.event(EventType.PROBLEM, {"text": "pain was reported", "remedy": clip(event.text)})

    # Floods.

    def _log_rejections(self, now: float) -> None:
        line = self._rejections.line(now)
        if line is not None:
            self._log.warning("mqtt.rejected", **line)

    def _sum_up(self) -> None:
        now = self._now()
        self._log_rejections(now)
        summary = self._rejections.summary(now)
        if summary is not None:
            self._queue.event(EventType.REJECTED, summary)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


_ENDS: Final[dict[str, EventType]] = {
    Cause.FINISHED.value: EventType.FINISHED,
    Cause.DEAD_MAN.value: EventType.DEAD_MAN,
}

_WORRYING: Final = frozenset({EventType.PROBLEM, EventType.ESTOP, EventType.DEAD_MAN})

_CONFLICT: Final = "another service on this broker uses the same name for a device"
_CONFLICT_REMEDY: Final = "End one of them, or give one device another name with `--device NAME=…`."


def _latched(status: Status) -> bool:
    return status.telemetry is not None and status.telemetry.state in LATCHED
