"""How many devices one process drives at 10 Hz with every confirmation in time, governor, envelope and telemetry on."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median

from bench.figures import Row, Scale, at_least, at_most, exponent, percentile
from bench.fleet import Fleet
from bench.peers import modbus
from bench.peers.modbus_fleet import ModbusFleet
from bench.processes import child

NUMBER = 4
TITLE = "devices in one process at 10 Hz, p99 of the confirmation within 5 ms"

IN_TIME_MS = 5.0
SIZES = (100, 200, 300, 400, 600, 800, 1000)
GROWTH = (100, 600)
COMPARED = 100
"""Devices at which the processor time of a command is compared: both sides hold it."""
SYSTEM = "both hand each command to the system separately, and that costs half of it"
WINDOWS = 7
WINDOW_S = 0.4


@dataclass(frozen=True, slots=True)
class Drive:
    """One number of devices: the median over the windows of their p99, and processor time a command."""

    p99_ms: float
    cpu_us: float
    rate: float

    @property
    def holds(self) -> bool:
        return self.p99_ms <= IN_TIME_MS and self.rate > 9.0


def measure(scale: Scale) -> Row:
    sizes = SIZES if scale.part >= 1 else (4, 8)
    ours, theirs = _ladder(scale, sizes, Fleet), dict[int, Drive]()
    if modbus.installed():
        theirs = _ladder(scale, sizes, ModbusFleet)
    small = COMPARED if scale.part >= 1 else sizes[0]
    growth = [size for size in GROWTH if size in ours]
    return Row(
        NUMBER,
        TITLE,
        (
            at_least("devices over pymodbus", _over(_most(ours), _most(theirs)), 3.0, why=SYSTEM),
            at_most(
                "CPU a command over pymodbus",
                ours[small].cpu_us / theirs[small].cpu_us if theirs else None,
                0.65,
                why=SYSTEM,
            ),
            at_most(
                "exponent of CPU, 100 to 600",
                exponent(growth, [ours[n].cpu_us * n for n in growth]) if len(growth) > 1 else None,
                1.05,
                "",
            ),
        ),
        {
            "ours_devices": _most(ours),
            "pymodbus_devices": _most(theirs),
            **_figures("ours", ours),
            **_figures("pymodbus", theirs),
        },
    )


def _ladder(
    scale: Scale, sizes: tuple[int, ...], side: type[Fleet] | type[ModbusFleet]
) -> dict[int, Drive]:
    """Up to the first number that does not hold, and the numbers that the growth is worked out from."""
    found: dict[int, Drive] = {}
    lost = False
    for size in sizes:
        if lost and not (side is Fleet and size in GROWTH):
            continue
        found[size] = asyncio.run(_drive(scale, side, size))
        lost = lost or not found[size].holds
    return found


async def _drive(scale: Scale, side: type[Fleet] | type[ModbusFleet], size: int) -> Drive:
    own = side is Fleet
    async with AsyncExitStack() as stack:
        server = stack.enter_context(
            child("bench.children.fleet")
            if own
            else child("bench.peers.modbus_server", "tcp", "plain")
        )
        fleet = side(server.ready, size)
        await fleet.connect(stack)
        await fleet.play()
        await asyncio.sleep(0.3)
        began, cpu = time.perf_counter(), time.process_time()
        # Sorted when all is over: what falls due while a window is worked out would be late by that.
        windows = [
            await fleet.delays(WINDOW_S)
            for _ in range(max(1, round(WINDOWS * min(1.0, scale.part * 10))))
        ]
        spent, took = time.process_time() - cpu, time.perf_counter() - began
        if isinstance(fleet, ModbusFleet):
            await fleet.stop()
        else:
            await asyncio.gather(*(controller.stop() for controller in fleet.controllers))
    count = sum(map(len, windows))
    p99s = [percentile(delays, 99) if delays else float("inf") for delays in windows]
    return Drive(median(p99s), spent / max(1, count) * 1e6, count / took / size)


def _most(ladder: dict[int, Drive]) -> int:
    """The largest number up to which all hold."""
    most = 0
    for size, drive in ladder.items():
        if not drive.holds:
            break
        most = size
    return most


def _over(ours: int, theirs: int) -> float | None:
    return ours / theirs if theirs else None


def _figures(name: str, ladder: dict[int, Drive]) -> dict[str, float]:
    return {
        **{f"{name}_{size}_p99_ms": drive.p99_ms for size, drive in ladder.items()},
        **{f"{name}_{size}_cpu_us": drive.cpu_us for size, drive in ladder.items()},
    }
