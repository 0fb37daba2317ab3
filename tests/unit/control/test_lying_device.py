"""R9, R15: a device that denies what it does is charged for what it was sent, and is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.ground import Ground, Line, On, Recipe, laid
from tests.support.ascii_massager import AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.control.test_weak_device import BEST, weak

from massager_ctl.drivers import reference_tables as tables
from massager_ctl.errors import LinkLost, OffNotSeen, Refused, StopUnconfirmed
from massager_ctl.model.device import Cause, DeviceInfo, DeviceState, Telemetry
from massager_ctl.model.requests import Pause, Resume, SetLevel, Start
from massager_ctl.model.units import ZERO
from massager_ctl.safety.assurance import Assurance
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


@pytest.mark.parametrize("state", [DeviceState.RUNNING, DeviceState.IDLE])
async def test_r6_a_device_that_confirms_a_stop_and_reports_that_it_runs_is_not_stopped(
    g: Ground, monkeypatch: pytest.MonkeyPatch, state: DeviceState
) -> None:
    await g.controller.connect()
    await g.run()
    running = g.driver.newest
    assert running is not None
    reports(monkeypatch, levels=running.levels, epoch=running.epoch, state=state)
    await g.controller.stop()
    await asyncio.sleep(2.0)
    assert g.controller.unconfirmed is not None
    assert "reports that it runs" in g.controller.unconfirmed.message
    assert g.heard("alarm")
    assert g.controller.status.link == "lost", "so that its dead-man acts"
    with pytest.raises((Refused, LinkLost)):
        await g.controller.manual(60)


@pytest.mark.parametrize("what", ["stale", "another session", "a drop in the reports"])
async def test_r6_what_contradicts_no_stop_is_no_alarm(
    g: Ground, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    await g.controller.connect()
    await g.run()
    running = g.driver.newest
    assert running is not None
    await g.controller.stop()
    match what:
        case "stale":
            g.tap.line = Line.MUTE
        case "another session":
            reports(
                monkeypatch,
                levels=running.levels,
                epoch=running.epoch + 7,
                state=DeviceState.RUNNING,
            )
        case _:
            reports(monkeypatch, levels=running.levels)
            await asyncio.sleep(0.9)
            monkeypatch.undo()
    await asyncio.sleep(4.0)
    assert g.controller.unconfirmed is None
    assert not g.heard("alarm")
    assert g.controller.status.link == "up"


@pytest.mark.parametrize("actuator", ["vibration", "kneading"])
async def test_r1_r3_an_actuator_that_is_driven_above_its_level_ends_the_session(
    g: Ground, monkeypatch: pytest.MonkeyPatch, actuator: str
) -> None:
    await g.controller.connect()
    await g.run(3.0)
    reports(monkeypatch, **{actuator: (60.0, *ZERO[1:])})
    end = await g.over(within=2.0)
    assert end.cause is Cause.SAFETY
    assert "stronger" in end.text


async def test_r6_an_old_zero_that_confirmed_a_stop_is_taken_back_by_the_level_that_follows_it() -> (
    None
):
    async with weak(peer=AsciiPeer(mute=True)) as (controller, link):
        alarms: list[str] = []
        controller.add_event_listener(
            lambda event: alarms.append(event.text) if event.name == "alarm" else None
        )
        await controller.manual()
        controller.request(SetLevel(10.0))
        await asyncio.sleep(8.0)
        stopping = controller.stop_now()
        link.far.write(b"=0\n")  # it was under way before the level was set
        await stopping
        link.far.write(b"=1\n")
        await asyncio.sleep(2.0)
        assert controller.unconfirmed is not None
        with pytest.raises(OffNotSeen):
            await controller.manual()
        stops = len(link.heard)
        await asyncio.sleep(3.0)
        assert len(link.heard) - stops >= 5
        link.far.write(b"=0\n")
        await asyncio.sleep(1.0)
        assert controller.unconfirmed is None
        assert len(alarms) == 2
        assert "after all" in alarms[1]


async def test_r25_what_was_seen_before_a_stop_clears_nothing_after_it() -> None:
    spec = msgspec.structs.replace(BEST, assurance=Assurance(own_remote=False))
    async with weak(spec, AsciiPeer(mute=True)) as (controller, link):
        await controller.manual()
        attempt = controller.receive(Start(off_seen=True))
        with pytest.raises(StopUnconfirmed):
            await controller.stop()
        with pytest.raises(Refused, match="cancelled"):
            await controller.begin(attempt)
        assert controller.unconfirmed is not None
        stops = len(link.heard)
        await asyncio.sleep(3.0)
        assert len(link.heard) > stops, "the stop is still sent"
