"""A controller and the simulated device on one event loop, under simulated time, by real bytes."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from firmware_sim.config import DeviceConfig
from firmware_sim.device import SimulatedDevice
from firmware_sim.firmware import Firmware
from firmware_sim.links.memory import Simulator, open_simulator
from firmware_sim.nvm import MemoryNvm
from firmware_sim.trace import Trace
from firmware_sim.trace_rules import read_trace
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.status import Event
from massager_ctl.profile.format.load import load_profile
from massager_ctl.transports.in_process import SimTransport
from tests.support.marks import running_loop


@dataclass
class Bench:
    """All that a test may want to reach."""

    loop: SimulatedTimeLoop
    transport: SimTransport
    driver: ReferenceDriver
    controller: Controller
    admission: AdmissionPolicy
    trace_file: io.StringIO
    events: list[Event] = field(default_factory=list[Event])

    @property
    def device(self) -> SimulatedDevice:
        """The simulated device itself: its button, its plugs, its firmware."""
        simulator = self.transport.simulator
        assert isinstance(simulator, Simulator)
        return simulator.device

    @property
    def trace(self) -> list[dict[str, Any]]:
        """What the actuators did so far."""
        return read_trace(self.trace_file.getvalue().splitlines())

    @property
    def out(self) -> dict[str, float]:
        """The levels of the last sample."""
        return next(line for line in reversed(self.trace) if line["type"] == "sample")["out"]

    def heard(self, name: str) -> bool:
        return any(event.name == name for event in self.events)

    async def end(self) -> None:
        """Close what is open; what the test looks at afterwards is the whole of it."""
        if self.transport.simulator is not None:
            with contextlib.suppress(StopUnconfirmed):  # a test that is about it has seen it
                await self.controller.close()
        self.transport.end()

    async def play(self, profile: str = "restorative", after_s: float = 0.0) -> None:
        """Start a shipped profile and let `after_s` seconds of it pass."""
        await self.controller.play(load_profile(profile))
        await asyncio.sleep(after_s)


@asynccontextmanager
async def opened(
    options: str = "", *, connect: bool = True, config: DeviceConfig | None = None
) -> AsyncGenerator[Bench]:
    """A bench on the running loop of simulated time; what is left open is closed."""
    bench = make_bench(running_loop(), options, config)
    try:
        if connect:
            await bench.controller.connect()
        yield bench
    finally:
        await bench.end()


def make_bench(
    loop: SimulatedTimeLoop, options: str = "", config: DeviceConfig | None = None
) -> Bench:
    """A bench with nothing connected yet. `options`: as behind `sim:?`; `config`: another device instead."""
    trace = io.StringIO()

    def opened(options: str, /, **_: Any) -> Simulator:
        if config is None:
            return open_simulator(options, trace=trace)
        recorder = Trace(trace, device=config.serial)
        firmware = Firmware(config, MemoryNvm(), 0, now=loop.time(), recorder=recorder)
        return Simulator(SimulatedDevice(firmware, trace=recorder), None)

    def find() -> Any:
        return opened

    transport = SimTransport(options, find=find)
    driver = ReferenceDriver(transport)
    store = MemoryStore(ClockReader(loop.clock, boot="test"))
    admission = AdmissionPolicy(
        store, load(), ClockReader(loop.clock, boot="test"), subject=Subject.EMBEDDED
    )
    controller = Controller(driver, admission, clock=loop.clock)
    bench = Bench(loop, transport, driver, controller, admission, trace)
    controller.add_event_listener(bench.events.append)
    return bench
