"""A simulated device and a host on one virtual radio, in this process: for tests, demonstrations and measurements."""

from __future__ import annotations

import asyncio
from typing import Final

from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.ble.bleak_backend import MTU, Central
from firmware_sim.links.ble.host import on_radio
from firmware_sim.links.ble.peripheral import ADDRESS, BlePeripheral
from firmware_sim.links.ble.radio import AirQuality, VirtualRadio
from massager_fw.button import CLEAR_HOLD_MS, PAIR_HOLD_MS, RELEASE_MS

HOST_ADDRESS: Final = "E6:F1:F2:F3:F4:01"
MARGIN_S: Final = 0.1


class SharedRadio:
    """A central's back ends for one user of several: closing it closes nothing."""

    def __init__(self, central: Central) -> None:
        self.client: type[BaseBleakClient] = central.client
        self.scanner: type[BaseBleakScanner] = central.scanner

    async def close(self) -> None:
        """The central goes on."""


class BleLab:
    """`start` it, give `open_radio` to whatever connects, and `close` it at the end."""

    def __init__(
        self,
        device: SimulatedDevice,
        *,
        air: AirQuality | None = None,
        seed: int = 0,
        name: str = "Massager",
        mtu: int = MTU,
    ) -> None:
        self.device = device
        self.radio = VirtualRadio(air, seed)
        self.peripheral = BlePeripheral(device, on_radio(self.radio, name, ADDRESS), name)
        self.central = Central(on_radio(self.radio, "host", HOST_ADDRESS), mtu)

    async def start(self) -> None:
        """Let the device advertise."""
        await self.peripheral.start()

    async def open_radio(self) -> SharedRadio:
        """Back ends for bleak that stand on this lab's host."""
        return SharedRadio(self.central)

    def another_host(self, number: int) -> Central:
        """One more host with its own address, 2 to 99."""
        address = f"{HOST_ADDRESS[:-2]}{number:02d}"
        return Central(on_radio(self.radio, f"host {number}", address))

    async def open_pairing(self) -> None:
        """Hold the button as a person does: 5 s to open pairing, then 2 s to clear the latch that a press sets."""
        for hold_ms in (PAIR_HOLD_MS, CLEAR_HOLD_MS):
            self.device.press()
            await asyncio.sleep(hold_ms / 1000 + MARGIN_S)
            self.device.release()
            await asyncio.sleep(RELEASE_MS / 1000 + MARGIN_S)

    async def close(self) -> None:
        """Everything goes; the device is switched off."""
        await self.peripheral.close()
        await self.central.close()
        self.device.close()
