"""Listening in on the wire: every piece of bytes both ways, with its time, for whoever asked for it (`--debug`)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from time import time

from msgspec import Struct

from massager_ctl.errors import LinkLost
from massager_ctl.transports.base import Receiver, Transport
from massager_ctl.transports.wrapper import Wrapper


class Direction(StrEnum):
    """Seen from this computer."""

    SENT = "sent"
    URGENT = "urgent"
    """Sent past all that waited: a stop."""
    RECEIVED = "received"
    OPENED = "opened"
    LOST = "lost"


class Piece(Struct, frozen=True):
    """What passed at one moment. `time`: unix seconds; `hex`: the bytes; `framed`: whether they are one whole body."""

    time: float
    device: str
    direction: Direction
    framed: bool
    hex: str = ""


Tap = Callable[[Piece], None]
_taps: list[Tap] = []


def listen_in(tap: Tap) -> Callable[[], None]:
    """Tell `tap` of every piece on links opened from now on, until what this returns is called. It must not wait."""
    _taps.append(tap)
    return lambda: _taps.remove(tap)


def tapped(transport: Transport) -> Transport:
    """The transport, with whoever listens in."""
    return Tapped(transport, tuple(_taps)) if _taps else transport


def behind(transport: Transport) -> Transport:
    """The transport itself, whoever listens in."""
    return transport.inner if isinstance(transport, Tapped) else transport


class Tapped(Wrapper):
    """A transport that tells what passes, and changes nothing of it."""

    def __init__(self, inner: Transport, taps: tuple[Tap, ...]) -> None:
        super().__init__(inner)
        self._taps = taps
        self.boot_s: float = getattr(inner, "boot_s", 0.0)

    async def open(self, receiver: Receiver) -> None:
        """Open the link, then tell. Raises what the transport raises."""
        await super().open(receiver)
        self._tell(Direction.OPENED)

    def write(self, data: bytes) -> None:
        """Send, then tell."""
        self.inner.write(data)
        self._tell(Direction.SENT, data)

    def preempt(self, data: bytes) -> None:
        """Send past all that waits, then tell (R6)."""
        self.inner.preempt(data)
        self._tell(Direction.URGENT, data)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        """Hand on what came, then tell."""
        receive(data)
        self._tell(Direction.RECEIVED, data)

    def link_lost(self, error: LinkLost) -> None:
        """Hand on that the link is gone, then tell."""
        super().link_lost(error)
        self._tell(Direction.LOST)

    def _tell(self, direction: Direction, data: bytes = b"") -> None:
        piece = Piece(time(), self.address, direction, self.kind.framed, data.hex())
        for tap in self._taps:
            tap(piece)
