"""The library's face on the embedded simulator; a cancellation at any await ends at zero."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any

import pytest

import massager_ctl
from massager_ctl import (
    Cause,
    Event,
    InputError,
    Massager,
    Phase,
    Refused,
    SimulatedTimeLoop,
    Telemetry,
    connect,
)
from massager_ctl.model.device import DeviceState
from tests.support.marks import simulated_time


def simulate(main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(main)


def test_every_public_name_is_there_and_nothing_else() -> None:
    for name in massager_ctl.__all__:
        assert getattr(massager_ctl, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = massager_ctl.nothing_of_the_kind


@simulated_time
async def test_set_begins_manual_control_and_leaving_the_block_stops() -> None:
    async with connect("sim:") as massager:
        await massager.set("neck_left", 20)
        await massager.motion("knead", "alternate", zone="neck_left")
        await asyncio.sleep(15)
        assert massager.status.actual[2] == 10
        assert massager.status.phase is Phase.RUNNING
    end = await massager.ended()
    assert end.cause is Cause.HOST_CLOSING


@simulated_time
async def test_setting_a_level_after_a_stop_begins_nothing_by_itself() -> None:
    async with connect("sim:") as massager:
        await massager.set("neck_left", 5)
        await asyncio.sleep(3)
        await massager.stop()
        with pytest.raises(Refused, match="you stopped it"):
            await massager.set("neck_left", 5)
        await massager.manual()
        await massager.set("neck_left", 5)
        assert massager.status.phase is Phase.RUNNING


@simulated_time
async def test_play_to_the_end() -> None:
    async with connect("sim:") as massager:
        end = await massager.play("gentle", cap=15)
        assert end.cause is Cause.FINISHED
        assert massager.info.simulated


@simulated_time
async def test_pause_ease_heat_and_fade() -> None:
    async with connect("sim:") as massager:
        await massager.start("restorative")
        await asyncio.sleep(60)
        await massager.pause()
        await asyncio.sleep(1)
        assert not any(massager.status.actual)
        await massager.resume()
        await massager.ease(3)
        await massager.undo()
        await massager.presence()
        await asyncio.sleep(10)
        with pytest.raises(Refused):
            await massager.heat(38)
        await massager.fade()
        assert (await massager.ended()).cause is Cause.PERSON


@simulated_time
async def test_wrong_words_are_input_errors_and_nothing_starts() -> None:
    async with connect("sim:") as massager:
        for zone, percent in (("front", 10), ("nowhere", 10)):
            with pytest.raises(InputError):
                await massager.set(zone, percent)
        assert massager.status.phase is Phase.IDLE
        await massager.manual()
        for percent in (101, -1, float("nan"), True):
            with pytest.raises(InputError):
                await massager.set("neck_left", percent)
        with pytest.raises(InputError, match="percussion"):
            await massager.motion("percussion")
        with pytest.raises(InputError, match="unknown direction"):
            await massager.motion("knead", "sideways")


@simulated_time
async def test_telemetry_and_statuses_are_async_iterators() -> None:
    async with connect("sim:") as massager:
        await massager.set(None, 5)
        heard: list[Telemetry] = []
        async for telemetry in massager.telemetry():
            heard.append(telemetry)
            if len(heard) == 20:
                break
        assert len({telemetry.counter for telemetry in heard}) == 20
        async for status in massager.statuses():
            assert status.phase is Phase.RUNNING
            break


@simulated_time
async def test_events_tell_of_the_devices_button() -> None:
    async with connect("sim:?fault=button@3") as massager:
        events: list[Event] = []

        async def listen() -> None:
            nonlocal events
            async for event in massager.events():
                events += [event]

        listening = asyncio.create_task(listen())
        await massager.set("neck_left", 8)
        end = await massager.ended()
        assert end.cause is Cause.BUTTON
        assert "button" in [event.name for event in events]
        listening.cancel()


class CancelAt:
    """Awaits a coroutine and cancels its task at the `at`-th time that it would wait."""

    def __init__(self, awaited: Awaitable[None], at: int) -> None:
        self._awaited = awaited
        self._at = at
        self.waits = 0

    def __await__(self) -> Generator[Any, None, None]:
        inner = self._awaited.__await__()
        sent: Any = None
        error: BaseException | None = None
        while True:
            try:
                waited = inner.send(sent) if error is None else inner.throw(error)
            except StopIteration:
                return
            error = None
            if self.waits == self._at:
                task = asyncio.current_task()
                assert task is not None
                asyncio.get_running_loop().call_soon(task.cancel)
            self.waits += 1
            try:
                sent = yield waited
            except BaseException as thrown:  # noqa: BLE001 - handed to the coroutine, whatever it is
                error = thrown


async def _use(seen: list[Massager]) -> None:
    async with connect("sim:") as massager:
        seen.append(massager)
        await massager.set("neck_left", 8)
        await asyncio.sleep(0.7)
        await massager.pause()
        await massager.resume()
        await asyncio.sleep(0.7)
        await massager.stop()
        await massager.start("gentle")
        await asyncio.sleep(0.7)


async def _cancelled_at(at: int) -> tuple[int, list[Massager]]:
    seen: list[Massager] = []

    cancelling = CancelAt(_use(seen), at)

    async def awaiting() -> None:
        await cancelling

    task = asyncio.ensure_future(awaiting())
    await asyncio.wait({task})
    assert task.cancelled() or task.exception() is None
    return cancelling.waits, seen


@simulated_time
async def test_a_cancellation_at_each_await_ends_at_zero_and_confirmed() -> None:
    waits, _ = await _cancelled_at(10_000)
    assert waits >= 8
    for at in range(waits):
        _, seen = await _cancelled_at(at)
        for massager in seen:
            telemetry = massager.status.telemetry
            assert telemetry is not None
            assert not massager.status.phase.in_session
            assert telemetry.state is DeviceState.IDLE or not any(telemetry.levels), at


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_in_the_block_stops_the_device(error: type[BaseException]) -> None:
    seen: list[Massager] = []

    async def main() -> None:
        async with connect("sim:") as massager:
            seen.append(massager)
            await massager.set("neck_left", 8)
            await asyncio.sleep(3)
            raise error

    with pytest.raises(error):
        simulate(main())
    assert not seen[0].status.phase.in_session
