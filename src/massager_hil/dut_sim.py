"""The embedded simulator as device under test; it is reached by its address alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.in_process import SimTransport
from massager_hil.client import Client
from massager_hil.operator import NoOperator, Operator
from massager_hil.operator_sim import SimulatedOperator, Switches


class _Link(Protocol):
    def write(self, data: bytes, /) -> None: ...

    def close(self) -> None: ...


class _Opens(Protocol):
    def open_link(
        self, kind: str, on_data: Callable[[bytes], None], on_lost: Callable[[str], None], /
    ) -> _Link: ...


class EmbeddedDut:
    """The device behind a `sim:` address, in this process."""

    kind = LinkKind.MEMORY.value
    slack_s = 0.0
    can_open_second = True

    def __init__(self, address: str) -> None:
        transport = make_transport(address)
        if not isinstance(transport, SimTransport):
            raise TypeError(f"{address} is not a sim: address")
        self._transport = transport
        self.operator: Operator = NoOperator()

    async def connect(self) -> Client:
        """The link that the transport itself holds."""
        client = Client(framed_by_link=False, slack_s=0.0)
        await self._transport.open(client)
        if isinstance(self.operator, NoOperator):
            self.operator = SimulatedOperator(cast("Switches", self._transport.simulator))
        client.pipe = self._transport
        return client

    async def connect_second(self) -> Client:
        """Another link to the same simulator."""
        client = Client(framed_by_link=False, slack_s=0.0)
        link = cast("_Opens", self._transport.simulator).open_link(
            self.kind, client.data_received, lambda why: client.link_lost(ConnectionError(why))
        )
        client.pipe = _SecondPipe(link)
        return client

    def end(self) -> None:
        """Switch the device off."""
        self._transport.end()


class _SecondPipe:
    """A simulator's link as a client's pipe."""

    def __init__(self, link: _Link) -> None:
        self._link = link

    def write(self, data: bytes) -> None:
        self._link.write(data)

    def abort(self) -> None:
        self._link.close()
