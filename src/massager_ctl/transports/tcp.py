"""A device that listens on TCP, over a raw socket; also pyserial's `socket://HOST:PORT`, without pyserial."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final
from urllib.parse import urlsplit

from massager_ctl.errors import DeviceNotFound, LinkError, LinkLost, LinkTimeout
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.descriptor import DescriptorTransport

CONNECT_S: Final = 10.0
"""Seconds that finding and connecting to the host may take."""

SEND_BUFFER: Final = 4096
"""Maximum bytes unsent in the system: few, so that a peer that does not read shows as backlog (R4)."""

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class TcpTransport(DescriptorTransport):
    """A TCP connection with TCP_NODELAY. `address` and `kind` are given if it stands in for a serial line."""

    def __init__(
        self, host: str, port: int, address: str = "", kind: LinkKind = LinkKind.TCP
    ) -> None:
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__(address or f"tcp:{at}", kind)
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None

    async def _connect(self) -> int:
        try:
            async with asyncio.timeout(CONNECT_S):
                self._socket = await self._reach()
        except TimeoutError:
            raise LinkTimeout(
                f"{self.address} did not answer within {CONNECT_S:g} s",
                "Check the address, and that the device is switched on and in this network.",
            ) from None
        return self._socket.fileno()

    async def _reach(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise DeviceNotFound(
                f"the host of {self.address} is unknown ({error.strerror})", "Check the name."
            ) from error
        failure: OSError | None = None
        for family, kind, protocol, _, where in found:
            attempt = socket.socket(family, kind, protocol)
            try:
                attempt.settimeout(0)
                attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                await loop.sock_connect(attempt, where)
            except OSError as error:
                attempt.close()
                failure = error
            except BaseException:
                attempt.close()
                raise
            else:
                return attempt
        if isinstance(failure, ConnectionRefusedError):
            raise DeviceNotFound(
                f"nothing listens at {self.address}",
                "Is the device or the simulator running, and is the port right?",
            ) from failure
        raise LinkError(
            f"{self.address} cannot be reached: {failure}", "Check the address and the network."
        ) from failure

    def _release(self, *, at_once: bool) -> None:
        sock, self._socket = self._socket, None
        if sock is None:
            return
        if at_once:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            except OSError:
                pass  # Reset by the peer already.
        sock.close()

    def _lost(self, error: OSError | None) -> LinkLost:
        why = "was closed by the other side" if error is None else f"broke ({error.strerror})"
        return LinkLost(
            f"{self.address} {why}",
            "Was the device switched off, or its network lost? It stops on its own; start again when it is back.",
        )


def make_socket_serial(url: str) -> TcpTransport:
    """`socket://HOST:PORT`: a serial line behind a network server, so with a serial line's time limits."""
    parts = urlsplit(url)
    return TcpTransport(parts.hostname or "", parts.port or 0, f"serial:{url}", LinkKind.SERIAL)
