"""Owning a device: lock, ledger, link and control socket, taken in order and released (fault 57)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from msgspec import Struct

from massager_ctl.aio.clock import Clock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.config import Config
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.factory import make_driver
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import ConfigError, InputError, LinkTimeout, StopUnconfirmed
from massager_ctl.frontends.socket.client import open_owners
from massager_ctl.frontends.socket.owners import Distrusted
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.model.device import Cause, DeviceInfo
from massager_ctl.runtime.compose import (
    admission_for,
    check_serial,
    choose_device,
    guard_files,
    remember_device,
)
from massager_ctl.runtime.lock import DeviceLock
from massager_ctl.safety.presence import Watcher
from massager_ctl.transports.address import Address, SimAddress
from massager_ctl.transports.address_identity import identity
from massager_ctl.transports.in_process import SimTransport
from massager_ctl.transports.runtime_folder import RUNTIME_ENV
from massager_ctl.transports.wire_log import behind

_simulators: Final = itertools.count()


class Owned(Struct, frozen=True):
    """A device that another program owns: its control socket, its address, and its display name."""

    path: str
    address: str
    label: str


def owner_of(named: str | Address) -> Owned | None:
    """The program that owns the device of this name, if any; each process has an embedded simulator of its own.

    Raises InputError if several devices have the name, LinkTimeout if the owner takes no connection: no one else
    may open its device.
    """
    text = str(named)
    if text.partition(":")[0].lower() in ("sim", "auto"):
        return None
    try:
        owners = open_owners(text)
    except Distrusted as error:
        raise ConfigError(
            f"the folder for control sockets cannot be trusted: {error}",
            f"Remove it, or name a folder of your own with {RUNTIME_ENV}.",
        ) from None
    for owner in owners:
        owner.close()
    match owners:
        case []:
            return None
        case [only]:
            if only.trouble is not None:
                raise LinkTimeout(
                    f"{only.card}: {only.trouble}",
                    "End that program, or wait for it. If the massager is running, unplug it.",
                )
            return Owned(only.path, only.card.address, str(only.card))
        case _:
            raise InputError(
                f"several devices in use have that name: {', '.join(str(one.card) for one in owners)}",
                "Name one of them by its address.",
            )


async def find_device(named: str | None, config: Config) -> Owned | Address:
    """The program that owns the named device already, else where it is. Raises as `owner_of` and `choose_device` do."""
    owned = owner_of(named or config.device)
    if owned is not None:
        return owned
    address = await choose_device(named, config)
    return owner_of(address) or address


@contextlib.asynccontextmanager
async def own_device(  # noqa: PLR0913
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
    serial: str = "",
    on_bench: bool = False,
) -> AsyncGenerator[Controller]:
    """A connected controller within the block; on every exit the device is stopped and that is confirmed.

    `serial`: the serial number that the device must have, if it was named by it. `on_bench`: it lies on a table, and no
    one wears it (R25).

    Raises DeviceBusy if another process owns it, LinkError, StoreError, and StopUnconfirmed on exit.
    """
    device = identity(str(address))
    if isinstance(address, SimAddress) and (number := next(_simulators)):
        device = f"{device}.{number}"  # each `sim:` of one process is a device of its own
    admission = admission_for(
        address, config, clock, simulated=simulated, watcher=watcher, on_bench=on_bench
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(admission.close)
        lock = None if isinstance(address, SimAddress) else DeviceLock(device)
        if lock is not None:
            stack.enter_context(lock)
        driver = make_driver(
            address, trace=trace, profile=profile, seed=seed, guard=guard_files(address)
        )
        if isinstance(driver, ReferenceDriver):
            transport = behind(driver.transport)
            if isinstance(transport, SimTransport):
                stack.callback(transport.end)
        controller = Controller(driver, admission, clock=clock, scheduler=scheduler)
        stack.push_async_callback(controller.close)
        info = await controller.connect()
        check_serial(serial, info, address)
        if lock is not None and (number := number_lock(info)) is not None:
            stack.enter_context(number)
        await go_on_stopping(lock, controller)
        remember_device(address, config.data, info.serial)
        await stack.enter_async_context(ControlServer(controller, device))
        # Before the socket is closed, since that waits for its readers (R6).
        stack.callback(controller.stop_on_leaving)
        yield controller


def number_lock(info: DeviceInfo) -> DeviceLock | None:
    """The lock of a device by its serial number, whatever link it is reached by; a conformance suite takes the same.

    None for a simulated device.
    """
    return DeviceLock(f"number:{info.serial}") if info.serial and not info.simulated else None


async def go_on_stopping(lock: DeviceLock | None, controller: Controller) -> None:
    """Stop a device whose guardian gave way to this program in the middle of that (R25).

    Where nothing confirms it, the next start asks whether it is off.
    """
    if lock is not None and lock.took_over:
        lock.took_over = False
        with contextlib.suppress(StopUnconfirmed):
            await controller.stop(Cause.SAFETY)
