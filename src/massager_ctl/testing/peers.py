"""Simulated devices for tests of a driver: their interface, and an in-memory link to one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Protocol

from massager_ctl.errors import DriverFault, InputError, LinkLost
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.in_process import PipeTransport, pipe


class SimulatedPeer(Protocol):
    """Plays one device, from its documents and never from its driver: a mistake in the driver must show here."""

    @property
    def steps(self) -> tuple[int, ...]:
        """Where each channel stands, 0 for off."""
        ...

    @property
    def complaints(self) -> list[str]:
        """All that a real device would not have understood."""
        ...

    def take(self, data: bytes, now: float) -> Sequence[bytes]:
        """Take bytes from the host, in pieces of any size on a stream; returns the answer. `now`: seconds."""
        ...

    def pass_time(self, now: float) -> Sequence[bytes]:
        """Advance time: its timers end, reports become due."""
        ...

    def link_down(self, now: float) -> None:
        """The host is gone."""
        ...


MakePeer = Callable[[], SimulatedPeer]

PEERS = "massager_ctl.driver_peers"
"""Entry point group: makes the simulated peer for the scheme of a driver."""

TICK_S = 0.05


def peer_for(scheme: str) -> MakePeer:
    """What makes the simulated peer of a driver. Raises InputError where its package brings none, DriverFault."""
    for point in entry_points(group=PEERS, name=scheme):
        try:
            made: MakePeer = point.load()
            made()
        except Exception as error:
            raise DriverFault(
                f"the simulated peer of '{scheme}' cannot be made: {type(error).__name__}: {error}",
                "Tell the author of that package.",
            ) from error
        return made
    raise InputError(
        f"the package of '{scheme}' brings no simulated peer to check it with",
        f"Its author names one by an entry point of the group {PEERS}; docs/how-to/write-a-driver.md shows how.",
    )


class PeerLink:
    """A peer at the far end of an in-memory pipe; `host` is the transport for the driver. A context manager."""

    def __init__(self, peer: SimulatedPeer, kind: LinkKind = LinkKind.SERIAL) -> None:
        self.peer = peer
        self.host, self._far = pipe(kind)
        self.heard: list[tuple[float, bytes]] = []
        """What came from the host, and when."""
        self.history: list[tuple[float, tuple[int, ...]]] = []
        """Every change of the peer's steps, and when."""
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> PeerLink:
        await self._far.open(self)
        self._note()
        self._ticking = asyncio.ensure_future(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        await self._far.close()

    @property
    def far(self) -> PipeTransport:
        """The peer's end."""
        return self._far

    def data_received(self, data: bytes) -> None:
        """Bytes from the host."""
        now = asyncio.get_running_loop().time()
        self.heard.append((now, data))
        self._answer(self.peer.take(data, now))

    def link_lost(self, error: LinkLost) -> None:  # noqa: ARG002
        """The host is gone."""
        self.peer.link_down(asyncio.get_running_loop().time())
        self._note()
        self._again = asyncio.ensure_future(self._far.open(self))  # for a host that comes back

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._answer(self.peer.pass_time(asyncio.get_running_loop().time()))

    def _answer(self, answers: Sequence[bytes]) -> None:
        self._note()
        for answer in answers:
            self._far.write(answer)

    def _note(self) -> None:
        if not self.history or self.history[-1][1] != self.peer.steps:
            self.history.append((asyncio.get_running_loop().time(), self.peer.steps))
