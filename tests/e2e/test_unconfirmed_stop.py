"""R6: a stop that the device does not confirm is reported on every road, drops the link, and latches until a reset."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from massager_ctl.errors import Refused, StopUnconfirmed
from massager_ctl.frontends.socket.client import Owner
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.model.requests import SetLevel
from massager_ctl.model.status import LinkState
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

pytestmark = simulated_time


class Hole:
    """A link that swallows what is written."""

    def write(self, data: bytes, /) -> None:
        del data

    def close(self) -> None:
        pass


def break_line(bench: Bench) -> None:
    """From now on nothing reaches the device, and the device still talks until its dead-man has acted."""
    assert bench.transport._link is not None
    bench.transport._link = Hole()


async def again(bench: Bench) -> None:
    """Leave, and connect again."""
    with pytest.raises(StopUnconfirmed):
        await bench.controller.close()
    bench.transport.abort()
    await asyncio.sleep(2.0)
    await bench.controller.connect()


async def test_the_link_counts_as_lost_and_nothing_starts_before_a_reset(bench: Bench) -> None:
    await bench.controller.manual(600)
    break_line(bench)
    with pytest.raises(StopUnconfirmed):
        await bench.controller.stop()
    assert bench.controller.status.link is LinkState.LOST
    await again(bench)
    with pytest.raises(Refused, match="not confirmed"):
        await bench.controller.manual(600)
    await bench.controller.reset()
    await bench.controller.manual(600)


async def test_leaving_tells_a_stop_that_nobody_listened_to(bench: Bench) -> None:
    await bench.controller.manual(600)
    break_line(bench)
    await asyncio.wait({bench.controller.stop_now()})
    with pytest.raises(StopUnconfirmed):
        await bench.controller.close()


async def test_leaving_settles_the_ledger_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = bench.admission._store.settle
    settled: list[float] = []

    async def slowly(session: int, delivered_s: float, end_reason: str) -> None:
        await asyncio.sleep(1.0)
        await settle(session, delivered_s, end_reason)
        settled.append(delivered_s)

    monkeypatch.setattr(bench.admission._store, "settle", slowly)
    await bench.controller.manual(600)
    bench.controller.request(SetLevel(10.0))
    await asyncio.sleep(30.0)
    break_line(bench)
    with pytest.raises(StopUnconfirmed):
        await bench.controller.close()
    assert settled
    assert settled[0] >= 30.0


async def test_two_stops_under_way_when_the_line_dies_leave_no_error_that_nobody_read(
    bench: Bench,
) -> None:
    faults: list[object] = []
    bench.loop.set_exception_handler(lambda _, context: faults.append(context))
    await bench.controller.manual(600)
    break_line(bench)
    stops = {bench.controller.stop_now(), bench.controller.stop_now()}
    await asyncio.sleep(0.2)  # each is sent again by now
    bench.driver.abort()
    await asyncio.wait(stops)
    stops.clear()
    await asyncio.sleep(0.1)
    assert not faults


async def test_r7_the_control_socket_clears_it_in_two_steps_and_a_new_one_voids_that(
    bench: Bench, runtime_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))

    async def unconfirmed(bench: Bench) -> None:
        break_line(bench)
        with pytest.raises(StopUnconfirmed):
            await bench.controller.stop()
        await again(bench)

    await bench.controller.manual(600)
    async with ControlServer(bench.controller, "sim:test") as server:
        await unconfirmed(bench)
        with Owner(server.path) as person:
            offer = await asyncio.to_thread(person.ask, {"request": "reset"})
            assert offer["latched"]
            assert offer["cause"] == "stop_unconfirmed"
            await unconfirmed(bench)
            confirm = {"request": "reset", "confirm": offer["confirm"]}
            refused = await asyncio.to_thread(person.ask, confirm)
            assert refused["error"]["code"] == "refused"
            offer = await asyncio.to_thread(person.ask, {"request": "reset"})
            confirm = {"request": "reset", "confirm": offer["confirm"]}
            assert (await asyncio.to_thread(person.ask, confirm))["ok"]
        assert bench.controller.unconfirmed is None
