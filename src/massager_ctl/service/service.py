"""All devices of one process, until a signal: then stop, confirm, settle, leave (R6)."""

from __future__ import annotations

import asyncio
import signal
from asyncio import Task
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import structlog

from massager_ctl.errors import ExitCode, MassagerError
from massager_ctl.service.device import OwnedDevice
from massager_ctl.surfaces.ending import end_all
from massager_ctl.surfaces.signals import signals_taken

if TYPE_CHECKING:
    from massager_ctl.surfaces.mqtt.bridge import MqttBridge

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Each of them ends the service in good order."""

FAREWELL_S: Final = 2.0
"""Seconds to tell brokers how it ended."""


class Service:
    """Owns devices and the bridges that offer them elsewhere."""

    def __init__(self, devices: Sequence[OwnedDevice], bridges: Sequence[MqttBridge] = ()) -> None:
        self._devices = devices
        self._bridges = bridges
        self._leaving = asyncio.Event()
        self._log = structlog.get_logger()

    def leave(self) -> None:
        """End in good order."""
        self._leaving.set()

    async def run(self) -> ExitCode:
        """Serve until a signal. Raises DeviceBusy and ConfigError before it serves, and faults of this program."""
        async with AsyncExitStack() as stack:
            for device in self._devices:
                await stack.enter_async_context(device.held())
            stack.enter_context(signals_taken(SIGNALS, self.leave))
            keeping = [asyncio.ensure_future(device.keep_connected()) for device in self._devices]
            telling = [asyncio.ensure_future(bridge.run()) for bridge in self._bridges]
            leaving = asyncio.ensure_future(self._leaving.wait())
            names = [device.name for device in self._devices]
            self._log.info("service.started", devices=names)
            try:
                # None of the others ever returns by itself; whatever fails ends the service, and that stops.
                await asyncio.wait(
                    [leaving, *keeping, *telling], return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                code = await self._end([leaving, *keeping], telling)
            return code

    async def _end(self, first: list[Task[Any]], last: list[Task[Any]]) -> ExitCode:
        for device in self._devices:
            device.controller.stop_on_leaving()  # before anything is waited for (R6)
        await end_all(first)
        ends = await asyncio.gather(
            *(device.close() for device in self._devices), return_exceptions=True
        )
        await asyncio.gather(*(bridge.flush(FAREWELL_S) for bridge in self._bridges))
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
