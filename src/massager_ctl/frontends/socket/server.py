"""The server of the control socket: JSON lines from this machine; a stop waits behind nothing (R5, R6)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from massager_ctl.aio.gaps import LoopGaps
from massager_ctl.control.controller import Controller
from massager_ctl.frontends.socket import owners, paths
from massager_ctl.frontends.socket.conversation import SETTLE_S, Conversation
from massager_ctl.frontends.socket.folder_errors import no_socket, prepare_runtime
from massager_ctl.frontends.socket.turns import Noise, Turns
from massager_ctl.frontends.socket.views import Views
from massager_ctl.frontends.status_document import status_document
from massager_ctl.model.requests import (
    Ready,
)
from massager_ctl.model.status import LinkState, Status
from massager_ctl.transports.address_identity import resolved

QUEUE: Final = 128
"""Clients that may wait to be accepted; one more gets the error that this owner is busy."""

OnReady = Callable[[Ready], Awaitable[str]]


class ControlServer:
    """Listens for one device. `device`: its identity (by `address_identity`); `name`: what the settings call it.

    `on_ready` allows one remote start; without it that is refused. It may raise any MassagerError.
    `on_noise` gets, at most once a second, the number of requests that were invalid or too many.
    """

    def __init__(
        self,
        controller: Controller,
        device: str,
        *,
        name: str = "",
        on_ready: OnReady | None = None,
        on_noise: Callable[[int], None] | None = None,
    ) -> None:
        self.controller = controller
        self.on_ready = on_ready
        self.path = paths.socket_path(device)
        self.card = owners.Card(device, controller.status.address, name=name)
        self._unfollow: Callable[[], None] | None = None
        self._forget: Callable[[], None] = lambda: None
        self._server: asyncio.Server | None = None
        self._clients: set[Conversation] = set()
        self._encoded: tuple[Status | None, msgspec.Raw] = None, msgspec.Raw()
        self.turns = Turns()
        self.gaps = LoopGaps()
        self.views = Views(controller)
        self.noise = Noise(on_noise or (lambda _: None))

    async def open(self) -> None:
        """Listen. A former owner's dead socket is replaced; call it while you hold the device's lock.

        Raises ConfigError if no socket can be made: without one no other terminal could stop the device.
        """
        prepare_runtime()
        _remove_dead()
        # It listens before it gets its name, so that a name always answers or is dead.
        temporary = f"{self.path}.{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._write_card(self.controller.status, always=True)
            sock.settimeout(0)
            sock.bind(temporary)
            os.chmod(temporary, 0o600)
            sock.listen(QUEUE)
            os.rename(temporary, self.path)
        except OSError as error:
            sock.close()
            self._take_name_away()
            raise no_socket(self.path, error) from None
        loop = asyncio.get_running_loop()
        self._server = server = await loop.create_unix_server(
            lambda: Conversation(self), sock=sock, start_serving=False
        )
        try:
            await server.start_serving()
        except BaseException:
            server.close()
            self._server = None
            self._take_name_away()
            raise
        self.gaps.open()
        self._unfollow = self.controller.add_listener(self._write_card)
        self._forget = self.controller.add_listener(self.views.changed)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is None:
            return
        if self._unfollow is not None:
            self._unfollow()
            self._forget()
        self.views.close()
        self.gaps.close()
        self._take_name_away()
        self._server.close()
        clients = tuple(self._clients)
        for client in clients:
            await client.settle()
            client.finish()
        if clients:
            gone = [client.gone for client in clients]
            await asyncio.wait(gone, timeout=SETTLE_S)
            for client in clients:
                client.drop()
            await asyncio.wait(gone)
        await self._server.wait_closed()
        self._server = None
        self.noise.close()

    def _write_card(self, status: Status, *, always: bool = False) -> None:
        """Update the card: the serial number, and the port while it is connected."""
        card = self.card
        up = status.link is LinkState.UP
        port = (card.port or resolved(card.address)) if up else ""
        serial = card.serial if status.info is None else status.info.serial
        if always or (port, serial) != (card.port, card.serial):
            self.card = owners.Card(card.identity, card.address, port, card.name, serial)
            with contextlib.suppress(OSError):  # a full disk: the socket answers all the same
                owners.write_card(self.path, self.card)

    def _take_name_away(self) -> None:
        for path in (self.path, paths.card_path(self.path)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    async def __aenter__(self) -> ControlServer:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def encoded(self, status: Status) -> msgspec.Raw:
        """The status line for all clients, made once."""
        if self._encoded[0] is not status:
            self._encoded = status, msgspec.Raw(msgspec.json.encode(status_document(status)))
        return self._encoded[1]

    def joined(self, client: Conversation) -> None:
        self._clients.add(client)

    def left(self, client: Conversation) -> None:
        self._clients.discard(client)


def _remove_dead() -> None:
    """Remove the sockets of killed owners."""
    for path in paths.socket_paths():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(0)
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                for dead in (path, paths.card_path(path)):
                    with contextlib.suppress(OSError):
                        os.unlink(dead)
            except OSError:
                continue
