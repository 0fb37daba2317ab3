"""How long a stop over BLE takes, from the request to the motors at zero, on the virtual radio in one process.

    python bench/ble_stop.py [--samples 200]

The way is bleak, bumble's host, its controllers and the simulated device, and back.
The claim: p99 of the request to zero ≤ 20 ms. A real radio adds its connection interval, 15 to 30 ms, to each way.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time

from firmware_sim.links.ble.lab import BleLab
from firmware_sim.links.memory import build_device
from firmware_sim.options import parse_options
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import MassagerError
from massager_ctl.model.device import Cause, Setpoint, Telemetry
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport

BOUND_S = 0.020
LEVELS = (5.0, 5.0, 5.0, 5.0, 5.0, 5.0)


class Ignore:
    """Hears everything and does nothing."""

    def telemetry_received(self, telemetry: Telemetry) -> None: ...

    def driver_lost(self, error: MassagerError) -> None:
        print(error)


async def measure(samples: int) -> tuple[list[float], list[float]]:
    """Seconds from the request to zero, and to the confirmation."""
    lab = BleLab(build_device(parse_options("")))
    await lab.start()
    await lab.open_pairing()
    driver = ReferenceDriver(BleTransport(BleAddress("Massager"), lab.open_radio))
    began = time.perf_counter()
    await driver.open(Ignore())
    print(f"find, connect and pair: {(time.perf_counter() - began) * 1e3:.0f} ms")
    core, feed = lab.device.firmware.core, lab.device.feed
    reached: list[float] = []

    def watched(link: int, data: bytes) -> None:
        feed(link, data)
        if not any(core.levels.level):
            reached.append(time.perf_counter())

    zero: list[float] = []
    confirmed: list[float] = []
    for _ in range(samples):
        await asyncio.sleep(0.15)
        await driver.arm(20.0, 600)
        for _ in range(2):
            driver.send(Setpoint(LEVELS))
            await asyncio.sleep(0.1)
        assert any(core.levels.level), "it moves before it is stopped"
        reached.clear()
        lab.device.feed = watched
        asked = time.perf_counter()
        await driver.stop(Cause.PERSON)
        confirmed.append(time.perf_counter() - asked)
        zero.append(reached[0] - asked)
        lab.device.feed = feed
    await driver.close()
    await lab.close()
    return zero, confirmed


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[max(0, int(len(seconds) * 0.99) - 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--samples", type=int, default=200)
    zero, confirmed = asyncio.run(measure(parser.parse_args().samples))
    for name, seconds in (("request → zero", zero), ("request → confirmed", confirmed)):
        middle, worst = statistics.median(seconds), max(seconds)
        print(
            f"{name}: p50 {middle * 1e3:.2f} ms, p99 {p99(seconds) * 1e3:.2f} ms, max {worst * 1e3:.2f} ms"
        )
    held = p99(zero) <= BOUND_S
    print(f"p99 ≤ {BOUND_S * 1e3:.0f} ms: {'holds' if held else 'DOES NOT HOLD'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
