"""The operator of the embedded simulator: its own switches, and the faults that it lists."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from massager_hil.client import Client
from massager_hil.model import Need, NotHere
from massager_hil.operator import NoOperator

_SPECS: Final = {
    "stall": "stall=all",
    "short": "over_current=all",
    "stuck-output": "pwm_stuck=all",
    "sensor-open": "sensor_open=pad",
    "overheat": "overheat=40",
    "battery-low": "battery_sag=1.5",
    "battery-empty": "battery_sag=1.8",
    "hang": "hang",
    "memory": "nvm_flip=allowance",
}
_MENDED: Final = {"battery-low": "battery_sag=0", "battery-empty": "battery_sag=0"}


class Switches(Protocol):
    """What the simulator behind `sim:` offers beside its links."""

    def press(self) -> None: ...

    def release(self) -> None: ...

    def fault(self, spec: str) -> None: ...


class SimulatedOperator(NoOperator):
    """Reaches into a simulated device in this process."""

    can: frozenset[Need] = frozenset(Need) - {Need.POWER, Need.UNBONDED}
    faults: frozenset[str] = frozenset(_SPECS)

    def __init__(self, device: Switches) -> None:
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

    async def reset(self, client: Client) -> None:
        """A reset of the processor."""
        client.mark("reset of the device")
        await self._do("reboot")
        await asyncio.sleep(0.15)

    async def charger(self, client: Client, plugged: bool) -> None:
        """The charger; the simulator's is never pulled out again."""
        client.mark("charger in" if plugged else "charger out")
        if plugged:
            await self._do("charging")

    async def fault(self, name: str) -> None:
        """Bring it about now. Raises `NotHere` if the simulator has no such fault."""
        if name not in _SPECS:
            raise NotHere(f"the simulator has no fault {name}")
        await self._do(_SPECS[name])

    async def mend(self, name: str) -> None:
        """Take it away, where the simulator can."""
        await self._do(_MENDED[name])

    async def _do(self, spec: str) -> None:
        self._device.fault(spec)
        # What a fault changed is seen when the device's clock next moves.
        await asyncio.sleep(0)
