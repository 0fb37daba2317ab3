"""An operator that tells the oracle what it does, before it does it."""

from __future__ import annotations

from collections.abc import Callable

from massager_hil.client import Client
from massager_hil.device_clock import DeviceClock
from massager_hil.model import Need
from massager_hil.operator import Operator
from massager_hil.oracle.oracle import Oracle


class WatchedOperator:
    """The device's own operator; `watch` gives the oracle of the present check."""

    def __init__(
        self, operator: Operator, watch: Callable[[], Oracle | None], clock: DeviceClock
    ) -> None:
        self._operator = operator
        self._now = clock.now
        self._watch = watch
        self.found_before: frozenset[tuple[str, str]] = frozenset()
        """What the oracle had found before the last act was announced to it."""

    @property
    def can(self) -> frozenset[Need]:
        return self._operator.can

    @property
    def faults(self) -> frozenset[str]:
        return self._operator.faults

    async def press(self, client: Client) -> None:
        if (oracle := self._oracle()) is not None:
            oracle.pressed(self._now())
        await self._operator.press(client)

    async def release(self, client: Client) -> None:
        if (oracle := self._oracle()) is not None:
            oracle.released(self._now())
        await self._operator.release(client)

    async def reset(self, client: Client) -> None:
        self._done("reset")
        await self._operator.reset(client)

    async def power_cycle(self, client: Client) -> None:
        self._done("power")
        await self._operator.power_cycle(client)

    async def charger(self, client: Client, plugged: bool) -> None:
        if (oracle := self._oracle()) is not None:
            oracle.plugged(self._now(), charging=plugged)
        await self._operator.charger(client, plugged)

    async def fault(self, name: str) -> None:
        self._done(name)
        await self._operator.fault(name)

    async def mend(self, name: str) -> None:
        self._done(f"mend {name}")
        await self._operator.mend(name)

    def _oracle(self) -> Oracle | None:
        oracle = self._watch()
        if oracle is not None:
            self.found_before = frozenset(oracle.sheet.breaches)
        return oracle

    def _done(self, what: str) -> None:
        if (oracle := self._oracle()) is not None:
            oracle.done(what, self._now())
