"""Accepts connections, so that strangers never use up the process's descriptors and a stop still gets in (R6).

asyncio's own server bounds neither the number of TLS handshakes nor, below a minute, their time. Here a peer that is
silent and one whose handshake is under way have a bound each: neither kind can push out the other, and the oldest one
of the peer with the most goes first. Established connections are bounded by `connection`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakSet

from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.frontends.web.connection import at_most

HANDSHAKE_S: Final = 5.0
"""Seconds for a TLS handshake, from the moment at which the connection is accepted."""

PENDING_MAX: Final = 64
"""Maximum connections that have sent nothing yet, and again of those whose handshake is under way."""

OPEN_MAX: Final = 400
"""Maximum open descriptors of all connections: while there are so many, none is accepted."""

BATCH: Final = 4
"""Connections accepted in one turn of the loop: between two turns, those that are there get on."""

CLOSING_S: Final = 3.0
"""Seconds for a peer to answer the end of TLS."""

RETRY_S: Final = 0.1
"""Seconds until the next attempt where none could be accepted."""

LOG_EVERY_S: Final = 60.0
_LOG: Final = logging.getLogger("massager_ctl.web")


@dataclass(eq=False, slots=True)
class _Arrival:
    """A connection whose TLS handshake is not done."""

    sock: socket.socket
    address: str
    heard: bool = False
    served: bool = False
    task: asyncio.Task[None] | None = None


class Acceptor:
    """Serves a listening socket from now until `close`, with a new protocol for each connection."""

    def __init__(
        self,
        sock: socket.socket,
        make: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._make = make
        self._tls = tls
        self._open: WeakSet[socket.socket] = WeakSet()
        self._pending: list[_Arrival] = []
        self._tasks = TaskBag()
        self._rest: asyncio.TimerHandle | None = None
        self._logged_at: float | None = None
        sock.settimeout(0)
        self._go_on()

    def close(self) -> None:
        """Accept no more, and drop what has not finished its handshake. The socket itself is left open."""
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._sock)
        for arrival in list(self._pending):
            self._drop(arrival)

    @property
    def open_count(self) -> int:
        """Descriptors that are open, in whatever state the connection is."""
        return sum(one.fileno() >= 0 for one in self._open)

    def _go_on(self) -> None:
        self._rest = None
        self._loop.add_reader(self._sock, self._accept)

    def _pause(self) -> None:
        """Look again in a moment: the socket stays readable, so the loop would turn without a pause."""
        self._loop.remove_reader(self._sock)
        self._rest = self._loop.call_later(RETRY_S, self._go_on)

    def _accept(self) -> None:
        room = at_most(OPEN_MAX, 2) - self.open_count
        if room <= 0:
            self._pause()
        for _ in range(min(BATCH, room)):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._log(error)
                self._pause()
                return
            sock.settimeout(0)
            self._open.add(sock)
            self._take(sock, str(address[0]))

    def _take(self, sock: socket.socket, address: str) -> None:
        if self._tls is None:
            self._tasks.start(self._loop.connect_accepted_socket(self._make, sock))
            return
        arrival = _Arrival(sock, address)
        self._pending.append(arrival)
        arrival.task = self._tasks.start(self._shake_hands(arrival, self._tls))
        arrival.task.add_done_callback(lambda _: self._settle(arrival))
        self._make_room(heard=False)

    async def _shake_hands(self, arrival: _Arrival, tls: ssl.SSLContext) -> None:
        async with asyncio.timeout(HANDSHAKE_S):
            await self._first_byte(arrival.sock)
            arrival.heard = True
            self._make_room(heard=True)
            await self._loop.connect_accepted_socket(
                self._make,
                arrival.sock,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=CLOSING_S,
            )
        arrival.served = True

    async def _first_byte(self, sock: socket.socket) -> None:
        come: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(sock, lambda: come.done() or come.set_result(None))
        try:
            await come
        finally:
            self._loop.remove_reader(sock)

    def _make_room(self, *, heard: bool) -> None:
        alike = [one for one in self._pending if one.heard is heard]
        if len(alike) > at_most(PENDING_MAX, 16):
            crowd = Counter(one.address for one in alike)
            self._drop(max(alike, key=lambda one: crowd[one.address]))  # of equals the first

    def _drop(self, arrival: _Arrival) -> None:
        self._pending.remove(arrival)
        if arrival.task is not None:
            arrival.task.cancel()

    def _settle(self, arrival: _Arrival) -> None:
        if arrival in self._pending:
            self._pending.remove(arrival)
        if arrival.served:
            return
        if arrival.heard:  # a transport has it, and closes it once it reads the end
            with contextlib.suppress(OSError):
                arrival.sock.shutdown(socket.SHUT_RDWR)
        else:
            arrival.sock.close()

    def _log(self, error: OSError) -> None:
        now = self._loop.time()
        if self._logged_at is None or now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            _LOG.warning("the page accepts no connection for now: %s", error.strerror)
