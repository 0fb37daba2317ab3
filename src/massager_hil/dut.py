"""The device under test: how its links are opened, whichever transport carries them."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from massager_ctl.errors import LinkError
from massager_ctl.transports.base import LinkKind, Transport
from massager_ctl.transports.factory import make_transport
from massager_hil.client import Client
from massager_hil.operator import Operator

SLACK_S: Final = 0.15
"""What a busy computer and the link may add to a time that is taken on this side."""
_REOPEN_S: Final = 5.0


class Dut(Protocol):
    """Opens links to one device."""

    @property
    def kind(self) -> str:
        """What carries the bytes: memory, serial, tcp or ble."""
        ...

    @property
    def slack_s(self) -> float:
        """What this computer and the link may add to a time on its own clock; 0 under simulated time."""
        ...

    @property
    def operator(self) -> Operator:
        """What can be done to the device."""
        ...

    @property
    def can_open_second(self) -> bool:
        """Whether it takes a second link."""
        ...

    async def connect(self) -> Client:
        """The first link, or the same one again."""
        ...

    async def connect_second(self) -> Client:
        """One more link."""
        ...

    def end(self) -> None:
        """Let go of everything."""
        ...


class ExternalDut:
    """A device at the other end of a real link, in real time."""

    slack_s = SLACK_S

    def __init__(self, address: str, operator: Operator) -> None:
        self._address = address
        self.operator = operator
        self._open: list[Transport] = []
        self.patience_s = _REOPEN_S
        """For a device that has to come back, or at first where it was switched on a moment ago."""
        kind = make_transport(address).kind
        self.kind = kind.value
        self._framed = kind.framed
        self.can_open_second = kind is LinkKind.TCP

    async def connect(self) -> Client:
        """Open the link; where it was open before, as soon as the device takes it again."""
        loop = asyncio.get_running_loop()
        come_back = self._open or self.patience_s > _REOPEN_S
        end = loop.time() + (self.patience_s if come_back else 0.0)
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
