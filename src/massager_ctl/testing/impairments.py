"""Impairments of a link, each around any transport; seeded, and on the loop's clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random

from massager_ctl.transports.base import Transport
from massager_ctl.transports.wrapper import Wrapper


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

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:  # noqa: ARG002
        # Bytes under way cannot be recalled, so a preempt travels like the rest.
        self._later(self._outgoing, data, self.inner.write)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        self._later(self._incoming, data, receive)

    def _later(self, line: deque[bytes], data: bytes, hand_on: Callable[[bytes], None]) -> None:
        # Timers due at the same time fire in any order; each passes on the next in line.
        line.append(data)
        asyncio.get_running_loop().call_later(self.seconds, lambda: hand_on(line.popleft()))


class _Seeded(Wrapper):
    """An impairment of each chunk with probability `rate`, 0 to 1."""

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
