"""Paces setpoints: one every 200 ms, at once on a request, and at most 50 a second (R4).

Only this module calls a driver's `send`. The callback `turn` decides what is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from massager_ctl.aio.scheduler import Scheduler, Ticking
from massager_ctl.drivers.base import Driver
from massager_ctl.model.device import Setpoint

PERIOD_S: Final = 0.2
"""Seconds between two setpoints; the setpoint is the heartbeat (R4)."""

SPACING_S: Final = 0.02
"""Minimum seconds between two setpoints: 50 a second (R4)."""


class Pacer:
    """Paces the setpoints of one session after another."""

    __slots__ = ("_asked_at", "_driver", "_scheduler", "_sent_at", "_soon", "_turn", "ticking")

    def __init__(
        self, driver: Driver, scheduler: Scheduler, turn: Callable[[float, float], None]
    ) -> None:
        """`turn(now, late)` is called when a setpoint is due, `late` seconds after its time (R24); it calls `send`."""
        self._driver = driver
        self._scheduler = scheduler
        self._turn = turn
        self._sent_at: float
        self._asked_at = 0.0
        """When the last setpoint for a request left."""
        self._soon: asyncio.Handle | None = None
        self.ticking: Ticking | None = None
        """The heartbeat's own place in the scheduler."""

    def begin(self, now: float) -> None:
        """A session is armed: the heartbeat starts."""
        self._sent_at = now
        self.ticking = self._scheduler.every(PERIOD_S, self._tick)

    def end(self) -> None:
        """The session is over: an idle controller is woken only by telemetry."""
        self.hold()
        if self.ticking is not None:
            self.ticking.cancel()

    def hold(self) -> None:
        """A stop is under way: a setpoint that waits is dropped (R6)."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None

    def send(self, setpoint: Setpoint, now: float) -> None:
        """Send what was decided; it covers every request so far."""
        self._sent_at = now
        self.hold()
        self._driver.send(setpoint)

    def soon(self, now: float) -> None:
        """A request: its setpoint goes out in this turn of the loop, or 20 ms after that of the last request."""
        if self._soon is not None:
            return
        loop = asyncio.get_running_loop()
        due = self._asked_at + SPACING_S
        self._soon = (
            loop.call_soon(self._asked_for) if now >= due else loop.call_at(due, self._asked_for)
        )

    def _tick(self, now: float, late: float) -> None:
        if now >= self._sent_at + SPACING_S:
            self._turn(now, late)
        elif self._soon is None:
            # One has just gone out. The heartbeat follows it, so that no two are more than 200 ms apart.
            loop = asyncio.get_running_loop()
            self._soon = loop.call_at(self._sent_at + SPACING_S, self._asked_for)

    def _asked_for(self) -> None:
        self._soon = None
        now = self._asked_at = asyncio.get_running_loop().time()
        due = self.ticking.due if self.ticking is not None else now
        self._turn(now, max(0.0, now - due))
