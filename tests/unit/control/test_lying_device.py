"""R9, R15: a device that denies what it does is charged for what it was sent, and is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.ground import Ground, On, Recipe, laid
from tests.support.marks import simulated_time

from massager_ctl.drivers import reference_tables as tables
from massager_ctl.model.device import Cause, DeviceInfo, Telemetry
from massager_ctl.model.requests import Pause, Resume, SetLevel
from massager_ctl.model.units import ZERO
from massager_ctl.safety.telemetry_watch import DENIED_S

pytestmark = simulated_time

BLE = Recipe(ble=True)


def reports(monkeypatch: pytest.MonkeyPatch, **lies: Any) -> None:
    """From now on telemetry says this."""
    real: Callable[..., Telemetry] = tables.telemetry

    def lied(frame: Any) -> Telemetry:
        return msgspec.structs.replace(real(frame), **lies)

    monkeypatch.setattr(tables, "telemetry", lied)


def counts(monkeypatch: pytest.MonkeyPatch, lifetime_s: Callable[[int], int]) -> None:
    """From now on INFO makes this of the device's running seconds."""
    real: Callable[..., DeviceInfo] = tables.device_info

    def lied(*given: Any) -> DeviceInfo:
        info = real(*given)
        return msgspec.structs.replace(info, lifetime_s=lifetime_s(info.lifetime_s))

    monkeypatch.setattr(tables, "device_info", lied)


async def test_r9_a_driven_device_that_reports_zero_is_stopped_and_charged_for_what_was_sent(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    reports(monkeypatch, levels=ZERO, running_s=0.0, current_ma=0)
    await g.controller.manual(600)
    g.controller.request(SetLevel(20.0))
    began = g.loop.time()
    end = await g.over(within=10.0)
    took = g.loop.time() - began
    assert (end.cause, end.exit_code) == (Cause.SAFETY, 3)
    assert "R9" in end.text
    assert g.heard("alarm")
    assert 2.0 + DENIED_S <= took <= 2.0 + DENIED_S + 0.6, "2 s to climb to 2 %, then 3 s"
    await g.ledger()
    assert g.delivered_s > 3.0


async def test_r9_what_is_too_weak_to_be_seen_is_charged_all_the_same(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    reports(monkeypatch, levels=ZERO, running_s=0.0, current_ma=0)
    await g.controller.manual(600)
    g.controller.request(SetLevel(1.9))
    await asyncio.sleep(8.0)
    g.controller.request(Pause())
    await asyncio.sleep(60.0)
    g.controller.request(Resume())
    await asyncio.sleep(2.0)
    await g.controller.stop()
    end = await g.over()
    assert end.running_s >= g.delivered_s - 0.3
    await g.ledger()


@pytest.mark.parametrize("lie", [{"running_s": 0.0}, {"running_s": 1e9}])
async def test_r9_the_larger_of_sent_and_reported_is_charged(
    g: Ground, monkeypatch: pytest.MonkeyPatch, lie: dict[str, float]
) -> None:
    await g.controller.connect()
    reports(monkeypatch, **lie)
    await g.run(6.0)
    await g.controller.stop()
    await g.over()
    charged = sum(entry.charged_s for entry in await g.entries())
    assert charged >= max(g.delivered_s, lie["running_s"])


async def test_r9_a_device_that_counts_no_lifetime_is_stopped(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    counts(monkeypatch, lambda _: 0)
    await g.run(10.0)
    end = await g.over(within=15.0)
    assert end.cause is Cause.SAFETY
    assert "does not count" in end.text
    assert g.heard("alarm")
    await g.ledger()


@pytest.mark.parametrize("clock", ["-10%", "+10%"])
async def test_fault_47_a_slow_or_fast_clock_is_no_lie(tmp_path: Path, clock: str) -> None:
    recipe = Recipe(options=f"fault=clock={clock}", ble=True)
    async with laid(On.MEMORY, recipe, tmp_path) as g:
        await g.controller.connect()
        await g.run(2.0)
        for _ in range(20):  # each pause and each climb is a little more sent than run
            g.controller.request(Pause())
            await asyncio.sleep(0.5)
            g.controller.request(Resume())
            await asyncio.sleep(5.0)
        await g.goes_on(200.0)
        await g.controller.stop()
        await g.over()
        await g.ledger(slack_s=60.0)
