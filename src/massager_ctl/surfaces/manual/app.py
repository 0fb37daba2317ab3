"""Manual control on the full screen (Textual): keys and mouse become requests at once; space stops from anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import Task
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from massager_ctl.device import Cause
from massager_ctl.errors import MassagerError, StopUnconfirmed
from massager_ctl.requests import Change, PainKind
from massager_ctl.status import Event, Phase
from massager_ctl.surfaces.helm import Helm
from massager_ctl.surfaces.manual import lanes
from massager_ctl.surfaces.manual.hand import Deed, Hand
from massager_ctl.surfaces.picture import in_ascii
from massager_ctl.units import ZONES, Zone

REDRAW_S: Final = 0.1
"""Seconds between two redraws for what the device reports; a key is drawn at once."""

Start = Callable[[], Awaitable[None]]


class Lane(Static):
    """One zone; a click sets its level."""

    def __init__(self, zone: Zone, on_aim: Callable[[Zone, float], None]) -> None:
        super().__init__(classes="lane", id=zone.value)
        self._zone = zone
        self._on_aim = on_aim

    def on_click(self, event: events.Click) -> None:
        """Aim at the level under the pointer."""
        percent = lanes.percent_at(event.x, self.size.width)
        if percent is not None:
            self._on_aim(self._zone, percent)


class StopBar(Static):
    """A wide field that stops when it is clicked."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        super().__init__("STOP  (space)")
        self._on_stop = on_stop

    def on_click(self) -> None:
        """Stop."""
        self._on_stop()


class Question(ModalScreen[str]):
    """A text over the screen; the key that closes it is the answer. Space stops here too."""

    def __init__(self, text: str, on_stop: Callable[[], None], answers: str = "") -> None:
        super().__init__()
        self._text = text
        self._on_stop = on_stop
        self._answers = answers

    def compose(self) -> ComposeResult:
        yield Static(self._text, classes="question")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in {"space", "s"}:
            self._on_stop()
        elif not self._answers or event.key in self._answers:
            self.dismiss(event.key)


PAIN: Final = """\
It was told to stop. What was it?

  m   mild discomfort that is gone now
  w   a warning sign: sharp pain, numbness, tingling, dizziness,
      trouble with speech or sight
  n   not certain"""

_PAINS: Final = {
    "m": PainKind.MILD,
    "w": PainKind.WARNING_SIGN,
    "n": PainKind.UNCLASSIFIED,
}


class ManualApp(App[None]):
    """Shows a `Helm` and steers it. `start` begins a session with every level at zero."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "massager-ctl manual"
    CSS = """
    Screen { padding: 1 1; }
    .lane { height: 1; }
    #head { height: 1; text-style: bold; }
    #gap, #gap2 { height: 1; }
    #moving { height: 1; color: $text-muted; }
    #word { height: 2; text-style: bold; }
    #foot { height: 3; }
    StopBar { width: 24; height: 3; content-align: center middle; text-style: bold reverse; }
    #keys { padding: 1 2; }
    Question { align: center middle; padding: 0; }
    .question { width: 78; height: auto; padding: 1 2; border: round $foreground; background: $surface; }
    """
    BINDINGS: ClassVar[Any] = []

    def __init__(self, helm: Helm, start: Start, *, marks: lanes.Marks = lanes.UNICODE) -> None:
        super().__init__()
        self.hand = Hand()
        self._helm = helm
        self._begin = start
        self._marks = marks
        self.interrupted = False
        """Whether Ctrl-C or a signal ended it."""
        self.unconfirmed: StopUnconfirmed | None = None
        """The last stop, where it was not confirmed (R6)."""
        self._said = ""
        self._tasks: set[Task[Any]] = set()
        self._remove: list[Callable[[], None]] = []

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="gap")
        for zone in ZONES:
            yield Lane(zone, self._aim)
        yield Static(id="gap2")
        yield Static(id="moving")
        yield Static(id="word")
        with Horizontal(id="foot"):
            yield StopBar(self.stop)
            yield Static("-  ease    !  it hurts    ?  help    q  leave", id="keys")

    def on_mount(self) -> None:
        self._remove = [self._helm.add_event_listener(self._heard)]
        self.set_interval(REDRAW_S, self.draw)
        self._spawn(self._started())
        self.draw()

    def on_unmount(self) -> None:
        for remove in self._remove:
            remove()

    # Keys. Bindings are not used: a stop must not depend on what has the focus.

    async def on_event(self, event: events.Event) -> None:
        """Space and Ctrl-C come first, whatever else is on the screen."""
        if isinstance(event, events.Key) and event.key == "ctrl+c":
            self.leave()
            return
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """Turn the key into what it asks for."""
        event.prevent_default()
        self._said = ""
        what = self.hand.key(event.key, self._helm.status, time.monotonic())
        match what:
            case Deed.STOP:
                self.stop()
            case Deed.PAIN:
                self._keep(self._helm.stop_now(Cause.PAIN, "pain was reported"))
                self.push_screen(Question(PAIN, self.stop, "mwn"), self._hurt)
            case Deed.HELP:
                self.push_screen(Question(lanes.HELP, self.stop))
            case Deed.QUIT:
                self._spawn(self._leave())
            case Deed.START:
                self._spawn(self._started())
            case changes:
                self.do(changes)

    def do(self, changes: list[Change]) -> None:
        """Ask for changes, and show at once what was asked or why not."""
        try:
            for change in changes:
                self._helm.request(change)
        except MassagerError as error:
            if self._helm.status.phase.in_session:
                self._said = error.message
        self.draw()

    def _aim(self, zone: Zone, percent: float) -> None:
        self.do(self.hand.aim(percent, zone))

    def stop(self) -> None:
        """Stop: the bytes leave before anything is drawn (R6)."""
        self._keep(self._helm.stop_now(Cause.PERSON, "you stopped it"))
        self.hand.begin()
        self.draw()

    def leave(self) -> None:
        """Ctrl-C or a signal: stop, confirm, go."""
        self.interrupted = True
        self.stop()
        self._spawn(self._leave())

    # What happens.

    async def _started(self) -> None:
        if self._helm.status.phase.in_session:
            return
        self.hand.begin()
        try:
            await self._begin()
        except MassagerError as error:
            self._said = str(error).replace("\n", " ")
        self.draw()

    def _hurt(self, answer: str | None) -> None:
        kind = _PAINS.get(answer or "n", PainKind.UNCLASSIFIED)

        async def report() -> None:
            try:
                self._said = await self._helm.pain(kind)
            except MassagerError as error:
                self._said = str(error).replace("\n", " ")

        self._spawn(report())

    async def _leave(self) -> None:
        if self._helm.status.phase.in_session and self._helm.status.phase is not Phase.STOPPING:
            self._keep(self._helm.stop_now(Cause.PERSON, "you left"))
        me = asyncio.current_task()
        others = {task for task in self._tasks if task is not me}
        if others:
            await asyncio.wait(others)
        self.exit()

    def _heard(self, event: Event) -> None:
        if event.name in {"alarm", "problem", "refused", "attention"}:
            self._said = event.text.replace("\n", " ")
            if event.name in {"alarm", "attention"}:
                self.bell()

    def draw(self) -> None:
        """Put the newest picture on the screen."""
        if not self.is_running:
            return
        status, width = self._helm.status, max(40, self.size.width - 2)
        if not status.phase.in_session and any(self.hand.asked):
            self.hand.begin()
        self._show("#head", lanes.head(status, width))
        for zone in ZONES:
            self._show(f"#{zone}", lanes.lane(status, self.hand, zone, width, self._marks))
        self._show("#moving", lanes.moving(self.hand))
        self._show("#word", self._said or lanes.word(status, self.hand))

    def _show(self, where: str, text: str) -> None:
        if self._marks is lanes.PLAIN:
            text = in_ascii(text)
        with contextlib.suppress(LookupError):
            self.screen_stack[0].query_one(where, Static).update(Content(text))

    def _spawn(self, work: Any) -> None:
        self._keep(asyncio.ensure_future(work))

    def _keep(self, task: Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, StopUnconfirmed):
            self.unconfirmed = error
        if isinstance(error, MassagerError):
            self._said = str(error).replace("\n", " ")
            self.bell()
