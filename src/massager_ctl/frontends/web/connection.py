"""Adds to uvicorn's connections: a request must arrive in time, and there is always room for a stop.

The number of connections is bounded by dropping the one that has been idle longest, never by refusing: only reading
the newest one shows whether it brings a stop (R6).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

HEAD_S: Final = 8.0
"""Seconds for the head of a request, from the opening of the connection or the end of the last request."""

CONNECTIONS_MAX: Final = 200
"""Maximum connections including websockets; two descriptors for each are far below the usual limit of 1024."""


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
        if len(self.connections) <= CONNECTIONS_MAX:
            return
        idle = [
            other
            for other in self.connections
            if isinstance(other, BoundedProtocol) and other is not self and not other.busy
        ]
        if idle:
            min(idle, key=lambda other: other.idle_since).transport.abort()
