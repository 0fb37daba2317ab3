"""1,000 ramps at 20 Hz in one process: the scheduler that drives all controllers, beside a task for each."""

from __future__ import annotations

import asyncio
import time

from bench.figures import Rounds, Row, Scale, at_most, ratio
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.safety.envelope import envelope

NUMBER = 6
TITLE = "1,000 ramps at 20 Hz, tick lateness"

RAMPS = 1000
PERIOD_S = 0.05
RUN_S = 2.0


class Ramp:
    """What is worked out in a tick: a level under the envelope. `late` collects milliseconds."""

    def __init__(self, late: list[float]) -> None:
        self._late = late
        self._running_s = 0.0
        self.level = 0.0

    def tick(self, now: float, late: float) -> None:
        self._running_s += PERIOD_S
        self.level = min(self.level + PERIOD_S, envelope(self._running_s, 40.0, 300.0))
        self._late.append(late * 1000)


def measure(scale: Scale) -> Row:
    ramps = scale.of(RAMPS)
    wheel, tasks, wheel_cpu, tasks_cpu = Rounds(), Rounds(), Rounds(), Rounds()
    for _ in range(scale.rounds):
        for run, late, cpu in ((by_scheduler, wheel, wheel_cpu), (by_tasks, tasks, tasks_cpu)):
            began = time.process_time()
            late.add(asyncio.run(run(ramps, max(0.2, scale.part * RUN_S))))
            cpu.add([(time.process_time() - began) / max(0.2, scale.part * RUN_S) * 100])
    return Row(
        NUMBER,
        TITLE,
        (
            at_most("p99 over a task each", ratio(wheel, tasks, 99), 1.5),
            at_most("CPU over a task each", ratio(wheel_cpu, tasks_cpu), 0.5),
        ),
        {
            "ours_p99_ms": wheel.p(99),
            "tasks_p99_ms": tasks.p(99),
            "ours_cpu_percent": wheel_cpu.p(50),
            "tasks_cpu_percent": tasks_cpu.p(50),
        },
    )


async def by_scheduler(ramps: int, seconds: float) -> list[float]:
    late: list[float] = []
    scheduler = Scheduler()
    ticking = [scheduler.every(PERIOD_S, Ramp(late).tick) for _ in range(ramps)]
    await asyncio.sleep(seconds)
    for one in ticking:
        one.cancel()
    await asyncio.sleep(2 * PERIOD_S)
    return late


async def by_tasks(ramps: int, seconds: float) -> list[float]:
    """The floor: each ramp sleeps until its own time, phases spread evenly."""
    late: list[float] = []
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(number: int) -> None:
        ramp, due = Ramp(late), began + PERIOD_S * (1 + number / ramps)
        while due < began + seconds:
            await asyncio.sleep(due - loop.time())
            ramp.tick(due, loop.time() - due)
            due += PERIOD_S

    await asyncio.gather(*(one(number) for number in range(ramps)))
    return late
