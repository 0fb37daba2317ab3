"""What a simulated device takes up in a process that it shares with others: row 9 of the benchmark aims at 8 kB."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from itertools import pairwise

from firmware_sim.core import Core
from firmware_sim.links.memory import open_simulator

DEVICES = 20
DEVICE_BYTES = 11_500
"""10.9 kB on CPython 3.11 when this was written."""


async def _bytes_each() -> float:
    open_simulator(seed=DEVICES).close()
    gc.collect()
    tracemalloc.start()
    try:
        devices = [open_simulator(seed=number) for number in range(DEVICES)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for device in devices:
        device.close()
    return taken / DEVICES


def test_a_simulated_device_does_not_grow_unseen() -> None:
    assert 0.5 * DEVICE_BYTES < asyncio.run(_bytes_each()) <= DEVICE_BYTES


def test_the_core_has_no_dictionary_of_its_own() -> None:
    """One class without slots on the way to it would bring the dictionary back, and 1.5 kB a device with it."""
    for below, above in pairwise(Core.__mro__[:-1]):
        assert "__slots__" in vars(below), below
        assert "__slots__" in vars(above), above
