"""Disturbances of a link, each a few lines around any transport; seeded, and true to the loop's clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random

from massager_ctl.errors import LinkLost
from massager_ctl.transports.base import LinkKind, Receiver, Transport


class Wrapper:
    """Hands everything on. A subclass changes `outgoing` (towards the device) or `incoming`, or both."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self._receiver: Receiver | None = None

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        """Hand on what was written by calling `send` any number of times, now or later."""
        send(data)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        """Hand on what came by calling `receive` any number of times, now or later."""
        receive(data)

    @property
    def kind(self) -> LinkKind:
        return self.inner.kind

    @property
    def address(self) -> str:
        return self.inner.address

    @property
    def backlog(self) -> int:
        return self.inner.backlog

    async def open(self, receiver: Receiver) -> None:
        self._receiver = receiver
        try:
            await self.inner.open(self)
        except BaseException:
            self._receiver = None
            raise

    def write(self, data: bytes) -> None:
        self.outgoing(data, self.inner.write)

    def preempt(self, data: bytes) -> None:
        # Only the first piece throws away what waits; the others must not throw away the first.
        first = iter((self.inner.preempt,))

        def send(piece: bytes) -> None:
            next(first, self.inner.write)(piece)

        self.outgoing(data, send)

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self.inner.on_drained(callback)

    async def close(self) -> None:
        self._receiver = None
        await self.inner.close()

    def abort(self) -> None:
        self._receiver = None
        self.inner.abort()

    def data_received(self, data: bytes) -> None:
        self.incoming(data, self._receive)

    def link_lost(self, error: LinkLost) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.link_lost(error)

    def _receive(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.data_received(data)


class OneByteAtATime(Wrapper):
    """A stream in the smallest chunks, both ways (fault 24)."""

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        for at in range(len(data)):
            send(data[at : at + 1])

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        for at in range(len(data)):
            receive(data[at : at + 1])


class Delayed(Wrapper):
    """Everything takes `seconds` longer, in each direction, in order (fault 58)."""

    def __init__(self, inner: Transport, seconds: float) -> None:
        super().__init__(inner)
        self.seconds = seconds
        self._outgoing: deque[bytes] = deque()
        self._incoming: deque[bytes] = deque()

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        # What is on its way cannot be called back, so a preempt travels like the rest.
        self._later(self._outgoing, data, self.inner.write)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        self._later(self._incoming, data, receive)

    def _later(self, line: deque[bytes], data: bytes, hand_on: Callable[[bytes], None]) -> None:
        # Timers of one moment fire in any order; each hands on whatever is next in line.
        line.append(data)
        asyncio.get_running_loop().call_later(self.seconds, lambda: hand_on(line.popleft()))


class _Seeded(Wrapper):
    """A disturbance that strikes each chunk with probability `rate`, 0 to 1."""

    def __init__(self, inner: Transport, rate: float, seed: int = 0) -> None:
        super().__init__(inner)
        self.rate = rate
        self._random = Random(seed)

    def strikes(self) -> bool:
        return self._random.random() < self.rate

    def disturb(self, data: bytes, hand_on: Callable[[bytes], None]) -> None:
        raise NotImplementedError

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        self.disturb(data, send)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        self.disturb(data, receive)


class Lossy(_Seeded):
    """Some chunks never arrive (fault 25)."""

    def disturb(self, data: bytes, hand_on: Callable[[bytes], None]) -> None:
        if not self.strikes():
            hand_on(data)


class Duplicating(_Seeded):
    """Some chunks arrive twice (fault 18)."""

    def disturb(self, data: bytes, hand_on: Callable[[bytes], None]) -> None:
        hand_on(data)
        if self.strikes():
            hand_on(data)


class Corrupting(_Seeded):
    """One bit of some chunks is flipped (fault 16)."""

    def disturb(self, data: bytes, hand_on: Callable[[bytes], None]) -> None:
        if data and self.strikes():
            at = self._random.randrange(len(data))
            flipped = data[at] ^ 1 << self._random.randrange(8)
            data = data[:at] + bytes((flipped,)) + data[at + 1 :]
        hand_on(data)


class Reordering(_Seeded):
    """Some chunks change places with the one after them (fault 19)."""

    def __init__(self, inner: Transport, rate: float, seed: int = 0) -> None:
        super().__init__(inner, rate, seed)
        self._held: dict[str, bytes] = {}

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        self._swap("out", data, send)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        self._swap("in", data, receive)

    def _swap(self, direction: str, data: bytes, hand_on: Callable[[bytes], None]) -> None:
        held = self._held.pop(direction, None)
        if held is None and self.strikes():
            self._held[direction] = data
            return
        hand_on(data)
        if held is not None:
            hand_on(held)
