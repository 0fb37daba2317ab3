"""Fault 58: all that is said arrives 5 s late (R4, R15)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.errors import LinkError
from massager_ctl.testing.impairments import Delayed
from massager_ctl.transports.base import Transport
from tests.faults.aftermath import SERIAL_T
from tests.faults.ground import Ground, Recipe
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.fault(58)
@pytest.mark.laid(recipe=Recipe(wrap=lambda inner: Delayed(inner, 5.0)))
async def test_late_by_5_s(g: Ground) -> None:
    with pytest.raises(LinkError):
        await g.controller.connect()
    await asyncio.sleep(6.0)
    assert not g.seen("arm")
    assert not g.is_up
    assert await g.entries() == []


class LateLater(Delayed):
    """In time at first."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner, 0.0)

    def outgoing(self, data: bytes, send: object) -> None:
        if self.seconds:
            super().outgoing(data, self.inner.write)
        else:
            self.inner.write(data)

    def incoming(self, data: bytes, receive: object) -> None:
        if self.seconds:
            super().incoming(data, self._receive)
        else:
            self._receive(data)


@pytest.mark.fault(58)
@pytest.mark.laid(recipe=Recipe(wrap=LateLater))
async def test_late_by_5_s_in_a_session(g: Ground) -> None:
    """Frames that are 5 s old arrive in an endless stream: none of them runs it on, or starts it again."""
    await g.controller.connect()
    await g.run()
    g.strike()
    assert isinstance(g.transport, LateLater)
    g.transport.seconds = 5.0
    await g.over(within=20)
    await asyncio.sleep(10.0)
    g.zero_by(SERIAL_T + 0.1)
    await g.ledger(slack_s=3.0)
