"""A stream over a port that has no file descriptor: one thread reads, one writes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, Protocol

from massager_ctl.errors import LinkError, LinkLost
from massager_ctl.transports.base import LinkKind, Receiver

JOIN_S: Final = 1.0
"""Seconds that `close` waits for the two threads."""


class PortLike(Protocol):
    """The part of a pyserial port that is used; `read` returns after a short time, with or without bytes."""

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...

    def close(self) -> None: ...


class ThreadedTransport:
    """Like a descriptor's stream, two thread switches slower."""

    kind: LinkKind

    def __init__(self, address: str, kind: LinkKind) -> None:
        self.address = address
        self.kind = kind
        self._connection: _Connection | None = None
        self._drained: Callable[[], None] | None = None
        self._opening = False

    @property
    def backlog(self) -> int:
        return 0 if self._connection is None else self._connection.backlog

    async def open(self, receiver: Receiver) -> None:
        if self._connection is not None or self._opening:
            raise LinkError(f"{self.address} is open already", "Close it before opening it again.")
        self._opening = True
        try:
            port = await self._connect()
        finally:
            opening, self._opening = self._opening, False
        if not opening:
            port.close()
            raise LinkLost(f"{self.address} was closed while it was being opened")
        self._connection = _Connection(
            port,
            asyncio.get_running_loop(),
            receiver.data_received,
            lambda error: self._fail(receiver, error),
            self._tell_drained,
        )

    def write(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.send(data)

    def preempt(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.replace(data)

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self._drained = callback

    async def close(self) -> None:
        self._opening = False
        self._drained = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end()
            await asyncio.to_thread(connection.join)

    def abort(self) -> None:
        self._opening = False
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end(discard=True)

    async def _connect(self) -> PortLike:
        """Open and return the port; a failure is a LinkError."""
        raise NotImplementedError

    def _lost(self, error: Exception | None) -> LinkLost:
        """The error that tells a person why the link is gone."""
        raise NotImplementedError

    def _tell_drained(self) -> None:
        if self._drained is not None:
            self._drained()

    def _fail(self, receiver: Receiver, error: Exception) -> None:
        self.abort()
        receiver.link_lost(self._lost(error))


class _Connection:
    """One open port and its two threads. After `end` nothing is called any more."""

    def __init__(
        self,
        port: PortLike,
        loop: asyncio.AbstractEventLoop,
        deliver: Callable[[bytes], None],
        fail: Callable[[Exception], None],
        drained: Callable[[], None],
    ) -> None:
        self._port = port
        self._loop = loop
        self._deliver = deliver
        self._fail = fail
        self._drained = drained
        self._ended = False
        self._waiting = b""
        self._writing = 0
        self._working = 2
        self._change = threading.Condition()
        self._threads = [
            threading.Thread(target=self._guard, args=(work,), daemon=True)
            for work in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def backlog(self) -> int:
        return len(self._waiting) + self._writing

    def send(self, data: bytes) -> None:
        with self._change:
            self._waiting += data
            self._change.notify()

    def replace(self, data: bytes) -> None:
        with self._change:
            self._waiting = data
            self._change.notify()

    def end(self, *, discard: bool = False) -> None:
        """Call nothing any more; the writer sends what waits, unless it is to be discarded."""
        with self._change:
            self._ended = True
            if discard:
                self._waiting = b""
            self._change.notify()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(JOIN_S)

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        """Call from the loop, unless the connection has ended by then."""

        def tell() -> None:
            if not self._ended:
                call(*arguments)

        try:
            self._loop.call_soon_threadsafe(tell)
        except RuntimeError:
            self.end()  # The loop is closed.

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a library may raise anything in its thread; the border is here
            self._tell(self._fail, error)
        finally:
            self._close_when_last()

    def _close_when_last(self) -> None:
        with self._change:
            self._working -= 1
            last = self._working == 0
        if last:
            try:
                self._port.close()
            except Exception:  # noqa: BLE001 - closing a port that is gone
                pass

    def _read(self) -> None:
        while not self._ended:
            data = self._port.read(max(1, self._port.in_waiting))
            if data:
                self._tell(self._deliver, data)

    def _write(self) -> None:
        while True:
            with self._change:
                while not self._waiting and not self._ended:
                    self._change.wait()
                if not self._waiting:
                    return
                data, self._waiting = self._waiting, b""
                self._writing = len(data)
            self._port.write(data)
            with self._change:
                self._writing = 0
                empty = not self._waiting
            if empty:
                self._tell(self._drained)
