"""When the guardian hands on, when it stops, and when it may go: pure, with the time as an argument (R25).

After a stop nothing is handed on that could move anything, until a new start with a higher generation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from massager_ctl.guardian.messages import Burst, Kind, Message

SILENT_S: Final = 1.0
"""Seconds without a heartbeat after which the device is stopped (R25)."""

STALE_S: Final = 0.5
"""Seconds after which what was written is not handed on any more: this process was kept from working."""

AGAIN_S: Final = 0.5
"""Seconds between two stops."""

GIVE_UP_S: Final = 10.0
"""Seconds after which a stop that no one reads back is not repeated any more (R25)."""

TWICE: Final = 2
"""Minimum number of stops that are sent: the first may have come after half a frame of a writer that is gone."""

_KEPT: Final = 4096
"""Bytes from the device that are looked through for the sign of rest."""


class State(Enum):
    """What the guardian is at."""

    RESTING = "resting"
    """Nothing moves: frames of generation 0 are handed on."""
    RUNNING = "running"
    STOPPING = "stopping"
    """The controller has stopped the device and has not yet said that it is at rest."""
    TRIPPED = "tripped"
    """The guardian stops the device on its own; nothing is handed on."""
    OVER = "over"
    """It was stopped, and no one has said that it is at rest: nothing is handed on."""


@dataclass(frozen=True, slots=True)
class Write:
    """Hand these frames on; `urgent`: throw away what waits, but never cut a frame that has begun."""

    frames: Burst
    seq: int = 0
    urgent: bool = False


class Machine:
    """One device. `write` and `tell` are called with what is to be handed on and to be said."""

    def __init__(self, write: Callable[[Write], None], tell: Callable[[Message], None]) -> None:
        self._write = write
        self._tell = tell
        self.state = State.RESTING
        self.gone = False
        """Whether the controller has left its end of the pipe."""
        self.why = ""
        """What made the guardian stop the device on its own."""
        self._generation = 0
        self._beat_at: float
        self._stops: tuple[Burst, ...] = ()
        self._rest: tuple[tuple[bytes, bytes], ...] = ()
        self._stopped_at: float
        self._heard_at: float
        self._again_at: float
        self._sent = 0
        """How many stops were sent by this process itself."""
        self._received: bytes

    @property
    def done(self) -> bool:
        """Whether this process has nothing left to do."""
        return self.gone and self.state in (State.RESTING, State.OVER)

    @property
    def listens(self) -> bool:
        """Whether what the device says is for the guardian, since no one else looks after it."""
        return self.state is State.TRIPPED

    def take(self, message: Message, now: float) -> None:
        """The controller said something."""
        self._heard_at = now
        match message.kind:
            case Kind.START:
                self._start(message, now)
            case Kind.SEND:
                self._send(message, now)
            case Kind.BEAT:
                if self._is_current(message):
                    # A heartbeat is as old as its stamp: one that waited in the pipe is no sign of life.
                    self._beat_at = max(self._beat_at, min(message.at, now))
                self._tell(Message(Kind.HEARD, self._generation, message.seq, now))
            case Kind.STOP:
                self._stop(message, now)
            case Kind.REST:
                if self.state is not State.RUNNING:
                    self.state = State.RESTING
            case _:
                self.trip("the controller said what only a guardian says", now)

    def tick(self, now: float) -> None:
        """Time has passed; see `due`."""
        match self.state:
            case State.RUNNING if now - self._beat_at > SILENT_S:
                self.trip(f"no heartbeat for {SILENT_S:g} s", now)
            case State.STOPPING if now - self._stopped_at >= GIVE_UP_S:
                self.state = State.OVER
            case State.STOPPING if now - self._heard_at > SILENT_S:
                self._stop_alone("the controller was silent before the device was at rest", now)
            case State.TRIPPED if now - self._stopped_at >= GIVE_UP_S:
                self.state = State.OVER
            case State.TRIPPED if now >= self._again_at:
                self._send_stop(now)
            case _:
                pass

    def due(self, now: float) -> float | None:
        """Seconds until `tick` has something to do; None for never."""
        match self.state:
            case State.RUNNING:
                at = self._beat_at + SILENT_S
            case State.STOPPING:
                at = min(self._heard_at + SILENT_S, self._stopped_at + GIVE_UP_S)
            case State.TRIPPED:
                at = min(self._again_at, self._stopped_at + GIVE_UP_S)
            case State.RESTING | State.OVER:
                return None
        return max(0.0, at - now) + 0.001

    def left(self, now: float) -> None:
        """The controller has closed its end of the pipe, or died."""
        self.gone = True
        match self.state:
            case State.RUNNING:
                self.trip("the controller is gone", now)
            case State.STOPPING:
                self._stop_alone("the controller left before the device was at rest", now)
            case State.RESTING | State.TRIPPED | State.OVER:
                pass

    def trip(self, why: str, now: float) -> None:
        """Stop the device on its own."""
        if self.state is State.RESTING or not self._stops:
            self.state = State.OVER
            self.why = self.why or why
        elif self.state is State.RUNNING:
            self._stopped_at = now
            self._stop_alone(why, now)

    def wrote(self, seq: int, now: float) -> None:
        """All of a message is handed on, or none of it ever will be."""
        if seq:
            self._tell(Message(Kind.WROTE, self._generation, seq, now))

    def heard(self, data: bytes) -> None:
        """The device said something while no one else listened."""
        if self.state is not State.TRIPPED or self._sent < TWICE:
            return
        self._received = (self._received + data)[-_KEPT:]
        if any(_occurs(value, mask, self._received) for value, mask in self._rest):
            self.state = State.OVER

    def end(self, why: str) -> None:
        """Send nothing more: another program owns the device now, or it is not there any more."""
        self.state = State.OVER
        self.why = self.why or why

    def next_stop(self) -> Burst:
        """The frames of a stop that this process sends on its own; each is given out once."""
        number, self._sent = self._sent, self._sent + 1
        return self._stops[min(number, len(self._stops) - 1)] if self._stops else ()

    def _is_current(self, message: Message) -> bool:
        return self.state is State.RUNNING and message.generation == self._generation

    def _start(self, message: Message, now: float) -> None:
        fresh = now - message.at <= STALE_S
        newer = message.generation > self._generation
        if self.state is State.RUNNING or not (fresh and newer and message.stops):
            return  # Without an answer nothing starts.
        self._generation = message.generation
        self._stops = message.stops
        pairs = message.frames
        self._rest = tuple(zip(pairs[::2], pairs[1::2], strict=False))
        self._sent = 0
        self._beat_at = min(message.at, now)
        self.why = ""
        self.state = State.RUNNING
        self._tell(Message(Kind.STARTED, self._generation, message.seq, now))

    def _send(self, message: Message, now: float) -> None:
        late = now - message.at > STALE_S
        if message.generation == 0:
            # Not while a stop is under way, nor after one that no one has seen work: the number alone is no proof.
            allowed = self.state in (State.RESTING, State.RUNNING) and not late
        else:
            allowed = self._is_current(message) and not late
            if late and self._is_current(message):
                self.trip("what the controller sent came too late", now)
        if allowed:
            # With counters in the frames the stop that follows them is another one.
            self._stops = message.stops or self._stops
            self._write(Write(message.frames, message.seq))
        else:
            self.wrote(message.seq, now)

    def _stop(self, message: Message, now: float) -> None:
        """The controller's stop is taken in any state, of any age: it raises nothing (R6)."""
        if self.state is not State.STOPPING:
            self._stopped_at = now
        self.state = State.STOPPING
        self._stops = message.stops or self._stops
        self._write(Write(message.frames, message.seq, urgent=True))

    def _stop_alone(self, why: str, now: float) -> None:
        self.state = State.TRIPPED
        self.why = why
        self._received = b""
        self._send_stop(now)
        self._tell(Message(Kind.STOPPED, self._generation, 0, now, (why.encode(),)))

    def _send_stop(self, now: float) -> None:
        self._write(Write(self.next_stop(), urgent=True))
        self._again_at = now + AGAIN_S


def _occurs(value: bytes, mask: bytes, data: bytes) -> bool:
    """Whether the value stands anywhere in the data, where only the bits of the mask count."""
    size = len(value)
    return size > 0 and any(
        all((data[at + i] ^ value[i]) & mask[i] == 0 for i in range(size))
        for at in range(len(data) - size + 1)
    )
