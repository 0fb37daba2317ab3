"""What is done to a device from outside its links: a finger, a charger, the supply, a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from massager_hil.client import Client
from massager_hil.model import CannotMeasure, Need
from massager_hil.tables import Flag

PATIENCE_S: Final = 60.0
"""How long a person may take."""

FAULT_NAMES: Final = {
    "stall": "every motor is held fast",
    "stall-kneading": "every kneading motor is held fast",
    "short": "every motor is shorted",
    "stuck-output": "the power stage of every motor stays on",
    "sensor-open": "the wire of the pad's temperature sensor is open",
    "overheat": "the pad gets external heat",
    "battery-low": "the battery is between 8 and 15 %",
    "battery-empty": "the battery is below 8 %",
    "hang": "the firmware hangs",
    "memory": "a bit of what is kept about running time flips, and the device restarts",
}
"""The faults that checks ask for."""


class Operator(Protocol):
    """Acts on the device itself. `can` says which needs they meet, `faults` which of `FAULT_NAMES` they know."""

    @property
    def can(self) -> frozenset[Need]:
        """The needs that they meet."""
        ...

    @property
    def faults(self) -> frozenset[str]:
        """The faults that they can bring about."""
        ...

    async def press(self, client: Client) -> None:
        """The button is down when this returns."""
        ...

    async def release(self, client: Client) -> None:
        """The button is up, and counts as released, when this returns."""
        ...

    async def reset(self, client: Client) -> None:
        """The processor has been reset when this returns. On a real device the link may be lost by it."""
        ...

    async def power_cycle(self, client: Client) -> None:
        """The device was without power, and has booted, when this returns; its links are gone."""
        ...

    async def charger(self, client: Client, plugged: bool) -> None:
        """The charger is plugged in, or out, when this returns."""
        ...

    async def fault(self, name: str) -> None:
        """The fault is there when this returns."""
        ...

    async def mend(self, name: str) -> None:
        """The fault is gone when this returns."""
        ...


class NoOperator:
    """No one is there; the start of those that can do a part."""

    can: frozenset[Need] = frozenset()
    faults: frozenset[str] = frozenset()

    async def press(self, client: Client) -> None:  # noqa: ARG002
        """No one presses."""
        raise CannotMeasure("no one is there to press the button")

    release = reset = power_cycle = press

    async def charger(self, client: Client, plugged: bool) -> None:  # noqa: ARG002
        """No one does."""
        raise CannotMeasure("no one is there to plug the charger in and out")

    async def fault(self, name: str) -> None:
        """No one does."""
        raise CannotMeasure(f"no one is there to bring about {name}")

    mend = fault


class AskingOperator(NoOperator):
    """Asks the person at the bench, and goes by what the device then says."""

    can: frozenset[Need] = frozenset((Need.HAND, Need.CHARGER))

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    async def press(self, client: Client) -> None:
        """Wait until the device says that its button is pressed."""
        await self._wait(client, "Press the button now, and keep it down.", Flag.BUTTON, on=True)
        client.mark("button down")

    async def release(self, client: Client) -> None:
        """Wait until the device says that its button is up."""
        await self._wait(client, "Let go of the button.", Flag.BUTTON, on=False)
        client.mark("button up")

    async def charger(self, client: Client, plugged: bool) -> None:
        """Wait until the device says whether it charges."""
        ask = "Plug in the charger." if plugged else "Unplug the charger."
        await self._wait(client, ask, Flag.CHARGING, on=plugged)
        client.mark("charger in" if plugged else "charger out")

    async def _wait(self, client: Client, ask: str, flag: int, *, on: bool) -> None:
        self._say(ask)
        if not await client.until(lambda: bool(client.latest.flags & flag) == on, PATIENCE_S):
            raise CannotMeasure(
                f"the device reported no change for {PATIENCE_S:.0f} s after: {ask}"
            )


async def settled(seconds: float) -> None:
    """Let the device see what was done to it."""
    await asyncio.sleep(seconds)
