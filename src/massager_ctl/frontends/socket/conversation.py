"""Serves one client of a control socket: its requests, stops first, and its answers (R5, R6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from massager_ctl.aio.faults import report
from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.control.pacer import SPACING_S
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import DeviceNotFound, InputError, MassagerError, Refused
from massager_ctl.frontends.socket.intake import (
    LINE_MAX,
    STOPPING,
    Intake,
    LineTooLong,
    may_start,
    may_stop,
    name_in,
)
from massager_ctl.frontends.socket.received import Item, Junk, Received, Stopped
from massager_ctl.frontends.socket.request_line import read_line
from massager_ctl.frontends.socket.reset_steps import ResetSteps
from massager_ctl.frontends.socket.settling import shown_at_zero
from massager_ctl.frontends.socket.turns import Noise
from massager_ctl.frontends.status_document import error_document
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import (
    Ask,
    Change,
    GetStatus,
    LocalRequest,
    Pain,
    Ready,
    Reset,
    Start,
    Stop,
    Watch,
)
from massager_ctl.model.status import Status
from massager_ctl.model.text import visible
from massager_ctl.safety.freshness import require_fresh

if TYPE_CHECKING:
    from massager_ctl.frontends.socket.server import ControlServer

BACKLOG_MAX: Final = 64 * 1024
"""Bytes of statuses that a client may leave unread; beyond it only the newest status is kept."""

SETTLE_S: Final = 2.0
"""Seconds that a closing owner waits for its last answers."""

READ: Final = 16 * 1024
"""Bytes read from a client in one turn of the loop."""

URGENT_MAX: Final = 32
"""Stops of one batch that are done at once; the others wait for their turn."""

CHANGES_MAX: Final = 8
"""Changes of one client that may wait for an answer; the next one waits for its turn."""

SLOW_MAX: Final = 8
"""Starts, resets and the like of one client that may be under way or wait."""

JUNK_SHOWN: Final = 8
"""Invalid lines a second that are answered individually."""


class Conversation(asyncio.BufferedProtocol):
    """One client. All that has arrived is searched for a stop before anything else is done (R6).

    The rest waits: `take_next` handles one, a few in each turn of the loop. What takes time runs as tasks in order.
    """

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._controller = server.controller
        self._transport: asyncio.Transport | None = None
        self._turns = server.turns
        self._room = bytearray(READ)
        self._deaf = False
        self._intake: Intake[tuple[Item, float]] = Intake()
        self._starts = 0
        """Starts that wait."""
        self._changes = 0
        """Changes that are not answered yet."""
        self._slow = 0
        """Requests that take time and are not done."""
        self._noise = Noise(self._sum_up, shown=JUNK_SHOWN)
        self._tasks = TaskBag()
        self._turn = asyncio.Lock()
        self._unwatch: Callable[[], None] | None = None
        self._view: str | None = None
        """The name of the terminal at the other end, if it gave one (R23)."""
        self._congested = False
        self._behind = False
        self._steps = ResetSteps(self._controller)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=BACKLOG_MAX)
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._noise.close()
        self._server.left(self)
        self._server.views.left(self)
        self._stop_watching()
        if not self.gone.done():
            self.gone.set_result(None)

    async def settle(self) -> None:
        """Answer what was asked before: a stop must be reported as confirmed."""
        await self._tasks.settled(SETTLE_S)

    def finish(self) -> None:
        """The owner closes: send the remaining answers."""
        self._stop_watching()
        if self._transport is not None:
            self._transport.close()

    def _hang_up(self) -> None:
        """Ignore further requests but read them: closing with unread bytes would lose the answer."""
        self._deaf = True
        if self._transport is not None:
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(SETTLE_S, self.drop)

    def drop(self) -> None:
        """A client that does not read its answers must not block us."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def reads(self) -> bool:
        """Whether the client reads what it is sent."""
        return not self._congested

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        if self._behind:
            self._behind = False
            self._say_status(self._controller.status)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        if self._deaf:
            return
        now = asyncio.get_running_loop().time()
        try:
            lines = self._intake.lines(bytes(memoryview(self._room)[:nbytes]))
        except LineTooLong:
            self._refuse(InputError(f"a request is longer than {LINE_MAX} bytes"))
            self._hang_up()
            return
        if skipped := self._intake.skip(lines):
            self._noise.count(skipped, silent=True)
        read, stop_at = self._stops_first(lines, now)
        for number, line in enumerate(lines):
            item = read.get(number, line)
            if not isinstance(item, Stopped):
                self._let_wait(item, len(line), now, stopped=number < stop_at)
        if len(self._intake):
            self._turns.add(self)

    def _stops_first(self, lines: list[bytes], now: float) -> tuple[dict[int, Item | Stopped], int]:
        """Do the stops among these lines; returns what was read for that, and the position of the last one."""
        read: dict[int, Item | Stopped] = {}
        stop_at = -1
        done = 0
        for number, line in enumerate(lines):
            if may_stop(line) and name_in(line) in STOPPING:
                item = self._read(line, now)
                if isinstance(item, Received) and isinstance(item.asked, (Stop, Pain)):
                    stop_at = number
                    if done < URGENT_MAX:
                        self._stop(item.asked)
                        item, done = Stopped(), done + 1
                read[number] = item
        return read, stop_at

    def _let_wait(self, item: Item, size: int, now: float, *, stopped: bool) -> None:
        """Queue it. `stopped`: a stop came after it. No start waits unread, as a later stop would not cancel it."""
        if isinstance(item, bytes) and may_start(item) and name_in(item) == "start":
            item = self._read(item, now) if self._starts < SLOW_MAX else Junk(_too_many(), None)
        if isinstance(item, Received) and isinstance(item.asked, Start):
            item = self._controller.receive(item.asked, received_at=item.at)
            if stopped:
                item.cancel()
        if not self._intake.put((item, now), size):
            self._noise.count(silent=True)
        elif isinstance(item, StartAttempt):
            self._starts += 1

    def take_next(self) -> bool:
        """Do the next request; returns whether another one can be done now."""
        item, at = self._intake.take()
        try:
            self._do(item, at)
        except Exception as error:  # noqa: BLE001  what waits behind it has its turn all the same
            report("a request", error)
        return len(self._intake) > 0 and self._changes < CHANGES_MAX

    def _do(self, item: Item, at: float) -> None:
        if isinstance(item, bytes):
            item = self._read(item, at)
        match item:
            case StartAttempt():
                self._starts -= 1
                self._take(item, at)
            case Received(asked=Stop() | Pain() as asked):  # behind URGENT_MAX others
                self._stop(asked)
            case Received(asked=asked, at=sent_at):
                self._take(asked, sent_at)
            case _:
                self._junk(item)

    def _read(self, line: bytes, received_at: float) -> Received | Junk:
        """A request, and when the operating system received it: the sender's clock is this machine's (R5)."""
        asked = None
        try:
            envelope = read_line(line)
            asked, card = envelope.asked, self._server.card
            if envelope.device is not None and not card.is_called(envelope.device):
                raise DeviceNotFound(
                    f"this program owns {card}, not {visible(envelope.device)}; nothing was done",
                    "`massager-ctl status` shows every device in use.",
                )
            self._view = envelope.view or self._view
            age = self._server.gaps.age(received_at, envelope.sent_at)
            require_fresh(asked, age)
        except MassagerError as error:
            return Junk(error, asked)
        except Exception as error:  # noqa: BLE001  a stop may stand in the next line
            report("a request", error)
            return Junk(MassagerError(f"a fault in this program: {error!r}"), asked)
        return Received(asked, received_at - age)

    def _junk(self, junk: Junk) -> None:
        """Answer an invalid request; if there are too many, count them and answer once a second."""
        if self._noise.count():
            self._refuse(junk.error, junk.asked)

    def _sum_up(self, count: int) -> None:
        self._server.noise.count(count, silent=True)
        self._refuse(
            Refused(
                f"{count} requests were invalid or came too fast; they had no effect",
                "Send fewer. A stop is always accepted.",
            )
        )

    def _stop(self, asked: Stop | Pain) -> None:
        if isinstance(asked, Pain):
            self._run(self._pain(asked, self._controller.pain(asked.kind)), asked)
        else:
            stopping = self._controller.stop_now(
                Cause.PERSON, "it was stopped from another program"
            )
            self._run(self._confirmed(asked, stopping), asked)

    def _take(self, asked: LocalRequest | StartAttempt, received_at: float) -> None:
        match asked:
            case StartAttempt(request=request):
                self._slowly(self._start(asked), request)
            case Reset():
                self._slowly(self._reset(asked, received_at), asked)
            case Ready():
                self._slowly(self._ready(asked, received_at), asked)
            case Watch():
                if self._unwatch is None:
                    self._unwatch = self._controller.add_listener(self._say_status)
                    if self._view is not None:
                        self._server.views.follows(self._view, self)
                self._say_status(self._controller.status, asked)
            case GetStatus():
                self._say_status(self._controller.status, asked)
            case Start() | Stop() | Pain():  # taken before all others
                pass
            case _:
                self._change(asked, received_at)

    def _change(self, change: Change, received_at: float) -> None:
        self._server.views.pressed(self._view)
        try:
            self._controller.request(change, received_at=received_at)
        except MassagerError as error:
            self._refuse(error, change)
        else:
            self._changes += 1
            # It may be sent 20 ms after the setpoint before it; the answer shows the result.
            asyncio.get_running_loop().call_later(SPACING_S, self._changed, change)

    def _changed(self, change: Change) -> None:
        self._changes -= 1
        self._say_status(self._controller.status, change)
        if len(self._intake):
            self._turns.add(self)

    async def _confirmed(self, asked: Stop, stopping: Awaitable[None]) -> None:
        await asyncio.shield(stopping)
        await shown_at_zero(self._controller)
        self._say_status(self._controller.status, asked)

    async def _pain(self, asked: Pain, reporting: Awaitable[str]) -> None:
        self._say_said(await asyncio.shield(reporting), asked)

    def _slowly(self, work: Coroutine[Any, Any, None], asked: Ask) -> None:
        """Run requests that take time, one after another."""
        if self._slow >= SLOW_MAX:
            work.close()
            self._refuse(_too_many(), asked)
            return
        self._slow += 1
        self._run(self._in_turn(work), asked)

    async def _in_turn(self, work: Awaitable[None]) -> None:
        try:
            async with self._turn:
                await work
        finally:
            self._slow -= 1

    async def _start(self, attempt: StartAttempt) -> None:
        await self._controller.begin(attempt)
        self._server.views.started(self._view)
        self._say_status(self._controller.status, attempt.request)

    async def _ready(self, ready: Ready, received_at: float) -> None:
        require_fresh(ready, asyncio.get_running_loop().time() - received_at)
        if self._server.on_ready is None:
            raise Refused(
                "this program takes no remote starts",
                "Only `massager-ctl serve` with the page or MQTT does.",
            )
        self._say_said(await self._server.on_ready(ready), ready)

    async def _reset(self, reset: Reset, received_at: float) -> None:
        require_fresh(reset, asyncio.get_running_loop().time() - received_at)
        answer = await self._steps.take(reset, received_at)
        self._say(
            {"ok": True, **answer, "status": self._server.encoded(self._controller.status)}, reset
        )

    def _run(self, work: Any, asked: Ask) -> None:
        async def guarded() -> None:
            try:
                await work
            except MassagerError as error:
                self._refuse(error, asked)
            except Exception as error:
                self._refuse(MassagerError(f"a fault in this program: {error!r}"), asked)
                raise

        self._tasks.start(guarded())

    def _stop_watching(self) -> None:
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def _say_status(self, status: Status, asked: Ask | None = None) -> None:
        if self._congested:
            self._behind = True
            return
        self._say({"ok": True, "status": self._server.encoded(status)}, asked)

    def _say_said(self, said: str, asked: Ask) -> None:
        status = self._server.encoded(self._controller.status)
        self._say({"ok": True, "said": said, "status": status}, asked)

    def _refuse(self, error: MassagerError, asked: Ask | None = None) -> None:
        if self._congested:  # a client that does not read gets the newest status later
            self._behind = True
            return
        self._say({"ok": False, "error": error_document(error)}, asked)

    def _say(self, answer: dict[str, Any], asked: Ask | None) -> None:
        """Send an answer, with the `id` of its request."""
        if asked is not None and asked.id is not None:
            answer["id"] = asked.id
        if self._transport is not None and not self._transport.is_closing():
            named = {**answer, "device": self._server.card.document()}
            self._transport.write(msgspec.json.encode(named) + b"\n")


def _too_many() -> Refused:
    return Refused("too many requests are waiting", "Try again later.")
