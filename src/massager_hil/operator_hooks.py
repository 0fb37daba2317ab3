"""The operator of a real bench: each thing that it does is a hook of the bench's file, and a person does the rest."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from massager_hil.client import Client
from massager_hil.hooks import Hooks
from massager_hil.model import CannotMeasure, Need, NotHere
from massager_hil.operator import NoOperator, Operator
from massager_hil.tables import Flag

_SEEN_S: Final = 0.5
"""What was done is reported by then; whether it is, the check says."""
_BOOT_S: Final = 10.0
"""A device that was reset or switched on speaks again by then, or its link is gone."""
_RELEASED_S: Final = 0.15
_NEEDS: Final = {
    Need.HAND: ("button-down", "button-up"),
    Need.CHARGER: ("charger-in", "charger-out"),
    Need.RESET: ("reset",),
    Need.POWER: ("power-cycle",),
    Need.FAULT: ("fault", "mend"),
}
_PASSING: Final = frozenset(("hang", "memory"))
"""Faults that are over when they have happened."""


class HookOperator(NoOperator):
    """Runs hooks. `took_s` is how long the last thing took: it happened within that time."""

    def __init__(self, hooks: Hooks, faults: frozenset[str], rest: Operator) -> None:
        self._hooks = hooks
        self._rest = rest
        mine = frozenset(need for need, names in _NEEDS.items() if hooks.has(*names))
        self._mine = mine
        self.can = mine | rest.can
        self.faults = faults if Need.FAULT in mine else frozenset()
        self.took_s = 0.0
        self._down = self._charging = False
        self._faulted: list[str] = []

    async def press(self, client: Client) -> None:
        """The contact closes."""
        if Need.HAND not in self._mine:
            await self._rest.press(client)
            return
        self._down = True
        await self._do(client, "button down", "button-down")
        await self._see(client, Flag.BUTTON, on=True)

    async def release(self, client: Client) -> None:
        """The contact opens, and has been open for long enough."""
        if Need.HAND not in self._mine:
            await self._rest.release(client)
            return
        await self._do(client, "button up", "button-up")
        self._down = False
        await self._see(client, Flag.BUTTON, on=False)
        await asyncio.sleep(_RELEASED_S)

    async def charger(self, client: Client, plugged: bool) -> None:
        """The charger."""
        if Need.CHARGER not in self._mine:
            await self._rest.charger(client, plugged)
            return
        self._charging = True
        what = "charger in" if plugged else "charger out"
        await self._do(client, what, what.replace(" ", "-"))
        self._charging = plugged
        await self._see(client, Flag.CHARGING, on=plugged)

    async def reset(self, client: Client) -> None:
        """A reset of the processor; the link may be gone after it."""
        await self._boot(client, "reset of the device", "reset")

    async def power_cycle(self, client: Client) -> None:
        """Off and on; the link may be gone after it."""
        await self._boot(client, "power off and on", "power-cycle")

    async def fault(self, name: str) -> None:
        """Bring it about. Raises `NotHere` if the bench cannot."""
        if name not in self.faults:
            raise NotHere(f"the bench cannot bring about the fault {name}")
        self._faulted.append(name)
        self.took_s = await self._hooks.run("fault", name)

    async def mend(self, name: str) -> None:
        """Take it away."""
        self.took_s = await self._hooks.run("mend", name)
        if name in self._faulted:
            self._faulted.remove(name)

    async def tidy(self, client: Client | None) -> bool:
        """Take away what is still there of all that was done; whether there was something. Raises `HookFailed`."""
        was_there = bool(self._faulted) or self._down or self._charging
        for name in list(self._faulted):
            if name in _PASSING:
                self._faulted.remove(name)
            else:
                await self.mend(name)
        if self._down:
            await self._hooks.run("button-up")
            self._down = False
            if client is not None:
                await self._see(client, Flag.BUTTON, on=False)
        if self._charging:
            await self._hooks.run("charger-out")
            self._charging = False
            if client is not None:
                await self._see(client, Flag.CHARGING, on=False)
        return was_there

    # --- how

    async def _do(self, client: Client, mark: str, hook: str) -> None:
        client.mark(mark)
        self.took_s = await self._hooks.run(hook)

    async def _see(self, client: Client, flag: int, *, on: bool) -> None:
        """Give the device time to tell. It is for the check to say that it does not."""
        try:
            await client.until(lambda: bool(client.latest.flags & flag) == on, _SEEN_S)
        except CannotMeasure:
            return

    async def _boot(self, client: Client, mark: str, hook: str) -> None:
        began = time.monotonic()
        uptime = client.heard[-1][1].uptime if client.heard else 0
        start = len(client.heard)
        await self._do(client, mark, hook)

        def again() -> bool:
            return client.lost is not None or any(t.uptime < uptime for t in client.since(start))

        try:
            await client.until(again, _BOOT_S)
        except CannotMeasure:
            pass
        self.took_s = time.monotonic() - began
