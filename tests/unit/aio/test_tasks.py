"""Tasks end for certain, also one that swallows its first cancellation."""

from __future__ import annotations

import asyncio

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.aio.tasks import AGAIN_S, end_all


def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    async def deaf() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(1000)

    async def main() -> float:
        loop = asyncio.get_running_loop()
        finished = asyncio.ensure_future(asyncio.sleep(0))
        tasks = [asyncio.ensure_future(deaf()), asyncio.ensure_future(deaf()), finished]
        await asyncio.sleep(1)
        began = loop.time()
        await end_all(tasks)
        assert all(task.done() for task in tasks)
        return loop.time() - began

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        assert abs(runner.run(main()) - AGAIN_S) < 0.01


def test_nothing_to_end_is_no_work() -> None:
    asyncio.run(end_all([]))
