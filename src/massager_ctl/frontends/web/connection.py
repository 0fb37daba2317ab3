"""Adds to uvicorn's connections: a request must arrive in time, and there is always room for a stop.

The number of connections is bounded by dropping one, never by refusing: only reading the newest one shows whether it
brings a stop (R6). First goes the one that has been idle longest, then a request in progress, whose stop acts all the
same, and a websocket last.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from typing import TYPE_CHECKING, Any, Final, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from uvicorn.server import Protocols

HEAD_S: Final = 8.0
"""Seconds for the head of a request, from the opening of the connection or the end of the last request."""

CONNECTIONS_MAX: Final = 200
"""Maximum connections including websockets, where the process may have at least 800 descriptors."""


def at_most(bound: int, part: int) -> int:
    """`bound`, but no more than one in `part` of the descriptors that this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return bound if soft == resource.RLIM_INFINITY else min(bound, soft // part)


class BoundedProtocol(H11Protocol):
    """One HTTP connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state}, _loop)
        self._patience: asyncio.TimerHandle | None = None
        self._upgraded = False
        self.idle_since = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.sock = transport.get_extra_info("socket")
        self._make_room()
        self._patience = self.loop.call_later(HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._trust()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.app_state["received_at"] = self.loop.time()
        super().data_received(data)
        if self.busy:
            self._trust()
        elif not (self._patience or self._upgraded or self.transport.is_closing()):
            self._patience = self.loop.call_later(HEAD_S, self._give_up)

    def _should_upgrade(self) -> bool:
        """A websocket begins with GET; any other request may offer one, and is what it is without (RFC 9110, 7.8)."""
        return self.scope["method"] == "GET" and super()._should_upgrade()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._upgraded = True
        self._trust()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        super().on_response_complete()

    @property
    def busy(self) -> bool:
        """Whether a request is in progress."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _trust(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        """Close a connection whose request did not arrive in time."""
        self._patience = None
        if not self.busy and not self.transport.is_closing():
            self.transport.abort()

    def _make_room(self) -> None:
        excess = len(self.connections) - at_most(CONNECTIONS_MAX, 4)
        if excess > 0:
            others = [other for other in self.connections if other is not self]
            for other in sorted(others, key=_rank)[:excess]:
                self.connections.discard(other)  # at once: several may come in one turn of the loop
                _drop(other)


class BoundedWebsocket(WSProtocol):
    """A websocket that may be dropped for another connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.sock = transport.get_extra_info("socket")

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.add(self)  # it is removed there, and that it was already is an error
        super().connection_lost(exc)


def _drop(other: Protocols) -> None:
    """End it now. A TLS transport that was closed twice no longer knows its connection; the socket's end reaches it."""
    other.transport.abort()
    if isinstance(other, BoundedProtocol | BoundedWebsocket):
        with contextlib.suppress(OSError):
            other.sock.shutdown(socket.SHUT_RDWR)


def _rank(other: Protocols) -> tuple[int, float]:
    """How soon a connection is dropped for another: the least goes first."""
    if isinstance(other, BoundedProtocol):
        return int(other.busy and not other.transport.is_closing()), other.idle_since
    return (0 if other.transport.is_closing() else 2), 0.0
