"""What a person does to the device: through the simulator's own switches, or by asking somebody to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from firmware_sim.device import SimulatedDevice
from firmware_sim.fault_list import apply_fault
from firmware_sim.hil.client import Client
from firmware_sim.hil.model import CannotMeasure, Need

PRESSED: Final = 1
CHARGING: Final = 4
PATIENCE_S: Final = 60.0
"""How long a person may take."""


class Hands(Protocol):
    """Acts on the device itself. `can` says which needs they meet."""

    can: frozenset[Need]

    async def press(self, client: Client) -> None:
        """The button is down when this returns."""
        ...

    async def release(self, client: Client) -> None:
        """The button is up, and counts as released, when this returns."""
        ...

    async def power_cycle(self, client: Client) -> None:
        """The device has been reset when this returns. On a real one the link is lost by it."""
        ...

    async def plug_in(self, client: Client) -> None:
        """The charger is plugged in when this returns."""
        ...

    async def fault(self, spec: str) -> None:
        """The fault of `massager-sim faults` is there when this returns."""
        ...


class SimulatedHands:
    """Reaches into a simulated device in this process."""

    can: frozenset[Need] = frozenset(Need)

    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device

    async def press(self, client: Client) -> None:
        """The contact closes."""
        client.mark("button down")
        self._device.press()

    async def release(self, client: Client) -> None:
        """The contact opens; 50 ms later the button counts as released."""
        client.mark("button up")
        self._device.release()
        await asyncio.sleep(0.25)

    async def power_cycle(self, client: Client) -> None:
        """A reset of the processor."""
        client.mark("reset of the device")
        await self.fault("reboot")
        await asyncio.sleep(0.15)

    async def plug_in(self, client: Client) -> None:
        """The charger."""
        client.mark("charger")
        await self.fault("charging")

    async def fault(self, spec: str) -> None:
        """Bring it about now."""
        _, steps = apply_fault(self._device.firmware.config, spec)
        for step in steps:
            step.start(self._device)
        # What a fault changed is seen when the device's clock next moves.
        await asyncio.sleep(0)


class AskingHands:
    """Asks the person at the bench, and goes by what the device then says."""

    can: frozenset[Need] = frozenset((Need.HAND, Need.CHARGER))

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    async def press(self, client: Client) -> None:
        """Wait until the device says that its button is pressed."""
        await self._wait(client, "Press the button now, and keep it down.", PRESSED, 1)
        client.mark("button down")

    async def release(self, client: Client) -> None:
        """Wait until the device says that its button is up."""
        await self._wait(client, "Let go of the button.", PRESSED, 0)
        client.mark("button up")

    async def power_cycle(self, client: Client) -> None:
        """Not offered: the link goes down with most devices, and takes the measurement with it."""
        raise CannotMeasure("this device cannot be reset by hand in this suite")

    async def plug_in(self, client: Client) -> None:
        """Wait until the device says that it charges."""
        await self._wait(client, "Plug in the charger.", CHARGING, CHARGING)
        client.mark("charger")

    async def fault(self, spec: str) -> None:
        """Not offered."""
        raise CannotMeasure(f"the fault {spec} cannot be brought about by hand")

    async def _wait(self, client: Client, ask: str, flag: int, value: int) -> None:
        self._say(ask)
        if not await client.until(lambda: client.told.flags & flag == value, PATIENCE_S):
            raise CannotMeasure(f"nothing happened for {PATIENCE_S:.0f} s after: {ask}")


class NoHands:
    """Nobody is there."""

    can: frozenset[Need] = frozenset()

    async def press(self, client: Client) -> None:
        """Nobody presses."""
        raise CannotMeasure("nobody is there to press the button")

    release = power_cycle = plug_in = press

    async def fault(self, spec: str) -> None:
        """Nobody does."""
        raise CannotMeasure(f"nobody is there to bring about {spec}")
