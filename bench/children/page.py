"""The page's server with a simulated device that runs; it reports by how much the device's ticks were late."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable

from bench.own import admission
from bench.processes import ready, tell
from massager_ctl.aio.clock import SystemClock
from massager_ctl.aio.scheduler import Scheduler, Ticking
from massager_ctl.config import load
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.frontends.logs import set_up_logs
from massager_ctl.frontends.web.access import Access
from massager_ctl.frontends.web.app import App
from massager_ctl.frontends.web.guard import LOOPBACK_NAMES, Guard
from massager_ctl.frontends.web.server import LOOPBACK, WebServer, listen
from massager_ctl.model.requests import SetLevel
from massager_ctl.model.status import LinkState
from massager_ctl.runtime.service_device import OwnedDevice
from massager_ctl.transports.in_process import SimTransport


class Watched(Scheduler):
    """Notes how late each call comes."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []

    def every(self, period: float, callback: Callable[[float, float], None]) -> Ticking:
        def noted(now: float, late: float) -> None:
            self.late.append(late)
            callback(now, late)

        return super().every(period, noted)


async def main() -> None:
    report = int(sys.argv[1])
    set_up_logs()
    clock, scheduler = SystemClock(), Watched()
    driver = ReferenceDriver(SimTransport())
    owned = OwnedDevice(
        "neck",
        f"bench:{os.getpid()}",
        driver,
        admission(clock),
        load(),
        clock,
        scheduler,
        lock=None,
        remote=True,
    )
    access, listener = Access(None, clock.wall), listen(LOOPBACK, 0)
    guard = Guard(access, LOOPBACK_NAMES, listener.port, tls=False)
    server = WebServer(App([owned], guard, clock), listener)
    async with owned.held():
        tasks = [asyncio.ensure_future(work) for work in (owned.keep_connected(), server.run())]
        while owned.controller.status.link is not LinkState.UP:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        ready(f"{listener.port} {access.issue('bench')} {os.getpid()}")
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if line == "run":
                await owned.controller.manual(900)
                owned.controller.request(SetLevel(8.0))
                scheduler.late.clear()
            tell(report, 0, json.dumps(scheduler.late).encode())
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
