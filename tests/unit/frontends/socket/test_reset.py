"""A reset over the control socket takes two steps, and nothing may come between them (R7)."""

from __future__ import annotations

import asyncio

import pytest
from tests.e2e.harness import Bench
from tests.e2e.test_unconfirmed_stop import again, break_line
from tests.support.marks import simulated_time
from tests.unit.frontends.socket.served import served

from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.model.device import DeviceState

pytestmark = pytest.mark.usefixtures("runtime")


async def press_button(bench: Bench) -> None:
    bench.device.press()
    await asyncio.sleep(0.2)
    bench.device.release()
    await asyncio.sleep(0.2)


def state(bench: Bench) -> DeviceState | None:
    telemetry = bench.controller.status.telemetry
    return telemetry.state if telemetry else None


@simulated_time
async def test_r7_a_reset_takes_two_steps() -> None:
    async with served() as (bench, _, line):
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        assert (offer["latched"], offer["cause"]) == (True, "button")
        assert state(bench) is DeviceState.LATCHED
        wrong = await line.ask({"request": "reset", "confirm": "guessed"})
        assert wrong["ok"] is False
        assert state(bench) is DeviceState.LATCHED
        offer = await line.ask({"request": "reset"})
        assert (await line.ask({"request": "reset", "confirm": offer["confirm"]}))["ok"] is True
        await asyncio.sleep(0.2)
        assert state(bench) is DeviceState.IDLE
        again = await line.ask({"request": "reset", "confirm": offer["confirm"]})
        assert again["ok"] is False


@simulated_time
async def test_r7_a_second_step_without_a_first_is_refused() -> None:
    async with served() as (bench, _, line):
        await press_button(bench)
        answer = await line.ask({"request": "reset", "confirm": "guessed"})
        assert "was not begun" in answer["error"]["message"]
        assert state(bench) is DeviceState.LATCHED


@simulated_time
async def test_r7_a_new_cause_voids_the_first_step() -> None:
    async with served() as (bench, _, line):
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        await line.ask({"request": "reset", "confirm": offer["confirm"]})
        await asyncio.sleep(0.2)
        await press_button(bench)
        first = await line.ask({"request": "reset"})
        await bench.controller.reset()
        await press_button(bench)
        answer = await line.ask({"request": "reset", "confirm": first["confirm"]})
        assert "something else" in answer["error"]["message"]
        assert state(bench) is DeviceState.LATCHED


@simulated_time
async def test_r7_the_second_step_comes_in_time() -> None:
    async with served() as (bench, _, line):
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        await asyncio.sleep(20)
        assert (await line.ask({"request": "reset", "confirm": offer["confirm"]}))["ok"] is False
        assert state(bench) is DeviceState.LATCHED


@simulated_time
async def test_r7_where_nothing_was_heard_of_the_device_nothing_is_known_to_be_latched() -> None:
    async with served() as (bench, _, line):
        await bench.controller._link.close()
        driver = bench.controller._link.driver
        assert isinstance(driver, ReferenceDriver)
        driver.newest = None
        bench.controller._link.feed.outdated()
        assert bench.controller.status.telemetry is None
        offer = await line.ask({"request": "reset"})
        assert (offer["latched"], offer["latch"], offer["cause"]) == (False, 0, "unknown")


@simulated_time
async def test_r7_where_nothing_is_latched_the_first_step_says_so() -> None:
    async with served() as (_, _, line):
        assert (await line.ask({"request": "reset"}))["latched"] is False


@simulated_time
async def test_r6_a_stop_that_was_not_confirmed_is_the_cause_unless_the_device_has_one() -> None:
    async with served() as (bench, _, line):
        break_line(bench)
        with pytest.raises(StopUnconfirmed):
            await bench.controller.stop()
        await again(bench)
        offer = await line.ask({"request": "reset"})
        assert (offer["latched"], offer["cause"]) == (True, "stop_unconfirmed")
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        assert (offer["latched"], offer["cause"]) == (True, "button")
