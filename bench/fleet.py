"""Many controllers in one process, on one scheduler, driven at 10 Hz; each confirmation's delay is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from bench import own
from massager_ctl.aio.scheduler import Scheduler, Ticking
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.base import DriverListener
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import MassagerError
from massager_ctl.model.device import DeviceInfo, Setpoint, Telemetry
from massager_ctl.profile.format.load import load_text
from massager_ctl.profile.model import Profile
from massager_ctl.transports.tcp import TcpTransport

COMMAND_S = 0.1
"""Twice the product's own rate, so that both sides of the comparison send 10 commands a second."""


def profile() -> Profile:
    """Levels that change in every tick, so that each setpoint differs from the one before it."""
    return load_text(
        "title: Zigzag\ncap: 30\nduration: 100\nsteps:\n"
        "  - repeat: 8\n    steps:\n"
        "      - {zones: neck, level: 9, duration: 5}\n"
        "      - {zones: trapezius, level: 9, duration: 5}\n"
        "  - {zones: neck, level: 5, duration: 20}\n",
        "zigzag.yaml",
    )


class FastScheduler(Scheduler):
    """Ticks at 10 Hz whatever is asked for, and tells each callback's device when it was due."""

    def every(self, period: float, callback: Callable[[float, float], None]) -> Ticking:
        def timed(now: float, late: float) -> None:
            Confirmed.due = now - late
            callback(now, late)

        return super().every(COMMAND_S, timed)


class Confirmed(ReferenceDriver):
    """Notes how long after its due time each setpoint was confirmed, milliseconds."""

    due = 0.0

    def __init__(self, transport: TcpTransport) -> None:
        super().__init__(transport)
        self.delays: list[float] = []
        self._due = 0.0
        self._latest_seq = 0

    async def open(self, listener: DriverListener) -> DeviceInfo:
        return await super().open(_Tap(self, listener))

    def send(self, setpoint: Setpoint) -> None:
        self._due = Confirmed.due
        super().send(setpoint)

    def heard(self, telemetry: Telemetry, now: float) -> None:
        if telemetry.seq != self._latest_seq:
            self._latest_seq = telemetry.seq
            self.delays.append((now - self._due) * 1000)


class _Tap:
    """Hands everything on, and looks at telemetry on its way."""

    def __init__(self, driver: Confirmed, listener: DriverListener) -> None:
        self._driver = driver
        self._listener = listener
        self._loop = asyncio.get_running_loop()

    def telemetry_received(self, telemetry: Telemetry) -> None:
        self._listener.telemetry_received(telemetry)
        self._driver.heard(telemetry, self._loop.time())

    def driver_lost(self, error: MassagerError) -> None:
        self._listener.driver_lost(error)


class Fleet:
    """`count` controllers, each with a device at `address`; closed with `stack`."""

    def __init__(self, address: str, count: int) -> None:
        host, port = address.rsplit(":", 1)
        scheduler = FastScheduler()
        self.drivers = [Confirmed(TcpTransport(host, int(port))) for _ in range(count)]
        self.controllers = [
            Controller(driver, own.admission(), scheduler=scheduler) for driver in self.drivers
        ]

    async def connect(self, stack: AsyncExitStack) -> None:
        for controller in self.controllers:
            await controller.connect()
            stack.push_async_callback(controller.close)

    async def play(self) -> None:
        played = profile()
        for controller in self.controllers:
            await controller.play(played)

    async def delays(self, seconds: float) -> list[float]:
        """What is confirmed in the next `seconds`: the delay of each, milliseconds."""
        for driver in self.drivers:
            driver.delays.clear()
        await asyncio.sleep(seconds)
        return [delay for driver in self.drivers for delay in driver.delays]
