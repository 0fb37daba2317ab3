"""Turns keys, clicks and signals at a terminal into requests to one session; a stop never waits (R6)."""

from __future__ import annotations

import asyncio
import time
from asyncio import Task
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final

from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.control.session_control import SessionControl
from massager_ctl.errors import MassagerError, StopUnconfirmed
from massager_ctl.frontends import words
from massager_ctl.frontends.terminal import zone_meter
from massager_ctl.frontends.terminal.bindings import Action, View, action, help_text
from massager_ctl.frontends.terminal.layout import Glyphs, Line
from massager_ctl.frontends.terminal.manual_input import ManualInput
from massager_ctl.frontends.terminal.session_view import page, view
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    PainKind,
    Pause,
    Presence,
    Resume,
    Undo,
)
from massager_ctl.model.status import Event, Phase, Status
from massager_ctl.model.units import ZONES
from massager_ctl.safety import pain

SAID_S: Final = 12.0
"""Seconds for which a refusal stays on the screen; safety messages stay until the next key."""

_URGENT: Final = frozenset({"alarm", "problem", "presence_due"})

_CHANGES: Final[dict[Action, Change]] = {
    Action.EASE: Ease(),
    Action.UNDO: Undo(),
    Action.FADE: Fade(),
}


class Page(StrEnum):
    """A text over the view."""

    NONE = "none"
    HELP = "help"
    PAIN = "pain"
    HEAT = "heat"


class SessionUi:
    """Controls one `SessionControl`; `attend` sets it, and what starts manual control.

    `leave` is called once the user wants to leave and nothing runs, and at once on a signal before there is
    anything to stop. With a `hand`, several sessions follow each other.
    """

    def __init__(self, leave: Callable[[], object], *, hand: ManualInput | None = None) -> None:
        self.control: SessionControl | None = None
        self.hand = hand
        self.page = Page.NONE
        self.hurt = False
        """Whether pain was reported and is not classified yet."""
        self.interrupted = 0
        """How often a signal ended it, or a reader that was gone."""
        self.unseen = 0
        """How often it was such a reader, as in `… | head`."""
        self.early = False
        """Whether the user stopped or left while the last start was still under way."""
        self.unconfirmed: StopUnconfirmed | None = None
        """The last stop, if it was not confirmed (R6)."""
        self.refused: MassagerError | None = None
        """Why the last start of manual control was refused, if it was."""
        self.record: list[str] = []
        """What to show again after the screen is closed: what follows from pain."""
        self._status = Status()
        """The newest status, from which the writer's thread draws; it must not ask the controller."""
        self._leave = leave
        self._start: Callable[[], Awaitable[None]] | None = None
        self._bell: Callable[[], None] = lambda: None
        self._say: Callable[[str], None] = lambda _: None
        self._starting = False
        self._leaving = False
        self._left = False
        self._said: tuple[str, ...] = ()
        self._said_until = float("inf")
        self._rung = ""
        self._announced = False
        self._tasks = TaskBag()
        self._click_rows: dict[int, int] = {}
        self._width = 80

    @property
    def view(self) -> View:
        return View.PROFILE if self.hand is None else View.MANUAL

    def attend(self, control: SessionControl, start: Callable[[], Awaitable[None]]) -> None:
        """Send keys and signals to `control` from now on."""
        self.control = control
        self._status = control.status
        self._start = start

    def on_leave(self, leave: Callable[[], object]) -> None:
        """Call this once the user wants to leave and nothing runs."""
        self._leave = leave

    def on_bell(self, bell: Callable[[], None]) -> None:
        """Ring for urgent news."""
        self._bell = bell

    def on_say(self, say: Callable[[str], None]) -> None:
        """Pass every text that is shown to a listener."""
        self._say = say

    # Input.

    def key(self, key: str) -> None:
        """One key, by its name (`Keys`)."""
        control = self.control
        if control is None:
            return
        asked = action(key, self.view)
        if asked is Action.STOP:
            self.stop()
            return
        if self.page is not Page.NONE:
            self._answer(key)
            return
        self._said = ()
        if asked in (None, Action.PAUSE) and control.status.motors_in_s == 0.0:
            self._ask([Resume()])  # the massager is back in its place
            return
        self._act(control, asked, key)

    def _act(self, control: SessionControl, asked: Action | None, key: str) -> None:
        match asked:
            case Action.PAIN:
                self._hurts(control)
            case Action.PAUSE:
                paused = control.status.phase is Phase.PAUSED
                self._ask([Resume() if paused else Pause()])
            case Action.EASE | Action.UNDO | Action.FADE:
                self._ask([_CHANGES[asked]])
            case Action.QUIT:
                self.quit()
            case Action.HELP:
                self.page = Page.HELP
            case Action.START if not control.status.phase.in_session:
                self.begin()
            case Action.HEAT if self.hand is not None and self.hand.heat is None:
                self.page = Page.HEAT
            case None if self.hand is not None:
                self._ask(self.hand.key(key, time.monotonic()))
            case Action() if self.hand is not None:
                self._ask(self.hand.act(asked))
            case _:
                self._ask([Presence()])

    def click(self, column: int, row: int) -> None:
        """A mouse press: on STOP, or in a zone's bar, which sets its level."""
        zone = self._click_rows.get(row)
        if zone == _STOP_ROW:
            self.stop()
        elif zone is not None and self.hand is not None and self.page is Page.NONE:
            percent = zone_meter.percent_at(column, self._width)
            if percent is not None:
                self._ask(self.hand.aim(percent, ZONES[zone]))

    def stop(self, cause: Cause = Cause.PERSON, text: str = "you stopped it") -> None:
        """Stop: send it before anything is drawn (R6)."""
        self.early = self.early or self._starting
        if self.control is not None:
            self._keep(self.control.stop_now(cause, text))
        if self.hand is not None:
            self.hand.begin()

    def interrupt(self) -> None:
        """A signal: stop, confirm, leave. A further one sends the stop again and still waits."""
        self.interrupted += 1
        if self.control is not None:
            self.stop(text="interrupted")
            self.quit()
        elif self.interrupted == 1:
            self._leave()  # once: a second one must not cut the exit short

    def unread(self) -> None:
        """No one reads what is shown any more: stop, confirm, go."""
        self.unseen += 1
        self.interrupt()

    def begin(self) -> None:
        """Start manual control, with every level at zero."""
        if self._start is not None:
            if self.hand is not None:
                self.hand.begin()
            self.refused = None
            self._keep(asyncio.ensure_future(self._begin()))

    async def _begin(self) -> None:
        try:
            await self.started()
        except MassagerError as error:
            self.refused = None if self.early else error
            self.say(words.plain(str(error)))

    async def started(self) -> None:
        """Start a session; it does not outlive a key that was pressed meanwhile. Raises as `SessionControl.start`."""
        control, start = self.control, self._start
        assert control is not None
        assert start is not None
        self._starting, self.early = True, False
        try:
            await start()
        finally:
            self._starting = False
        if self.early:  # that stop may have overtaken the start
            self._keep(control.stop_now(text="you left before it started"))

    def quit(self) -> None:
        """Fade out and leave; at the second call, or before a session has started, stop and leave."""
        control = self.control
        assert control is not None
        if self._starting and not self.interrupted:
            self.stop(text="you left before it started")
        elif control.status.phase.in_session and not self.interrupted:
            if self._leaving:
                self.stop()
            else:
                self._ask([Fade()])
        self._leaving = True
        self.news()

    def news(self) -> None:
        """Call it with every status: leaves once nothing runs any more."""
        control = self.control
        if control is None:
            return
        self._status = control.status
        if control.status.motors_in_s is not None and not self._announced:
            self._bell()
        self._announced = control.status.motors_in_s is not None
        guided = control.status.guided
        text = guided.text if guided is not None and guided.bell else ""
        if text and text != self._rung:
            self._bell()
        self._rung = text
        if control.status.phase.in_session:
            return
        if self.hand is not None and any(self.hand.asked):
            self.hand.begin()
        if self._leaving and not self._left and not self._tasks:
            self._left = True
            self._leave()

    # Pain and heat: a page, and its answer.

    def _hurts(self, control: SessionControl) -> None:
        self.hurt = True
        # It is kept at once, and locks until it is classified: this program may end before that (R22).
        self._keep(control.pain(PainKind.UNCLASSIFIED))
        # In `run` the session is over, and what it was is asked on the normal terminal.
        if self.hand is not None:
            self.hand.begin()
            self.page = Page.PAIN

    def _answer(self, key: str) -> None:
        match self.page:
            case Page.PAIN:
                kind = pain.ANSWERS.get(key.lower())
                if kind is not None:
                    self.page = Page.NONE
                    self._keep(asyncio.ensure_future(self._report(kind)))
            case Page.HEAT if self.hand is not None:
                self.page = Page.NONE
                if key.lower() == "y":
                    self._ask(self.hand.act(Action.HEAT))
                    self.say(f"Heat is on, at most {self.hand.heat:.0f} °C. h changes it.")
            case _:
                self.page = Page.NONE

    async def _report(self, kind: PainKind) -> None:
        assert self.control is not None
        self.hurt = False
        text = await self.control.pain(kind)
        info = self.control.status.info
        if info is not None and info.simulated:
            text = (
                f"The device is a simulator, so nothing is recorded. After a real session: {text}"
            )
        self.record.append(text)
        self.say(text)

    # Events.

    def heard(self, event: Event) -> None:
        """Take an event of the session, and show it if it is for the user."""
        if event.name in _URGENT:
            self.say(event.text)
            self._bell()
        elif event.name == "refused":
            self.say(event.text, SAID_S)

    def say(self, text: str, seconds: float = float("inf")) -> None:
        """Show a text, above everything else."""
        self._said = (*self._said, text)[-3:]
        self._said_until = time.monotonic() + seconds
        self._say(text)

    def rows(self, width: int, height: int, glyphs: Glyphs, t: float) -> list[Line]:
        """The view for a terminal of that size."""
        control = self.control
        self._width = width - 1
        if control is None:
            return []
        if self.page is not Page.NONE:
            self._click_rows = {}
            return page(self._page_text(), width, height, t)
        said = self._said if t <= self._said_until else ()
        rows = view(self._status, width, height, glyphs, hand=self.hand, said=said, t=t)
        self._click_rows = _clickable(rows)
        return rows

    def _page_text(self) -> str:
        match self.page:
            case Page.PAIN:
                return f"A stop was sent to the device.\n\n{pain.QUESTION}"
            case Page.HEAT:
                return HEAT_QUESTION
            case _:
                return help_text(self.view)

    async def settled(self) -> None:
        """Wait for the requests; every error also shows in the session's end."""
        await self._tasks.settled()

    def _ask(self, changes: list[Change]) -> None:
        control = self.control
        assert control is not None
        try:
            for change in changes:
                control.request(change)
        except MassagerError as error:
            # Before the start and after the end there is nothing to change; a key is not an error.
            if control.status.phase.in_session:
                self.say(error.message, SAID_S)

    def _keep(self, task: Task[Any]) -> None:
        self._tasks.keep(task).add_done_callback(self._done)

    def _done(self, task: Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StopUnconfirmed):
            self.unconfirmed = error
            self.record.append(str(error))
        if isinstance(error, MassagerError):
            self.say(words.plain(str(error)))
            self._bell()
        self.news()


HEAT_QUESTION: Final = """\
Heat on, at most 36 °C?

  y   yes, switch it on
  any other key   no

Heat hides how strong a massage is. Switch it off if anything burns or stings."""

_STOP_ROW: Final = -1


def _clickable(rows: list[Line]) -> dict[int, int]:
    """Rows that react to the mouse: a zone's bar by its index, and the row of the stop key."""
    found: dict[int, int] = {}
    zones = iter(ZONES)
    for at, row in enumerate(rows):
        text = "".join(part for _, part in row)
        if "  cap " in text and " of " in text:
            zone = next(zones, None)
            if zone is not None:
                found[at] = zone.index
        elif text.startswith("space stop"):
            found[at] = _STOP_ROW
    return found
