"""Faults 54 to 56 and 59: telemetry that is silent or lies, INFO that lies, and use by another host (R14)."""

from __future__ import annotations

import asyncio

import pytest

from firmware_sim.trace_rules import Bounds, violations
from massager_ctl.errors import DoseSpent, ExitCode, ScreeningNeeded
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetLevel
from tests.faults.ground import MEMORY, Ground, Recipe, second_host
from tests.support.marks import simulated_time

pytestmark = simulated_time

NO_DEVICE = Bounds(step_s=0.2, drive_rise=float("inf"))
"""What the host alone can promise: it speaks every 200 ms, and the pattern is the device's."""


@pytest.mark.fault(54)
async def test_telemetry_silent(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("telemetry_silent")
    end = await g.over()
    # The device runs on fresh echoes alone, so its own dead-man is the first to act.
    assert end.cause in (Cause.TELEMETRY_LOST, Cause.DEAD_MAN)
    g.zero_by(1.3)
    assert end.exit_code in (ExitCode.REFUSED, ExitCode.UNCONFIRMED)
    await g.ledger(slack_s=2.0)


@pytest.mark.fault(54)
async def test_telemetry_frozen(g: Ground) -> None:
    """The same frame again and again is not news: the echo ages, the device's dead-man acts, the host notices."""
    await g.controller.connect()
    await g.run()
    g.inject("telemetry_freeze")
    await asyncio.sleep(3.0)
    g.zero_by(1.3)
    await g.over()
    await g.ledger(slack_s=3.0)


@pytest.mark.fault(55)
async def test_telemetry_lies(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("lie_level")
    end = await g.over()
    assert end.cause is Cause.SAFETY
    assert "R14" in end.text
    assert g.heard("alarm")
    g.zero_by(1.0)
    await g.ledger()


@pytest.mark.fault(56)
@pytest.mark.laid(
    on=MEMORY, recipe=Recipe(options="fault=lie_cap=255&limits=off", bounds=NO_DEVICE)
)
async def test_claims_cap_255(g: Ground) -> None:
    """It claims that all is allowed, and allows it: the host's bounds stand."""
    await g.controller.connect()
    await g.run(1.0, level=100.0)
    await asyncio.sleep(330.0)
    assert max(g.out.values()) == 25.0, "a person's first session"
    assert violations(g.trace, NO_DEVICE) == []
    g.strike()
    await g.controller.stop()
    await g.over()
    g.zero_by(0.1)
    await g.ledger()


@pytest.mark.fault(56)
async def test_claims_to_be_simulated(g: Ground) -> None:
    """Its word alone frees it of neither screening nor dose."""
    info = await g.controller.connect()
    assert info.simulated
    g.loop.clock.suspend(13 * 3600.0)
    with pytest.raises(ScreeningNeeded):
        await g.controller.manual(60)
    assert not g.seen("arm")
    assert await g.entries() == []


@pytest.mark.fault(59)
async def test_used_by_another_host(g: Ground) -> None:
    await g.controller.connect()
    await g.run(1.0)
    await g.controller.stop()
    await g.over()
    await g.controller.close()
    g.inject("used=600")
    await g.controller.connect()
    with pytest.raises(DoseSpent, match="resting"):
        await g.controller.manual(60)
    foreign = next(entry for entry in await g.entries() if entry.kind == "foreign")
    assert 598.0 <= foreign.charged_s <= 601.0
    assert not g.is_up


@pytest.mark.fault(59)
async def test_a_second_host_in_between(g: Ground) -> None:
    """Seconds that were really delivered by another controller, as the device's own counter tells them."""
    await g.controller.connect()
    await g.run(1.0)
    await g.controller.stop()
    await g.over()
    other, _ = second_host(g)
    await other.connect()
    await other.manual()
    other.request(SetLevel(20.0))
    await asyncio.sleep(6.0)
    await other.close()
    await g.controller.close()
    await g.controller.connect()
    await g.run(1.0)
    await g.controller.stop()
    await g.over()
    charged = sum(entry.charged_s for entry in await g.entries())
    assert charged >= g.delivered_s - 1.0, "INFO counts whole seconds"
