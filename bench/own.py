"""This project's host and device as a user would put them together; nothing of the safety rules is left out."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from bench.processes import Child, child
from massager_ctl.aio.clock import Clock, SystemClock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import MassagerError
from massager_ctl.model.device import Telemetry
from massager_ctl.runtime.compose import admission_for
from massager_ctl.safety.presence import Watcher
from massager_ctl.transports.address import SimAddress
from massager_ctl.transports.base import Transport
from massager_ctl.transports.serial import SerialTransport


def admission(clock: Clock | None = None) -> AdmissionPolicy:
    """As for the embedded simulator: screening and dose are not asked for a device that no one wears."""
    return admission_for(
        SimAddress(), load(), clock or SystemClock(), simulated=True, watcher=Watcher.SIMULATED
    )


def controller(
    transport: Transport, clock: Clock | None = None, scheduler: Scheduler | None = None
) -> Controller:
    return Controller(
        ReferenceDriver(transport), admission(clock), clock=clock, scheduler=scheduler
    )


async def on_pty(
    stack: AsyncExitStack, stamps: str = "plain", baud: str = "0"
) -> tuple[Controller, Child]:
    """A connected controller and the device's process behind a PTY, for as long as `stack` lasts."""
    device = stack.enter_context(child("bench.children.device", "pty", stamps, baud))
    connected = controller(SerialTransport(device.ready))
    stack.push_async_callback(connected.close)
    await connected.connect()
    return connected, device


class Ear:
    """A driver's listener that waits for the telemetry which confirms a setpoint."""

    def __init__(self) -> None:
        self._last = -1
        self._confirmed: asyncio.Future[None] | None = None

    def confirmation(self) -> asyncio.Future[None]:
        """Done when the device tells that it has taken a newer setpoint than all so far."""
        self._confirmed = asyncio.get_running_loop().create_future()
        return self._confirmed

    def telemetry_received(self, telemetry: Telemetry) -> None:
        if telemetry.seq == self._last:
            return
        self._last = telemetry.seq
        if self._confirmed is not None and not self._confirmed.done():
            self._confirmed.set_result(None)

    def driver_lost(self, error: MassagerError) -> None:
        if self._confirmed is not None and not self._confirmed.done():
            self._confirmed.set_exception(error)
