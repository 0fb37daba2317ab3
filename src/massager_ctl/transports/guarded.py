"""A transport whose bytes go by a guardian, so that the device is stopped also when this process cannot (R25).

The guardian is the only writer. This process writes to the device only once the guardian is dead: on its own,
or killed because nothing was heard from it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from massager_ctl.aio.futures import fail
from massager_ctl.errors import LinkError, LinkLost, LinkTimeout, MassagerError, SeveralDevices
from massager_ctl.guardian.clock import now
from massager_ctl.guardian.messages import Burst, Decoder, Kind, Message, Nonsense
from massager_ctl.transports.base import LinkKind, Receiver, Transport
from massager_ctl.transports.guardian_link import GuardianLink, guardian_link_to
from massager_ctl.transports.guardian_process import GuardianProcess

ANSWER_S: Final = 0.3
"""Seconds that an answer may take; without one the session is stopped (R25)."""

DEAF_S: Final = 0.5
"""Seconds without an answer after which this process opens the link itself and stops the device (R25)."""


class GuardedTransport:
    """As the transport below it. What is written within a generation may move something; what is written at rest must
    not; and from a stop until the device is known to be at rest, nothing but stops goes out.
    """

    def __init__(self, inner: GuardianLink, *, lock: str = "", held: str = "") -> None:
        """`lock`, `held`: the files of `GuardianProcess`."""
        self.address = inner.address
        self.kind: LinkKind = inner.kind
        self.on_trouble: Callable[[str], None] | None = None
        """Called from the loop where a session is not watched over any more; its stop follows at once."""
        self.guarded = inner.shown
        """Whether this way to the device is one on which a guardian was shown to stop it."""
        self._inner = inner
        self._lock, self._held = lock, held
        self._receiver: Receiver | None = None
        self._drained: Callable[[], None] | None = None
        self._process: GuardianProcess | None = None
        self._decoder = Decoder()
        self._unsaid = bytearray()
        self._ready: asyncio.Future[Message] | None = None
        self._generation = 0
        self._open = self._stopped = False
        """Whether a generation runs; whether a stop has ended it, perhaps before the guardian answered its start."""
        self._rests = True
        """Whether nothing moves for all that is known."""
        self._seq = 0
        self._sizes: deque[tuple[int, int]] = deque()
        """What the guardian was given and has not handed on yet: numbers and bytes."""
        self._asked: deque[tuple[int, float]] = deque()
        """Heartbeats without an answer, and when they were sent."""
        self._timer: asyncio.TimerHandle | None = None
        self._stops: tuple[Burst, ...] = ()
        self._last_stop: Burst = ()

    @property
    def backlog(self) -> int:
        return sum(size for _, size in self._sizes) + self._inner.backlog

    async def open(self, receiver: Receiver) -> None:
        await self._inner.open(self)
        self._receiver = receiver
        try:
            await self._start_process()
        except BaseException:
            self._inner.abort()
            raise

    @property
    def runs(self) -> bool:
        """Whether a generation is open, so that what is written may move something."""
        return self._open

    def write(self, data: bytes) -> None:
        self.send((data,))

    def send(self, frames: Burst) -> None:
        """As `write`, for several frames that belong together."""
        if not (self._open or self._rests):
            return
        if self._process is None:
            for frame in frames:
                self._inner.write(frame)
        else:
            self._send(Kind.SEND, frames, generation=self._generation if self._open else 0)

    def preempt(self, data: bytes) -> None:
        self.stop((data,))

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self._drained = callback

    async def close(self) -> None:
        """Close the link. A guardian whose last stop was not read back goes on with it, and ends on its own."""
        self._receiver = self._drained = None
        process = self._let_go()
        if process is not None:
            await process.ended(self._inner.farewell_s)
        if process is None or not process.lives:
            await self._inner.close()
        else:
            self._inner.let_go()

    def abort(self) -> None:
        """Let go at once; what the guardian has to do goes on."""
        self._receiver = None
        process = self._let_go()
        if process is not None and self._rests:
            process.kill()  # It has nothing to do, and would hold the port for a moment.
        if process is None or not process.lives:
            self._inner.abort()
        else:
            self._inner.let_go()

    # What a session is kept by.

    async def begin(self, stops: tuple[Burst, ...], rest: tuple[tuple[bytes, bytes], ...]) -> None:
        """A new generation: until the next `preempt` what is written may move something, as long as `beat` is called.

        `stops`: the frames that stop the device, as in `Message`. `rest`: values and masks by which a device at rest
        is recognised. Raises LinkError where no guardian answers: then nothing may start.
        """
        if self._process is None:
            await self._start_process()
        self._generation += 1
        self._stopped = False
        flat = tuple(part for pair in rest for part in pair)
        answer = self._expect()
        self._say(Message(Kind.START, self._generation, self._next(), now(), flat, stops))
        started = await self._answered(answer, ANSWER_S)
        if started.kind is not Kind.STARTED or started.generation != self._generation:
            raise self._no_guardian("it did not take the start")
        if self._stopped:
            return
        self._stops = ()
        self._last_stop = stops[0]
        self._rests = False
        self._open = True

    def follow(self, stops: tuple[Burst, ...]) -> None:
        """After what is written next the device is stopped by these frames: a counter in them has gone on."""
        self._stops = stops
        self._last_stop = stops[0]

    def stop(self, frames: Burst) -> None:
        """As `preempt`, for several frames: the generation is over."""
        self._stopped = True
        self._open = self._rests = False
        self._last_stop = frames
        if self._process is None:
            self._stop_directly()
            return
        self._sizes.clear()
        self._send(Kind.STOP, frames, generation=self._generation)
        self._ask()  # A stop must not wait for a guardian that is deaf.

    def _stop_directly(self) -> None:
        first, *others = self._last_stop
        self._inner.preempt(first)
        for frame in others:
            self._inner.write(frame)

    def beat(self) -> None:
        """The control loop is alive: only the tick that sends the setpoint may say so (R24, R25)."""
        if self._process is not None and self._open:
            self._ask()

    def rest(self) -> None:
        """The device was read back at rest, or a person has seen it: the guardian has nothing more to do."""
        if self._open or self._rests:
            return
        self._rests = True
        if self._process is not None:
            self._say(Message(Kind.REST, self._generation, self._next(), now()))

    # What the link says.

    def data_received(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.data_received(data)

    def link_lost(self, error: LinkLost) -> None:
        receiver, self._receiver = self._receiver, None
        self._let_go()
        if receiver is not None:
            receiver.link_lost(error)

    # Between this process and the guardian.

    async def _start_process(self) -> None:
        process = self._inner.start(self._lock, self._held)
        self._decoder = Decoder()
        self._unsaid.clear()
        self._sizes.clear()
        self._asked.clear()
        self._generation = 0
        answer = self._expect()
        self._process = process
        asyncio.get_running_loop().add_reader(process.pipe, self._readable)
        ready = await self._answered(answer, self._inner.first_answer_s)
        if ready.kind is not Kind.READY:
            raise self._no_guardian("its first words make no sense")
        for peer in filter(None, ready.frames):
            self._inner.found(peer.decode(errors="replace"))

    def _expect(self) -> asyncio.Future[Message]:
        self._ready = asyncio.get_running_loop().create_future()
        return self._ready

    async def _answered(self, answer: asyncio.Future[Message], seconds: float) -> Message:
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            if answer.done() and not answer.cancelled():
                return answer.result()  # It answered in time; this process was late to look.
            raise self._no_guardian(f"it did not answer within {seconds:g} s") from None
        except MassagerError:
            self._give_up()
            raise
        finally:
            self._ready = None

    def _no_guardian(self, why: str) -> LinkTimeout:
        self._give_up()
        return LinkTimeout(
            f"the second process that can stop {self.address} is not there: {why}",
            "Nothing was started. Try again; `massager-ctl doctor` looks at this computer.",
        )

    def _send(self, kind: Kind, frames: Burst, *, generation: int) -> None:
        seq = self._next()
        stops, self._stops = self._stops, ()
        self._sizes.append((seq, sum(map(len, frames))))
        self._say(Message(kind, generation, seq, now(), frames, stops))

    def _ask(self) -> None:
        seq = self._next()
        loop = asyncio.get_running_loop()
        self._asked.append((seq, loop.time()))
        self._say(Message(Kind.BEAT, self._generation, seq, now()))
        if self._timer is None:
            self._timer = loop.call_later(ANSWER_S, self._check)

    def _next(self) -> int:
        self._seq = self._seq % 0xFFFF_FFFF + 1
        return self._seq

    def _say(self, message: Message) -> None:
        self._unsaid += message.encode()
        self._flush()

    def _flush(self) -> None:
        if self._process is None:
            return
        sent = self._process.write(self._unsaid)
        del self._unsaid[:sent]
        loop = asyncio.get_running_loop()
        if self._unsaid:
            loop.add_writer(self._process.pipe, self._flush)
        else:
            loop.remove_writer(self._process.pipe)

    def _readable(self) -> None:
        process = self._process
        if process is None:
            return
        data = process.read()
        if data is None:
            return
        try:
            for message in self._decoder.feed(data):
                self._take(message)
        except Nonsense as error:
            self._fail(f"it says nonsense: {error}")
            return
        if not data:
            self._fail("it has ended")

    def _take(self, message: Message) -> None:
        match message.kind:
            case Kind.READY | Kind.STARTED:
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(message)
            case Kind.HEARD:
                _drop_to(self._asked, message.seq)
            case Kind.WROTE:
                _drop_to(self._sizes, message.seq)
                if not self._sizes and self._drained is not None:
                    self._drained()
            case Kind.STOPPED:
                self._trouble(f"it stopped the device: {_text(message)}")
            case Kind.BROKE if self._ready is not None and not self._ready.done():
                fail(self._ready, _why_not(message))
            case Kind.BROKE:
                self._broken(_text(message))
            case Kind.SAID:
                for data in message.frames:
                    self.data_received(data)
            case _:
                raise Nonsense(f"a guardian does not say {message.kind.name}")

    def _check(self) -> None:
        """Is an answer overdue? What has come meanwhile is read first."""
        self._timer = None
        self._readable()
        if not self._asked:
            return
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._asked[0][1]
        if silent >= DEAF_S - 0.001:
            self._fail(f"it said nothing for {DEAF_S:g} s")
            return
        due = ANSWER_S
        if silent >= ANSWER_S - 0.001:
            due = DEAF_S
            self._trouble(f"it did not answer within {ANSWER_S:g} s")
        if self._asked:
            self._timer = loop.call_later(max(0.001, due - silent), self._check)

    def _trouble(self, why: str) -> None:
        """The session must be stopped, over any link that there is."""
        if self._open and self.on_trouble is not None:
            self.on_trouble(why)
        if self._open:
            self.stop(self._last_stop)

    def _fail(self, why: str) -> None:
        """There is no guardian any more: this process is the only writer now, and stops what may run."""
        stopping, running = bool(self._sizes), self._open
        self._give_up()
        if running:
            self._trouble(why)
        elif stopping and self._last_stop:
            self._stop_directly()

    def _give_up(self) -> None:
        process = self._let_go()
        if process is not None:
            process.kill()

    def _let_go(self) -> GuardianProcess | None:
        """Hang up; the guardian takes that for the end of this process."""
        process, self._process = self._process, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sizes.clear()
        self._asked.clear()
        if self._ready is not None and not self._ready.done():
            fail(self._ready, LinkLost(f"the guardian of {self.address} has ended"))
        if process is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(process.pipe)
            loop.remove_writer(process.pipe)
            process.hang_up()
        return process

    def _broken(self, why: str) -> None:
        receiver, self._receiver = self._receiver, None
        self._let_go()
        self._inner.abort()
        if receiver is not None:
            receiver.link_lost(
                LinkLost(
                    f"{self.address} cannot be written to any more: {why}",
                    "Was it unplugged or switched off? Look whether the massager is at rest.",
                )
            )


def guarded(inner: Transport, *, lock: str = "", held: str = "") -> GuardedTransport | None:
    """The transport with a guardian, or None if its link cannot be shared with another process."""
    link = guardian_link_to(inner)
    return None if link is None else GuardedTransport(link, lock=lock, held=held)


def _drop_to(queue: deque[tuple[int, Any]], seq: int) -> None:
    while queue and queue[0][0] <= seq:
        queue.popleft()


def _why_not(message: Message) -> MassagerError:
    """Why the guardian did not open the device: what, remedy, and the addresses of several that have its name."""
    what, *more = (part.decode(errors="replace") for part in message.frames)
    remedy, *found = more or [""]
    return SeveralDevices(what, remedy, tuple(found)) if found else LinkError(what, remedy)


def _text(message: Message) -> str:
    return b"".join(message.frames).decode(errors="replace")
