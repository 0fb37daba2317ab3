"""Connecting and disconnecting over BLE again and again leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

from massager_ctl.testing.transports import Recorder
from tests.e2e.ble.harness import BleBench, opened_ble
from tests.support.marks import simulated_time

CYCLES = 200
WARM_UP = 50
PAGE = 4096


def resident() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def cycle(bench: BleBench, number: int) -> None:
    await bench.ble.open(Recorder())
    bench.ble.write(b"not a frame")
    if number % 3 == 0:
        bench.ble.abort()
    elif number % 3 == 1:
        bench.lab.radio.drop()
    await bench.ble.close()
    await asyncio.sleep(0.3)


@simulated_time
async def test_200_cycles_leak_no_task_no_memory_and_no_descriptor() -> None:
    async with opened_ble(connect=False) as bench:
        for number in range(WARM_UP):
            await cycle(bench, number)
        tasks, files, memory = len(asyncio.all_tasks()), descriptors(), resident()
        for number in range(CYCLES):
            await cycle(bench, number)
        assert len(asyncio.all_tasks()) <= tasks
        assert descriptors() <= files
        grown = resident() - memory
        assert grown <= 2_000_000, f"{grown} bytes more after {CYCLES} cycles"
        assert bench.lab.peripheral.hosts == 0
