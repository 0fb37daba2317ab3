"""A stream over a file descriptor, non-blocking: `write` goes to the system at once while nothing waits.

`preempt` discards what waits (R6).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

from massager_ctl.errors import LinkError, LinkLost
from massager_ctl.transports.base import LinkKind, Receiver

CHUNK: Final = 4096
"""Bytes per read."""

CLOSE_S: Final = 0.2
"""Seconds that `close` waits for unsent bytes."""


class DescriptorTransport:
    """What serial ports and TCP share. A subclass opens the descriptor and hands it to `_attach`."""

    kind: LinkKind

    def __init__(self, address: str, kind: LinkKind) -> None:
        self.address = address
        self.kind = kind
        self._fd = -1
        self._waiting = bytearray()
        self._drained: Callable[[], None] | None = None
        self._receiver: Receiver | None = None
        self._deliver: Callable[[bytes], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = False

    @property
    def backlog(self) -> int:
        return len(self._waiting)

    @property
    def descriptor(self) -> int:
        """The open descriptor, for a process that shares the link; -1 if it is not open."""
        return self._fd

    async def open(self, receiver: Receiver) -> None:
        if self._fd >= 0 or self._opening:
            raise LinkError(f"{self.address} is open already", "Close it before opening it again.")
        self._opening = True
        try:
            fd = await self._connect()
        finally:
            opening, self._opening = self._opening, False
        if not opening:
            self._release(at_once=True)
            raise LinkLost(f"{self.address} was closed while it was being opened")
        os.set_blocking(fd, False)
        self._loop = asyncio.get_running_loop()
        self._receiver, self._deliver = receiver, receiver.data_received
        self._waiting.clear()
        self._fd = fd
        self._loop.add_reader(fd, self._readable)

    def write(self, data: bytes) -> None:
        fd = self._fd
        if fd < 0:
            return
        if self._waiting:
            self._waiting += data
            return
        try:
            sent = os.write(fd, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail_soon(error)
            return
        if sent != len(data):
            self._wait_for_room(data[sent:])

    def preempt(self, data: bytes) -> None:
        if self._fd < 0:
            return
        threw_away = bool(self._waiting)
        if threw_away:
            self._stop_waiting()
        self._flush_output()
        self.write(data)
        if threw_away and not self._waiting and self._loop is not None:
            self._loop.call_soon(self._tell_drained)

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self._drained = callback

    async def close(self) -> None:
        self._opening = False
        if self._fd < 0:
            return
        assert self._loop is not None
        self._receiver = self._deliver = self._drained = None
        self._loop.remove_reader(self._fd)
        until = self._loop.time() + CLOSE_S
        try:
            while self._fd >= 0 and self._unsent() and self._loop.time() < until:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.005)
        finally:
            self._detach(at_once=self._fd >= 0 and self._unsent() > 0)

    def abort(self) -> None:
        self._opening = False
        self._detach(at_once=True)

    def let_go(self) -> None:
        """Close this process's descriptor, and leave what another process writes to the link alone."""
        self._opening = False
        self._detach(at_once=False)

    # What a subclass says.

    async def _connect(self) -> int:
        """Open and return the descriptor; a failure is a LinkError."""
        raise NotImplementedError

    def _release(self, *, at_once: bool) -> None:
        """Close what `_connect` opened; `at_once`: throw away what the system still holds."""
        raise NotImplementedError

    def _flush_output(self) -> None:
        """Discard what the system took and has not sent, if it can."""

    def _unsent(self) -> int:
        """Bytes that would be lost by closing now."""
        return len(self._waiting)

    def _lost(self, error: OSError | None) -> LinkLost:
        """The error that tells a person why the link is gone; None = end of file."""
        raise NotImplementedError

    # Between the loop and the descriptor.

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(error)
            return
        if not data:
            self._fail(None)
        elif self._deliver is not None:
            self._deliver(data)

    def _wait_for_room(self, data: bytes) -> None:
        assert self._loop is not None
        self._waiting += data
        self._loop.add_writer(self._fd, self._writable)

    def _stop_waiting(self) -> None:
        assert self._loop is not None
        self._waiting.clear()
        self._loop.remove_writer(self._fd)

    def _writable(self) -> None:
        try:
            sent = os.write(self._fd, self._waiting)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(error)
            return
        if sent < len(self._waiting):
            del self._waiting[:sent]
            return
        self._stop_waiting()
        self._tell_drained()

    def _tell_drained(self) -> None:
        if self._drained is not None and self._fd >= 0 and not self._waiting:
            self._drained()

    def _fail_soon(self, error: OSError) -> None:
        """A write failed: report it from the loop, never from within `write`."""
        assert self._loop is not None
        self._loop.call_soon(self._fail_if_open, self._fd, error)

    def _fail_if_open(self, fd: int, error: OSError) -> None:
        if fd == self._fd:
            self._fail(error)

    def _fail(self, error: OSError | None) -> None:
        receiver = self._receiver
        self._detach(at_once=True)
        if receiver is not None:
            receiver.link_lost(self._lost(error))

    def _detach(self, *, at_once: bool) -> None:
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        self._receiver = self._deliver = None
        assert self._loop is not None
        self._loop.remove_reader(fd)
        self._loop.remove_writer(fd)
        self._waiting.clear()
        self._release(at_once=at_once)
