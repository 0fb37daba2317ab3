"""Faults 11 to 14 and 25: the link breaks, hangs, or loses acknowledgements (R4, R6, R15)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.errors import ExitCode, LinkError, StopUnconfirmed
from massager_ctl.model.device import Cause
from massager_ctl.testing.impairments import Wrapper
from tests.faults.aftermath import BLE_T, SERIAL_T
from tests.faults.ground import MEMORY, Ground, Line, Recipe
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.fault(11)
async def test_flapping_link(g: Ground) -> None:
    await g.controller.connect()
    for _ in range(4):
        await g.run(1.5)
        g.inject("flap")
        end = await g.over()
        assert (end.cause, end.exit_code) == (Cause.LINK_LOST, ExitCode.LINK)
        g.zero_by(0.1, cause="link_lost")
        await asyncio.sleep(0.2)
        await g.controller.connect()
        await asyncio.sleep(1.0)
        assert g.state == "idle", "nothing resumes on its own"
        assert not g.is_up
    assert max(max(sample["out"].values()) for sample in g.samples) <= 1.7, "no slew was gained"
    await g.ledger(slack_s=4 * 1.0)


class HangingWrites(Wrapper):
    """From one moment on, nothing that is written goes out, and the backlog stays."""

    hangs = False

    @property
    def backlog(self) -> int:
        return 100 if self.hangs else self.inner.backlog

    def write(self, data: bytes) -> None:
        if not self.hangs:
            self.inner.write(data)

    def preempt(self, data: bytes) -> None:
        if not self.hangs:
            self.inner.preempt(data)


@pytest.mark.fault(12)
@pytest.mark.laid(on=MEMORY, recipe=Recipe(ble=True, wrap=HangingWrites))
async def test_ble_write_hangs(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.strike()
    assert isinstance(g.transport, HangingWrites)
    g.transport.hangs = True
    end = await g.over()
    assert end.exit_code is ExitCode.UNCONFIRMED
    g.zero_by(BLE_T + 0.1, cause="dead_man")
    assert not g.device._links, "the host dropped the link"
    assert g.heard("alarm")
    await g.ledger(slack_s=BLE_T + 1.0)


@pytest.mark.fault(13)
@pytest.mark.laid(on=MEMORY, recipe=Recipe(ble=True))
async def test_no_disconnect_callback(g: Ground) -> None:
    """The radio is gone and no one tells; 32 s later it is still zero."""
    await g.controller.connect()
    await g.run()
    g.strike()
    g.tap.line = Line.MUTE
    end = await g.over()
    assert end.exit_code is ExitCode.UNCONFIRMED
    await asyncio.sleep(32.0)
    g.zero_by(BLE_T + 0.1)
    await g.ledger(slack_s=3.0)


@pytest.mark.fault(13)
async def test_no_disconnect_on_serial(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("silent")
    await g.over()
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    await g.ledger(slack_s=3.0)


@pytest.mark.fault(14)
async def test_unplugged(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("unplug")
    reported_at = g.loop.time()
    end = await g.over()
    assert g.loop.time() - reported_at <= 1.0
    assert (end.cause, end.exit_code) == (Cause.LINK_LOST, ExitCode.LINK)
    await asyncio.sleep(1.0)
    g.zero_by(0.6)
    await g.ledger()


@pytest.mark.fault(25)
async def test_acks_lost(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("ack_lost=2")
    asked = g.loop.time()
    await g.controller.stop()
    assert 0.299 <= g.loop.time() - asked <= 0.6
    stops = [frame for frame in g.tap.written if frame[:1] == b"\0"]
    assert len(stops) == 3, "sent, and sent again twice"
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.PERSON, ExitCode.OK)
    g.zero_by(0.1, cause="person")
    await g.ledger()


@pytest.mark.fault(25)
async def test_all_acks_lost(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("ack_lost=1000")
    with pytest.raises(StopUnconfirmed, match="sent 4 times") as caught:
        await g.controller.stop()
    assert "unplug" in caught.value.remedy
    assert (await g.over()).exit_code is ExitCode.UNCONFIRMED
    assert g.heard("alarm")
    g.zero_by(0.1, cause="person")
    await g.ledger(slack_s=2.0)


@pytest.mark.fault(25)
async def test_ack_of_arm_lost(g: Ground) -> None:
    await g.controller.connect()
    g.inject("ack_lost=1")
    with pytest.raises(LinkError, match="sent no an ACK"):
        await g.controller.manual(600)
    await g.over()
    await asyncio.sleep(1.0)
    assert (g.state, g.is_up) == ("idle", False)
    await g.ledger()
