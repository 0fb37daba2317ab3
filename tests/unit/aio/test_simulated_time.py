"""Simulated time jumps, scales, and leaves descriptors and threads alone."""

from __future__ import annotations

import asyncio
import itertools
import os
import selectors
import socket
import time
import tty
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from massager_ctl.aio.clock import SystemClock, VirtualClock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.aio.simulated_time import SimulatedTimeLoop


def simulate(main: Callable[[], Coroutine[Any, Any, None]], speed: float = float("inf")) -> float:
    """Run `main` and return the simulated seconds that it took."""
    loop = SimulatedTimeLoop(speed=speed)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    return loop.clock.now


def test_an_hour_passes_at_once() -> None:
    async def main() -> None:
        for _ in range(3600):
            await asyncio.sleep(1)

    began = time.monotonic()
    assert simulate(main) >= 3600
    assert time.monotonic() - began < 60


def test_speed_scales_real_time() -> None:
    async def main() -> None:
        await asyncio.sleep(5)

    began = time.monotonic()
    assert simulate(main, speed=50) >= 5
    assert time.monotonic() - began >= 0.1


def test_many_short_timers_keep_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    wait = selectors.DefaultSelector.select

    def counted(self: selectors.DefaultSelector, timeout: float | None = None) -> Any:
        if timeout:
            waits.append(timeout)
        return wait(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", counted)

    async def main() -> None:
        for _ in range(1500):
            await asyncio.sleep(0.02)

    began = time.monotonic()
    assert simulate(main, speed=100) > 29.9
    assert time.monotonic() - began >= 0.25
    # 0.3 s in all: a system that waits whole milliseconds may not be asked 1,500 times.
    assert len(waits) <= 150
    assert sum(waits) <= 0.31


def test_time_stands_still_while_code_runs() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        sum(range(100_000))
        assert loop.time() == before

    simulate(main)


def test_a_descriptor_is_heard_under_simulated_time() -> None:
    async def main() -> None:
        here, there = socket.socketpair()
        loop = asyncio.get_running_loop()
        heard = loop.create_future()
        loop.add_reader(here, lambda: heard.done() or heard.set_result(here.recv(10)))
        there.send(b"stop")
        assert await heard == b"stop"
        loop.remove_reader(here)
        here.close()
        there.close()

    simulate(main)
    simulate(main, speed=10)


def test_simulated_time_waits_for_bytes_in_flight() -> None:
    """A PTY hands its bytes on by a worker of the system: whoever jumps must not jump past them."""
    master, slave = os.openpty()
    tty.setraw(slave)
    sent = heard = 0

    async def main() -> None:
        nonlocal sent
        loop = asyncio.get_running_loop()
        overtaken: list[float] = []

        def read() -> None:
            nonlocal heard
            heard += len(os.read(master, 4096))

        def look() -> None:
            if sent != heard:
                overtaken.append(loop.time())

        loop.add_reader(master, read)
        for _ in range(200):
            sent += os.write(slave, b"setpoint")
            loop.call_soon(loop.call_soon, look)
            await asyncio.sleep(0.1)
            look()
        assert overtaken == []
        assert heard == 200 * len(b"setpoint")
        loop.remove_reader(master)

    loop = SimulatedTimeLoop(in_flight=lambda: sent != heard)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    os.close(slave)
    os.close(master)
    assert loop.time() >= 20.0


def test_simulated_time_waits_for_a_thread() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(None, time.sleep, 0.02)
        late = loop.call_later(10, work.cancel)
        await work
        assert loop.time() < 10
        late.cancel()

    simulate(main)


def test_the_three_faces_of_the_virtual_clock() -> None:
    clock = VirtualClock(start=5, wall=1000)
    clock.advance(1)
    clock.suspend(100)
    assert (clock.monotonic(), clock.boottime(), clock.wall()) == (6, 106, 1101)
    clock.set_wall(50)
    assert (clock.monotonic(), clock.boottime(), clock.wall()) == (6, 106, 50)


def test_the_system_clock_is_the_systems() -> None:
    clock = SystemClock()
    assert abs(clock.monotonic() - time.monotonic()) < 5
    assert clock.boottime() >= clock.monotonic() - 5
    assert abs(clock.wall() - time.time()) < 5


def test_the_scheduler_calls_each_every_period_with_phases_spread() -> None:
    calls: dict[int, list[float]] = {i: [] for i in range(10)}

    async def main() -> None:
        scheduler = Scheduler()
        tickings = [
            scheduler.every(0.2, lambda now, _late, i=i: calls[i].append(now)) for i in range(10)
        ]
        await asyncio.sleep(2)
        for ticking in tickings:
            ticking.cancel()
        await asyncio.sleep(1)

    simulate(main)
    first = sorted(times[0] for times in calls.values())
    assert all(b - a > 0.005 for a, b in itertools.pairwise(first))
    for times in calls.values():
        assert len(times) == 10
        assert all(abs(b - a - 0.2) < 1e-6 for a, b in itertools.pairwise(times))


def test_the_scheduler_tells_how_late_it_is_and_makes_up_for_nothing() -> None:
    lates: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedTimeLoop)
        ticking = Scheduler().every(0.2, lambda _now, late: lates.append(late))
        await asyncio.sleep(0.5)
        loop.clock.advance(3)
        await asyncio.sleep(0.5)
        ticking.cancel()

    simulate(main)
    assert max(lates) >= 2.6
    assert len(lates) <= 6


def test_a_callback_that_raises_does_not_take_the_others_with_it() -> None:
    calls: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        scheduler = Scheduler()

        def broken(now: float, late: float) -> None:
            raise ZeroDivisionError

        one = scheduler.every(0.2, broken)
        two = scheduler.every(0.2, lambda now, _: calls.append(now))
        await asyncio.sleep(1)
        one.cancel()
        two.cancel()

    simulate(main)
    assert len(calls) == 5
