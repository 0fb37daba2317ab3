"""What a start, a controller, a simulated device and an idle connection cost."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import subprocess
import sys
import time
import tracemalloc
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from bench import own
from bench.figures import Rounds, Row, Scale, at_least, at_most, ratio
from bench.processes import child
from firmware_sim.links.memory import Simulator, open_simulator
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.transports.in_process import OpenSimulator, SimTransport

NUMBER = 9
TITLE = "footprint"

PYTHON = (sys.executable, "-c", "pass")
COMMAND = Path(sys.executable).with_name("massager-ctl")
KASA = Path(sys.executable).with_name("kasa")
DEVICES = 100
IDLE_S = 1.0


def measure(scale: Scale) -> Row:
    bare, help_, stop, kasa = Rounds(), Rounds(), Rounds(), Rounds()
    with child("bench.children.owner"):
        for _ in range(scale.rounds):
            bare.add([_milliseconds(*PYTHON) for _ in range(scale.of(5))])
            help_.add([_milliseconds(str(COMMAND), "--help") for _ in range(scale.of(5))])
            stop.add([_milliseconds(str(COMMAND), "stop") for _ in range(scale.of(5))])
            if importlib.util.find_spec("kasa"):
                kasa.add([_milliseconds(str(KASA), "--help")])
    controller_kb, device_kb = asyncio.run(_memory(scale.of(DEVICES, 10)))
    idle = asyncio.run(_idle(scale))
    return Row(
        NUMBER,
        TITLE,
        (
            at_most("--help over bare Python", ratio(help_, bare), 6.0),
            at_most("stop over bare Python", ratio(stop, bare), 3.0),
            at_least("kasa's --help over ours", ratio(kasa, help_), 1.0),
            at_most("a device controller", controller_kb, 12.0, "kB"),
            at_most("a simulated device", device_kb, 8.0, "kB"),
            at_most("CPU connected and idle", idle, 0.3, "%"),
        ),
        {
            "bare_python_ms": bare.p(50),
            "help_ms": help_.p(50),
            "stop_ms": stop.p(50),
            **({"kasa_help_ms": kasa.p(50)} if kasa.of else {}),
        },
    )


def _milliseconds(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


async def _memory(count: int) -> tuple[float, float]:
    """kB of a connected controller with its driver and transport, and of the simulated device behind it."""
    scheduler = Scheduler()
    admission = own.admission()  # one ledger for all, as for the devices of one person
    warm = SimTransport()
    first = Controller(ReferenceDriver(warm), admission, scheduler=scheduler)
    await first.connect()
    gc.collect()
    tracemalloc.start()
    simulators = [open_simulator(seed=number) for number in range(count)]
    devices = tracemalloc.get_traced_memory()[0]
    controllers: list[Controller] = []
    for simulator in simulators:

        def find(simulator: Simulator = simulator) -> OpenSimulator:
            def opened(
                _: str, /, *, trace_path: Path | None, profile: str | None, seed: int
            ) -> Simulator:
                return simulator

            return opened

        driver = ReferenceDriver(SimTransport(find=find))
        controllers.append(Controller(driver, admission, scheduler=scheduler))
    for controller in controllers:
        await controller.connect()
    await asyncio.sleep(0.3)
    gc.collect()
    all_of_it = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    for controller in (*controllers, first):
        await controller.close()
    for simulator in simulators:
        simulator.close()
    warm.end()
    return (all_of_it - devices) / count / 1000, devices / count / 1000


async def _idle(scale: Scale) -> float:
    """Percent of one core that this process needs to stay connected to a device on a PTY."""
    spent: list[float] = []
    async with AsyncExitStack() as stack:
        await own.on_pty(stack)
        for _ in range(scale.rounds):
            began, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(IDLE_S)
            spent.append((time.process_time() - cpu) / (time.perf_counter() - began) * 100)
    return median(spent)
