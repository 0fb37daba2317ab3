"""The device under test: how its links are opened, whichever transport carries them."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from firmware_sim.device import SimLink
from firmware_sim.hil.client import Client
from firmware_sim.hil.hands import Hands, NoHands, SimulatedHands
from firmware_sim.links.memory import Simulator
from massager_ctl.errors import LinkError
from massager_ctl.transports.address import SimAddress, parse_address
from massager_ctl.transports.base import LinkKind, Transport
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.memory import SimTransport

SLACK_S: Final = 0.15
"""What a busy computer and the link may add to a time that is taken on this side."""
_REOPEN_S: Final = 5.0


def is_embedded(address: str) -> bool:
    """Whether `address` is a `sim:` one, which can run under simulated time."""
    return isinstance(parse_address(address), SimAddress)


class Dut(Protocol):
    """Opens links to one device."""

    kind: str
    slack_s: float
    hands: Hands
    can_open_second: bool

    async def connect(self) -> Client:
        """The first link, or the same one again."""
        ...

    async def connect_second(self) -> Client:
        """One more link."""
        ...

    def end(self) -> None:
        """Let go of everything."""
        ...


class EmbeddedDut:
    """The device behind a `sim:` address, in this process."""

    kind = LinkKind.MEMORY.value
    slack_s = 0.0
    can_open_second = True

    def __init__(self, address: str) -> None:
        transport = make_transport(address)
        if not isinstance(transport, SimTransport):
            raise TypeError(f"{address} is no sim: address")
        self._transport = transport
        self.hands: Hands = NoHands()

    async def connect(self) -> Client:
        """The link that the transport itself holds."""
        client = Client(framed_by_link=False, slack_s=0.0)
        await self._transport.open(client)
        self.hands = SimulatedHands(self._simulator.device)
        client.pipe = self._transport
        return client

    @property
    def _simulator(self) -> Simulator:
        simulator = self._transport.simulator
        if not isinstance(simulator, Simulator):
            raise TypeError("the simulator behind sim: is not this package's own")
        return simulator

    async def connect_second(self) -> Client:
        """Another link to the same simulator."""
        client = Client(framed_by_link=False, slack_s=0.0)
        link = self._simulator.open_link(
            self.kind, client.data_received, lambda why: client.link_lost(ConnectionError(why))
        )
        client.pipe = _SecondPipe(link)
        return client

    def end(self) -> None:
        """Switch the device off."""
        self._transport.end()


class _SecondPipe:
    """A simulator's link as a client's pipe."""

    def __init__(self, link: SimLink) -> None:
        self.write = link.write
        self.abort = link.close


class ExternalDut:
    """A device at the other end of a real link, in real time."""

    slack_s = SLACK_S

    def __init__(self, address: str, hands: Hands) -> None:
        self._address = address
        self.hands = hands
        self._open: list[Transport] = []
        kind = make_transport(address).kind
        self.kind = kind.value
        self._framed = kind.framed
        self.can_open_second = kind is LinkKind.TCP

    async def connect(self) -> Client:
        """Open the link; where it was open before, as soon as the device takes it again."""
        loop = asyncio.get_running_loop()
        end = loop.time() + (_REOPEN_S if self._open else 0.0)
        while True:
            try:
                return await self.connect_second()
            except LinkError:
                if loop.time() >= end:
                    raise
                await asyncio.sleep(0.1)

    async def connect_second(self) -> Client:
        """One more link."""
        transport = make_transport(self._address)
        client = Client(framed_by_link=self._framed, slack_s=self.slack_s)
        await transport.open(client)
        client.pipe = transport
        self._open.append(transport)
        return client

    def end(self) -> None:
        """Drop every link."""
        for transport in self._open:
            transport.abort()
