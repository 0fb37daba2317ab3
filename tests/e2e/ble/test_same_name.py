"""Two Bluetooth devices of one name: none of them is taken before a person has chosen."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.ble.host import on_radio
from firmware_sim.links.ble.peripheral import BlePeripheral
from firmware_sim.links.memory import build_device
from firmware_sim.options import parse_options
from massager_ctl.errors import ExitCode, SeveralDevices
from massager_ctl.testing.transports import Recorder
from massager_ctl.transports.address import BleAddress, parse_address
from massager_ctl.transports.ble import BleTransport
from tests.e2e.ble.harness import BleBench, opened_ble
from tests.support.marks import simulated_time


@asynccontextmanager
async def another_of_that_name(bench: BleBench) -> AsyncGenerator[SimulatedDevice]:
    device = build_device(parse_options(""))
    host = on_radio(bench.lab.radio, "another", "F0:F1:F2:F3:F4:F6")
    peripheral = BlePeripheral(device, host, "Massager")
    await peripheral.start()
    try:
        yield device
    finally:
        await peripheral.close()
        device.close()


@simulated_time
async def test_they_are_listed_with_address_and_signal_and_refused_until_one_is_chosen() -> None:
    async with opened_ble(connect=False) as bench:
        async with another_of_that_name(bench):
            began = bench.loop.time()
            with pytest.raises(SeveralDevices, match="2 devices here have the name Mass") as caught:
                await bench.ble.open(Recorder())
            assert bench.loop.time() - began <= 2
            for address in ("F0:F1:F2:F3:F4:F5", "F0:F1:F2:F3:F4:F6"):
                assert f"{address} (signal -50 dBm)" in caught.value.message
            assert caught.value.found == ("ble:F0:F1:F2:F3:F4:F5", "ble:F0:F1:F2:F3:F4:F6")
            assert caught.value.exit_code is ExitCode.USAGE
            assert bench.lab.peripheral.hosts == 0, "none of them was connected to"
            chosen = parse_address(caught.value.found[1])
            assert isinstance(chosen, BleAddress)
            other = BleTransport(chosen, bench.lab.open_radio)
            await other.open(Recorder())
            assert bench.lab.peripheral.hosts == 0
            await other.close()
        await bench.ble.open(Recorder())
        assert bench.lab.peripheral.hosts == 1, "alone, the name is enough"
        await bench.ble.close()
