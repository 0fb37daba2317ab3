"""A transport around another one: the base of what listens in on a link, and of what impairs it in tests."""

from __future__ import annotations

from collections.abc import Callable

from massager_ctl.errors import LinkLost
from massager_ctl.transports.base import LinkKind, Receiver, Transport


class Wrapper:
    """Passes everything on. A subclass changes `outgoing` (towards the device) or `incoming`, or both."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self._receiver: Receiver | None = None

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        """Pass on what was written by calling `send` any number of times, now or later."""
        send(data)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        """Pass on what was received by calling `receive` any number of times, now or later."""
        receive(data)

    @property
    def kind(self) -> LinkKind:
        """As the transport's."""
        return self.inner.kind

    @property
    def address(self) -> str:
        """As the transport's."""
        return self.inner.address

    @property
    def backlog(self) -> int:
        """As the transport's."""
        return self.inner.backlog

    async def open(self, receiver: Receiver) -> None:
        """Open the link. Raises what the transport raises."""
        self._receiver = receiver
        try:
            await self.inner.open(self)
        except BaseException:
            self._receiver = None
            raise

    def write(self, data: bytes) -> None:
        """Send what `outgoing` makes of it."""
        self.outgoing(data, self.inner.write)

    def preempt(self, data: bytes) -> None:
        """Send what `outgoing` makes of it, past all that waits (R6)."""
        # Only the first piece discards what waits; the others must not discard the first.
        first = iter((self.inner.preempt,))

        def send(piece: bytes) -> None:
            next(first, self.inner.write)(piece)

        self.outgoing(data, send)

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        """As the transport's."""
        self.inner.on_drained(callback)

    async def close(self) -> None:
        """As the transport's; nothing is handed on any more."""
        self._receiver = None
        await self.inner.close()

    def abort(self) -> None:
        """As the transport's; nothing is handed on any more."""
        self._receiver = None
        self.inner.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on what `incoming` makes of it."""
        self.incoming(data, self._receive)

    def link_lost(self, error: LinkLost) -> None:
        """Hand on, once, that the link is gone."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.link_lost(error)

    def _receive(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.data_received(data)
