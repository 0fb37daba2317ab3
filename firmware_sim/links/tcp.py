"""The device on a TCP port, on loopback unless another address is given; every client is a link of its own (R17)."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from firmware_sim.device import SimLink, SimulatedDevice

MOST_UNREAD: Final = 65_536
"""Bytes kept for a client that does not read; then it is cut off."""

_READ: Final = 4096


class TcpError(Exception):
    """The port cannot be opened; the message says why."""


class _Client(asyncio.BufferedProtocol):
    """One connection. It reads into its own buffer: asyncio's plain protocol allocates 256 kB for each frame."""

    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device
        self._room = bytearray(_READ)
        self._link: SimLink | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        try:
            self._link = self._device.open_link("tcp", self._send, self._lost, to_system=True)
        except ConnectionError:
            transport.close()

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        """Where the next bytes go."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes from the client."""
        if self._link is not None:
            self._link.write(bytes(self._room[:nbytes]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client is gone."""
        if self._link is not None:
            self._link.close()

    def _send(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MOST_UNREAD:
            transport.abort()
            return
        transport.write(data)

    def _lost(self, _why: str) -> None:
        if self._transport is not None:
            self._transport.abort()


class TcpPort:
    """A listening socket of one device."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        host, port = server.sockets[0].getsockname()[:2]
        self.address: str = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Listen no more. The device closes its links itself."""
        self._server.close()


async def listen(device: SimulatedDevice, host: str, port: int) -> TcpPort:
    """Listen on `host`:`port`; port 0 takes a free one, which is in `address`."""
    try:
        server = await device.loop.create_server(lambda: _Client(device), host, port)
    except OSError as error:
        raise TcpError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return TcpPort(server)
