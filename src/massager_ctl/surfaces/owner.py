"""Owning a device: the lock, the ledger, the link and the control socket, taken in order and given back (fault 57)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from massager_ctl.clock import Clock
from massager_ctl.compose import admission_for, remember_device
from massager_ctl.config import Config
from massager_ctl.controller import Controller
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.safety.attention import Watcher
from massager_ctl.scheduler import Scheduler
from massager_ctl.surfaces.control.client import Connection
from massager_ctl.surfaces.control.paths import identity, socket_path
from massager_ctl.surfaces.control.server import ControlServer
from massager_ctl.surfaces.control.starting import starter
from massager_ctl.surfaces.lock import DeviceLock
from massager_ctl.transports.address import Address, SimAddress
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.memory import SimTransport

_simulators: Final = itertools.count()


def owner_socket(address: Address) -> str | None:
    """The control socket of the process that owns this device already, if any."""
    if isinstance(address, SimAddress):
        return None  # each process has a simulator of its own
    path = socket_path(identity(str(address)))
    try:
        Connection(path).close()
    except OSError:
        return None
    return path


@contextlib.asynccontextmanager
async def own_device(
    address: Address,
    config: Config,
    clock: Clock,
    *,
    simulated: bool,
    watcher: Watcher,
    scheduler: Scheduler | None = None,
    trace: Path | None = None,
    profile: str | None = None,
    seed: int = 0,
) -> AsyncGenerator[Controller]:
    """A connected controller for as long as the block lasts; on every way out the device is stopped and that confirmed.

    Raises DeviceBusy where another process owns it, LinkError, StoreError, and StopUnconfirmed on the way out.
    """
    device = identity(str(address))
    if isinstance(address, SimAddress) and (number := next(_simulators)):
        device = f"{device}.{number}"  # each `sim:` of one process is a device of its own
    admission = admission_for(address, config, clock, simulated=simulated, watcher=watcher)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(admission.close)
        if not isinstance(address, SimAddress):
            stack.enter_context(DeviceLock(device))
        transport = make_transport(address, trace=trace, profile=profile, seed=seed)
        if isinstance(transport, SimTransport):
            stack.callback(transport.end)
        controller = Controller(
            ReferenceDriver(transport), admission, clock=clock, scheduler=scheduler
        )
        stack.push_async_callback(controller.close)
        await controller.connect()
        remember_device(address, config.data)
        await stack.enter_async_context(
            ControlServer(controller, device, on_start=starter(controller))
        )
        # Before the socket is closed, since that waits for whoever reads from it (R6).
        stack.callback(controller.stop_on_leaving)
        yield controller
