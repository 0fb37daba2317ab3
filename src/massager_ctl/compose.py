"""The composition root: which device, which clock, which ledger. Here alone the layers are put together."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from massager_ctl import config as settings
from massager_ctl.admission import Admission, Subject
from massager_ctl.clock import Clock
from massager_ctl.errors import DeviceNotFound
from massager_ctl.safety.attention import Watcher
from massager_ctl.transports.address import Address, AutoAddress, SimAddress, parse_address

LAST_DEVICE: Final = "last-device"
"""File in the data folder that names the device last used, for a `stop` without an owner."""


async def choose_device(named: str | None, config: settings.Config) -> Address:
    """The device that was named, else the one of the settings, else the simulator.

    `auto` is resolved to the one device found. Raises AddressError, DeviceNotFound.
    """
    address = parse_address(named or config.device)
    if isinstance(address, AutoAddress):
        from massager_ctl.transports import scan

        return await scan.resolve(address)
    return address


def admission_for(
    address: Address, config: settings.Config, clock: Clock, *, simulated: bool, watcher: Watcher
) -> Admission:
    """Who may run on this device: a real one is always taken for worn (R9, fault 56)."""
    from massager_ctl.store.memory import MemoryStore
    from massager_ctl.store.moment import ClockMoments
    from massager_ctl.store.sqlite import open_store

    moments = ClockMoments(clock)
    match address:
        case SimAddress():
            subject = Subject.EMBEDDED
        case _ if simulated:
            subject = Subject.SAID_SO
        case _:
            subject = Subject.REAL
    real = subject is Subject.REAL
    store = open_store(config.data, moments) if real else MemoryStore(moments)
    return Admission(store, config, moments, subject=subject, watcher=watcher)


def remember_device(address: Address, data: Path) -> None:
    """Keep the device's name for a later `stop`; the embedded simulator dies with its process and is not kept."""
    if isinstance(address, SimAddress):
        return
    with contextlib.suppress(OSError):
        data.mkdir(parents=True, exist_ok=True)
        fresh = data / f"{LAST_DEVICE}.{os.getpid()}"
        fresh.write_text(f"{address}\n", encoding="utf-8")
        fresh.replace(data / LAST_DEVICE)


def last_device(data: Path) -> Address:
    """The device that was last used on this machine. Raises DeviceNotFound, AddressError."""
    try:
        text = (data / LAST_DEVICE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise DeviceNotFound(
            "no program on this machine owns a device, and none was used before",
            "Name one: `massager-ctl stop --device serial:/dev/ttyUSB0`. If a massager is running, unplug it.",
        ) from None
    return parse_address(text)
