"""Links within this process: the embedded simulator (`sim:`), and two joined ends for tests."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, Protocol, cast

from massager_ctl.errors import AddressError, DeviceNotFound, InputError, LinkError, LinkLost
from massager_ctl.transports.base import LinkKind, Receiver

SIMULATORS: Final = "massager_ctl.simulators"
"""Entry point group: `sim` = a callable like `OpenSimulator`."""

CAPACITY: Final = 4096
"""Bytes that an end of a `pipe` buffers ahead of its reader, as a system would."""


class SimLink(Protocol):
    """One link to a simulator, from the host's side."""

    def write(self, data: bytes, /) -> None: ...

    def close(self) -> None: ...


class Simulator(Protocol):
    """A running simulator; it lives on the event loop that is running when it is opened."""

    def open_link(
        self, kind: str, on_data: Callable[[bytes], None], on_lost: Callable[[str], None], /
    ) -> SimLink: ...

    def close(self) -> None: ...


class OpenSimulator(Protocol):
    """What the entry point `sim` offers.

    ValueError means options that cannot be read, OSError a trace that cannot be written.
    """

    def __call__(
        self, options: str, /, *, trace_path: Path | None, profile: str | None, seed: int
    ) -> Simulator: ...


@cache
def _simulator_entry(group: str) -> EntryPoint | None:
    # Once: it reads what every installed package says of itself.
    return next(iter(entry_points(group=group, name="sim")), None)


def find_simulator() -> OpenSimulator:
    """The embedded simulator. Raises DeviceNotFound if none is installed."""
    entry = _simulator_entry(SIMULATORS)
    if entry is not None:
        return cast("OpenSimulator", entry.load())
    raise DeviceNotFound(
        "the embedded simulator is not installed",
        "Install the whole package, `pip install massager-ctl`, or name a device with `--device`.",
    )


class SimTransport:
    """The embedded simulator: one device that lives as long as this transport, over any number of openings.

    What it sends is never delivered from within `write`, and always in order: at once where the simulator calls from
    the event loop, else in its next turn.
    """

    kind = LinkKind.MEMORY

    def __init__(
        self,
        options: str = "",
        *,
        trace: Path | None = None,
        profile: str | None = None,
        seed: int = 0,
        find: Callable[[], OpenSimulator] = find_simulator,
    ) -> None:
        self.address = f"sim:?{options}" if options else "sim:"
        self._options = options
        self._trace = trace
        self._profile = profile
        self._seed = seed
        self._find = find
        self._simulator: Simulator | None = None
        self._link: SimLink | None = None
        self._openings = 0
        self._writing = 0
        self._underway = 0

    @property
    def simulator(self) -> Simulator | None:
        """The device at the other end, once opened: for tests that press its button."""
        return self._simulator

    @property
    def backlog(self) -> int:
        return 0

    def _switched_on(self) -> Simulator:
        """The device, made at the first opening. Raises AddressError, InputError, DeviceNotFound."""
        if self._simulator is not None:
            return self._simulator
        open_simulator = self._find()
        try:
            self._simulator = open_simulator(
                self._options, trace_path=self._trace, profile=self._profile, seed=self._seed
            )
        except ValueError as error:
            raise AddressError(
                f"{self.address}: {error}", "`massager-sim serve --help` lists the options."
            ) from error
        except OSError as error:
            raise InputError(
                f"the trace {self._trace} cannot be written: {error.strerror}", "Name another file."
            ) from error
        return self._simulator

    async def open(self, receiver: Receiver) -> None:
        if self._link is not None:
            raise LinkError(f"{self.address} is open already", "Close it before opening it again.")
        simulator = self._switched_on()
        self._openings += 1
        opening, loop = self._openings, asyncio.get_running_loop()

        def deliver(data: bytes) -> None:
            if self._link is not None and opening == self._openings:
                receiver.data_received(data)

        def lose(why: str) -> None:
            if self._link is not None and opening == self._openings:
                self._link = None
                receiver.link_lost(
                    LinkLost(f"{self.address} is gone: {why}", "Start again when it is back.")
                )

        def on_data(data: bytes) -> None:
            if self._writing or self._underway:
                self._underway += 1
                loop.call_soon(deliver_later, data)
            else:
                deliver(data)

        def deliver_later(data: bytes) -> None:
            self._underway -= 1
            deliver(data)

        def on_lost(why: str) -> None:
            loop.call_soon(lose, why)

        self._writing += 1
        try:
            self._link = simulator.open_link(self.kind.value, on_data, on_lost)
        finally:
            self._writing -= 1

    def write(self, data: bytes) -> None:
        if self._link is None:
            return
        self._writing += 1
        try:
            self._link.write(data)
        finally:
            self._writing -= 1

    preempt = write

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        """Nothing waits here, so nothing drains."""

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def end(self) -> None:
        """Switch the simulated device off for good: its trace is completed and closed."""
        self.abort()
        simulator, self._simulator = self._simulator, None
        if simulator is not None:
            simulator.close()


class PipeTransport:
    """One end of `pipe`. It hears only while it is open and not paused; it may be opened again after a close."""

    def __init__(self, address: str, kind: LinkKind, capacity: int) -> None:
        self.address = address
        self.kind = kind
        self.peer: PipeTransport = self
        self.received: list[bytes] = []
        """Everything that was delivered to this end, for tests."""
        self._capacity = capacity
        self._receiver: Receiver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._inbox: deque[bytes] = deque()
        self._held = 0
        self._waiting: deque[bytes] = deque()
        self._drained: Callable[[], None] | None = None
        self._paused = False

    @property
    def is_open(self) -> bool:
        return self._receiver is not None

    @property
    def backlog(self) -> int:
        return sum(map(len, self._waiting))

    async def open(self, receiver: Receiver) -> None:
        if self.is_open:
            raise LinkError(f"{self.address} is open already", "Close it before opening it again.")
        self._loop = asyncio.get_running_loop()
        self._receiver = receiver
        self._forget()

    def write(self, data: bytes) -> None:
        if not self.is_open or not data:
            return
        if self._waiting or not self.peer.take(data):
            self._waiting.append(data)

    def preempt(self, data: bytes) -> None:
        if not self.is_open:
            return
        threw_away = bool(self._waiting)
        self._waiting.clear()
        self.write(data)
        if threw_away and not self._waiting and self._loop is not None:
            self._loop.call_soon(self._tell_drained)

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self._drained = callback

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.is_open:
            return
        self._receiver = self._drained = None
        self._forget()
        self.peer.hang_up()

    def pause(self) -> None:
        """Stop reading, so that the other end's writes come to wait."""
        self._paused = True

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        if self._loop is not None:
            self._loop.call_soon(self._deliver)

    def _forget(self) -> None:
        self._inbox.clear()
        self._waiting.clear()
        self._held = 0
        self._paused = False

    def take(self, data: bytes) -> bool:
        """For the other end: accept its bytes; False if there is no room."""
        if self._held and self._held + len(data) > self._capacity:
            return False
        if self._receiver is not None and self._loop is not None:
            self._inbox.append(data)
            self._held += len(data)
            self._loop.call_soon(self._deliver)
        return True

    def _deliver(self) -> None:
        while self._inbox and not self._paused and self._receiver is not None:
            data = self._inbox.popleft()
            self._held -= len(data)
            self.received.append(data)
            self._receiver.data_received(data)
        self.peer.offer()

    def offer(self) -> None:
        """For the other end: there may be room again."""
        if not self._waiting:
            return
        while self._waiting and self.peer.take(self._waiting[0]):
            self._waiting.popleft()
        self._tell_drained()

    def _tell_drained(self) -> None:
        if self._drained is not None and not self._waiting:
            self._drained()

    def hang_up(self) -> None:
        """For the other end: it has closed. What it wrote before is read first."""
        if self._loop is not None and self._receiver is not None:
            self._loop.call_soon(self._lose, self._receiver)

    def _lose(self, receiver: Receiver) -> None:
        self._deliver()
        if self._receiver is receiver:
            self._receiver = None
            self._forget()
            receiver.link_lost(
                LinkLost(
                    f"{self.address} was closed by the other side", "Start again when it is back."
                )
            )


def pipe(
    kind: LinkKind = LinkKind.MEMORY, capacity: int = CAPACITY
) -> tuple[PipeTransport, PipeTransport]:
    """Two transports, each the other's far end. With a framed kind each write arrives as one piece, as on BLE."""
    near = PipeTransport("memory:near", kind, capacity)
    far = PipeTransport("memory:far", kind, capacity)
    near.peer, far.peer = far, near
    return near, far
