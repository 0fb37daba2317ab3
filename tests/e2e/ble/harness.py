"""A controller and the simulated device on one event loop, under simulated time, over a virtual BLE radio."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from firmware_sim.config import DeviceConfig
from firmware_sim.device import SimulatedDevice
from firmware_sim.links.ble.bleak_backend import MTU
from firmware_sim.links.ble.lab import BleLab
from firmware_sim.links.ble.radio import AirQuality
from firmware_sim.links.memory import build_device
from firmware_sim.options import parse_options
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport
from tests.e2e.harness import Bench
from tests.support.marks import running_loop


@dataclass
class BleBench(Bench):
    """A bench whose link is BLE."""

    lab: BleLab = field(kw_only=True)
    ble: BleTransport = field(kw_only=True)

    async def end(self) -> None:
        """Close what is open, the radio too."""
        self.lab.radio.clear()
        # Closing says again that a stop was never confirmed; that is for the test to expect.
        with contextlib.suppress(StopUnconfirmed):
            await self.controller.close()
        await self.ble.close()
        await self.lab.close()

    @property
    def device(self) -> SimulatedDevice:
        return self.lab.device


def make_ble_bench(
    loop: SimulatedTimeLoop,
    options: str = "",
    *,
    air: AirQuality | None = None,
    mtu: int = MTU,
    seed: int = 0,
    config: DeviceConfig | None = None,
) -> BleBench:
    """A bench with nothing connected yet, on the running loop. `config`: another device instead."""
    trace = io.StringIO()
    described = parse_options(options)
    if config is not None:
        described.config = config
    lab = BleLab(build_device(described, trace=trace), air=air, mtu=mtu, seed=seed)
    transport = BleTransport(BleAddress("Massager"), lab.open_radio)
    driver = ReferenceDriver(transport)
    store = MemoryStore(ClockReader(loop.clock, boot="test"))
    admission = AdmissionPolicy(
        store, load(), ClockReader(loop.clock, boot="test"), subject=Subject.EMBEDDED
    )
    controller = Controller(driver, admission, clock=loop.clock)
    bench = BleBench(
        loop, cast("Any", None), driver, controller, admission, trace, lab=lab, ble=transport
    )
    controller.add_event_listener(bench.events.append)
    return bench


@asynccontextmanager
async def opened_ble(
    options: str = "", *, paired: bool = True, connect: bool = True, **more: Any
) -> AsyncGenerator[BleBench]:
    """A bench over a virtual radio, on the running loop of simulated time; what is left open is closed."""
    bench = make_ble_bench(running_loop(), options, **more)
    await bench.lab.start()
    try:
        if paired:
            await bench.lab.open_pairing()
        if connect:
            await bench.controller.connect()
        yield bench
    finally:
        await bench.end()
        # Let the last callbacks of the Bluetooth stack run out.
        await asyncio.sleep(1)
