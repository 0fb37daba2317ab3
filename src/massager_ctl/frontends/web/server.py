"""Runs uvicorn inside the service: without its signals and logs, and it ends within a second (R6)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator, Sequence
from typing import Final

from msgspec import Struct
from uvicorn import Config, Server

from massager_ctl.aio.tasks import end_all
from massager_ctl.errors import ConfigError
from massager_ctl.frontends.web.acceptor import Acceptor
from massager_ctl.frontends.web.app import App
from massager_ctl.frontends.web.certificate import Certificate
from massager_ctl.frontends.web.connection import BoundedProtocol, BoundedWebsocket

PORT: Final = 8137
LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"
FAREWELL_S: Final = 1
"""Seconds for requests in progress when the service ends."""

BACKLOG: Final = 1024
"""Connections that wait to be accepted; they have no descriptor yet."""

MESSAGE_MAX: Final = 4096
"""Maximum bytes of a websocket message."""

HEAD_MAX: Final = 16 * 1024
"""Maximum bytes of a request's head."""


class Listener(Struct, frozen=True):
    """A bound socket, and where it can be reached."""

    sock: socket.socket
    port: int


def listen(host: str, port: int) -> Listener:
    """Bind, so that a port in use shows before anything is served. Raises ConfigError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(
            BACKLOG
        )  # so that a client that comes before the first turn of the loop waits for it
    except OSError as error:
        sock.close()
        raise ConfigError(
            f"the page cannot listen on {host}:{port}: {error.strerror}",
            "Name another port with --port, or leave the page out with --no-web.",
        ) from None
    return Listener(sock, sock.getsockname()[1])


class WebServer:
    """The page and the API, from `run` until it is cancelled."""

    def __init__(
        self, app: App, listener: Listener, certificate: Certificate | None = None
    ) -> None:
        self.app = app
        self._listener = listener
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._server = _Embedded(
            Config(
                app,
                http=BoundedProtocol,
                ws=BoundedWebsocket,
                ws_max_size=MESSAGE_MAX,
                ws_per_message_deflate=False,
                ws_ping_interval=5,
                ws_ping_timeout=5,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=FAREWELL_S,
                h11_max_incomplete_event_size=HEAD_MAX,
                ssl_certfile=certificate.path if certificate else None,
                ssl_keyfile=certificate.key_path if certificate else None,
            )
        )

    async def run(self) -> None:
        """Serve until cancelled; then close what is open within a second or so."""
        followers: Sequence[asyncio.Task[None]] = ()
        serving = asyncio.ensure_future(self._server.serve([self._listener.sock]))
        try:
            for stream in self.app.streams.values():
                stream.open()
            followers = [
                asyncio.ensure_future(stream.look_after()) for stream in self.app.streams.values()
            ]
            await asyncio.wait([serving, *followers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._server.should_exit = True
            await end_all(list(followers))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(serving), 2 * FAREWELL_S + 1)
            for stream in self.app.streams.values():
                stream.close()

    async def flush(self, seconds: float) -> None:
        """Send the last status to every reader."""
        for stream in self.app.streams.values():
            stream.tell()
        async with asyncio.timeout(seconds):
            await asyncio.sleep(0)


class _Embedded(Server):
    _acceptors: Sequence[Acceptor] = ()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """The service handles the signals: they stop the device first."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """With an acceptor in place of asyncio's server, which would not bound what is open."""
        await super().startup(sockets=[])
        self._acceptors = [
            Acceptor(sock, self._connection, self.config.ssl) for sock in sockets or []
        ]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        await super().shutdown(sockets)

    def _connection(self) -> BoundedProtocol:
        return BoundedProtocol(self.config, self.server_state, self.lifespan.state)
