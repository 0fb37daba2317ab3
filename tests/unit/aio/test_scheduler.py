"""R24: the one timer tells each callback how late it is, makes up for nothing, and outlives a callback that fails."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.support.marks import simulated_time

from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.aio.simulated_time import SimulatedTimeLoop


@simulated_time
async def test_every_period_and_never_late_on_an_idle_loop() -> None:
    calls: list[tuple[float, float]] = []
    scheduler = Scheduler()
    scheduler.every(0.2, lambda now, late: calls.append((now, late)))
    await asyncio.sleep(2.0)
    assert len(calls) == 10
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(calls)]
    assert gaps == pytest.approx([0.2] * 9)
    assert [late for _, late in calls] == pytest.approx([0.0] * 10)


@simulated_time
async def test_r24_a_blocked_loop_is_told_and_not_made_up_for() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedTimeLoop)
    calls: list[tuple[float, float]] = []
    ticking = Scheduler().every(0.2, lambda now, late: calls.append((now, late)))
    await asyncio.sleep(1.0)
    due = ticking.due
    calls.clear()
    loop.clock.advance(due + 1.0 - loop.time())
    await asyncio.sleep(0.001)
    assert calls == [(pytest.approx(due + 1.0), pytest.approx(1.0))]
    assert ticking.due == pytest.approx(due + 1.2), "from now on, and not five at once"
    await asyncio.sleep(0.18)
    assert len(calls) == 1


@simulated_time
async def test_a_little_late_keeps_its_phase() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedTimeLoop)
    ticking = Scheduler().every(0.2, lambda now, late: None)
    await asyncio.sleep(1.0)
    due = ticking.due
    loop.clock.advance(due + 0.05 - loop.time())
    await asyncio.sleep(0.001)
    assert ticking.due == pytest.approx(due + 0.2)


@simulated_time
async def test_a_callback_that_fails_takes_nobody_with_it() -> None:
    loop = asyncio.get_running_loop()
    failures: list[object] = []
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    calls: list[float] = []
    scheduler = Scheduler()

    def fails(now: float, late: float) -> None:
        raise RuntimeError("broken")

    scheduler.every(0.2, fails)
    scheduler.every(0.2, lambda now, late: calls.append(now))
    await asyncio.sleep(2.0)
    assert len(calls) == 10
    assert len(failures) == 10


@simulated_time
async def test_cancelled_is_called_no_more_and_leaves_the_others() -> None:
    calls: list[str] = []
    scheduler = Scheduler()
    first = scheduler.every(0.2, lambda now, late: calls.append("first"))
    scheduler.every(0.2, lambda now, late: calls.append("second"))
    await asyncio.sleep(1.0)
    first.cancel()
    calls.clear()
    await asyncio.sleep(1.0)
    assert set(calls) == {"second"}
    assert len(calls) == 5


@simulated_time
async def test_the_last_one_cancelled_leaves_no_timer() -> None:
    calls: list[float] = []
    scheduler = Scheduler()
    only = scheduler.every(0.2, lambda now, late: calls.append(now))
    await asyncio.sleep(0.5)
    only.cancel()
    await asyncio.sleep(1.0)
    count = len(calls)
    scheduler.every(0.1, lambda now, late: calls.append(now))
    await asyncio.sleep(0.5)
    assert len(calls) == count + 5


@simulated_time
async def test_a_thousand_phases_are_spread() -> None:
    loop = asyncio.get_running_loop()
    scheduler = Scheduler()
    dues = sorted(
        scheduler.every(0.2, lambda now, late: None).due - loop.time() for _ in range(1000)
    )
    gaps = [after - before for before, after in itertools.pairwise(dues)]
    assert dues[0] >= 0
    assert dues[-1] <= 0.2
    assert max(gaps) < 0.2 / 1000 * 3
