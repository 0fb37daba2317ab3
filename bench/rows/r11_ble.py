"""A setpoint from the call to the device, over a whole Bluetooth stack on a virtual radio, beside a bare GATT write."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from bench.figures import Rounds, Row, Scale, at_most, ratio
from bench.own import Ear
from bench.peers import bare_gatt
from bench.rows.r03_setpoint import SETPOINTS
from firmware_sim.device import SimulatedDevice
from firmware_sim.firmware import Firmware
from firmware_sim.links.ble.lab import BleLab
from firmware_sim.options import parse_options
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.model.device import Cause
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport

NUMBER = 11
TITLE = "setpoint to device, BLE on a virtual radio"


class Arrivals(SimulatedDevice):
    """Notes when bytes reached the firmware."""

    last_ns = 0
    arrived: asyncio.Event | None = None

    def feed(self, link: int, data: bytes) -> None:
        self.last_ns = time.perf_counter_ns()
        if self.arrived is not None:
            self.arrived.set()
        super().feed(link, data)


def measure(scale: Scale) -> Row:
    return asyncio.run(_measure(scale))


async def _measure(scale: Scale) -> Row:
    ours, bare = Rounds(), Rounds()
    options = parse_options("")
    now = asyncio.get_running_loop().time()
    device = Arrivals(Firmware(options.config, options.nvm, 0, now=now))
    async with AsyncExitStack() as stack:
        lab = BleLab(device)
        stack.push_async_callback(lab.close)
        await lab.start()
        await lab.open_pairing()
        driver = ReferenceDriver(BleTransport(BleAddress("Massager"), lab.open_radio))
        stack.push_async_callback(driver.close)
        await driver.open(Ear())
        writer = await bare_gatt.BareWriter.make(stack)
        for _ in range(scale.rounds):
            ours.add(await _setpoints(driver, device, scale.of(150)))
            bare.add(await writer.writes(scale.of(150)))
    return Row(
        NUMBER,
        TITLE,
        (at_most("over a bare GATT write", ratio(ours, bare), 2.0),),
        {
            "ours_p50_us": ours.p(50),
            "ours_p99_us": ours.p(99),
            "bare_p50_us": bare.p(50),
            "bare_p99_us": bare.p(99),
        },
    )


async def _setpoints(driver: ReferenceDriver, device: Arrivals, count: int) -> list[float]:
    """Microseconds each."""
    await driver.read_info()
    await driver.arm(50.0, 900)
    took: list[float] = []
    for number in range(count):
        device.arrived = asyncio.Event()
        began = time.perf_counter_ns()
        driver.send(SETPOINTS[number & 1])
        await device.arrived.wait()
        took.append((device.last_ns - began) / 1000)
        await asyncio.sleep(0.002)
    device.arrived = None
    await driver.stop(Cause.PERSON)
    await asyncio.sleep(0.05)
    return took
