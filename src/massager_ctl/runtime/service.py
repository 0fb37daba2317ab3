"""Serves all devices of one process until a signal: then stop, confirm, settle, exit (R6)."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Protocol

import structlog

from massager_ctl.aio.tasks import end_all
from massager_ctl.errors import ExitCode, MassagerError
from massager_ctl.runtime.notify import ServiceManager
from massager_ctl.runtime.service_device import OwnedDevice
from massager_ctl.runtime.signals import ENDING, signals_taken


class Surface(Protocol):
    """Offers the devices to other machines: the MQTT bridge, the page."""

    async def run(self) -> None:
        """Run until it is cancelled."""
        ...

    async def flush(self, seconds: float) -> None:
        """Send what is left to send, within `seconds`."""
        ...


FAREWELL_S: Final = 2.0
"""Seconds to report how it ended."""


class Service:
    """Owns devices and the front ends that offer them to other machines."""

    def __init__(
        self,
        devices: Sequence[OwnedDevice],
        surfaces: Sequence[Surface] = (),
        manager: ServiceManager | None = None,
    ) -> None:
        self._devices = devices
        self._manager = manager or ServiceManager({})
        self._surfaces = surfaces
        self._leaving = asyncio.Event()
        self._log = structlog.get_logger()

    def leave(self) -> None:
        """End cleanly."""
        self._leaving.set()

    async def run(self) -> ExitCode:
        """Serve until a signal. Raises DeviceBusy and ConfigError before it serves, and faults of this program."""
        async with AsyncExitStack() as stack:
            stack.enter_context(signals_taken(ENDING, self.leave))  # from the first moment on
            for device in self._devices:
                await stack.enter_async_context(device.held())
            keeping = [asyncio.ensure_future(device.keep_connected()) for device in self._devices]
            telling = [asyncio.ensure_future(surface.run()) for surface in self._surfaces]
            leaving = asyncio.ensure_future(self._leaving.wait())
            alive = asyncio.ensure_future(self._manager.show_life())
            names = [device.name for device in self._devices]
            self._manager.tell("READY=1", f"STATUS=owns {', '.join(names)}")
            self._log.info("service.started", devices=names)
            try:
                # None of the others returns on its own; whatever fails ends the service, and that stops the devices.
                await asyncio.wait(
                    [leaving, alive, *keeping, *telling], return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                self._manager.tell("STOPPING=1")
                code = await self._end([leaving, *keeping], [alive, *telling])
            return code

    async def _end(self, first: list[Task[Any]], last: list[Task[Any]]) -> ExitCode:
        for device in self._devices:
            device.controller.stop_on_leaving()  # before anything is waited for (R6)
        await end_all(first)
        ends = await asyncio.gather(
            *(device.close() for device in self._devices), return_exceptions=True
        )
        await asyncio.gather(*(surface.flush(FAREWELL_S) for surface in self._surfaces))
        await end_all(last)
        code = ExitCode.OK
        for end in ends:
            if isinstance(end, MassagerError):
                self._log.error("service.unconfirmed", text=end.message, remedy=end.remedy)
                code = max(code, end.exit_code)
            elif end is not None:
                raise end
        for task in (*first, *last):
            if not task.cancelled():
                task.result()
        self._log.info("service.ended", code=int(code))
        return code
