"""The composition root: chooses device, clock and ledger. Only here are the layers put together."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from massager_ctl import config as settings
from massager_ctl.aio.clock import Clock
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.errors import AddressError, DeviceNotFound, InputError
from massager_ctl.frontends.socket.paths import watched_path
from massager_ctl.model.device import DeviceInfo
from massager_ctl.model.json_reading import NotJson, read_json
from massager_ctl.model.text import visible
from massager_ctl.runtime.trial_records import TrialRecords
from massager_ctl.safety.presence import Watcher
from massager_ctl.transports.address import (
    Address,
    AutoAddress,
    DialectAddress,
    Link,
    SerialAddress,
    SimAddress,
    parse_address,
)
from massager_ctl.transports.address_identity import identity
from massager_ctl.transports.runtime_folder import lock_path

LAST_DEVICE: Final = "last-device"
"""File in the data folder that names the device last used, for a `stop` without an owner."""


DEVICES: Final = "devices.json"
"""File in the data folder: each device's serial number, and the address at which it was last found."""

KEPT: Final = 64
"""Maximum number of remembered devices."""


async def choose_device(named: str | None, config: settings.Config) -> Address:
    """The named device, else the one in the settings, else the simulator.

    A name is a whole address, one of `[devices]` in the settings, or the serial number of a device that was used here
    before; see `serial_of`. A serial port keeps the options with which it was last used, unless others are named.
    `auto` is resolved to the one device found. Raises AddressError, DeviceNotFound.
    """
    text = (named or config.device).strip()
    address = parse_address(config.devices.get(text) or _remembered(config.data).get(text) or text)
    address = as_last_opened(address, config.data)
    if isinstance(address, AutoAddress):
        from massager_ctl.transports import scan

        return await scan.resolve(address, config.leave_alone)
    return address


def as_last_opened(address: Address, data: Path) -> Address:
    """The same serial port with the options `boot` and `dtr` of its last use, if the address has none."""
    if isinstance(address, DialectAddress):
        link = as_last_opened(address.link, data)
        assert isinstance(link, Link)
        return msgspec.structs.replace(address, link=link)
    if not isinstance(address, SerialAddress) or str(address) != f"serial:{address.port}":
        return address
    for text in reversed(_remembered(data).values()):
        with contextlib.suppress(AddressError):
            known = parse_address(text)
            link = known.link if isinstance(known, DialectAddress) else known
            if isinstance(link, SerialAddress) and link.port == address.port:
                return link
    return address


def serial_of(named: str | None, config: settings.Config) -> str:
    """The serial number that the device must have if it was named by it; else empty."""
    text = (named or config.device).strip()
    return text if text not in config.devices and text in _remembered(config.data) else ""


def check_serial(wanted: str, info: DeviceInfo, address: Address) -> None:
    """Refuse another device if one was named by its serial number. Raises DeviceNotFound."""
    if wanted and info.serial != wanted:
        raise DeviceNotFound(
            f"the device at {address} is {visible(info.serial)} and not {visible(wanted)}",
            "It was there before. Name the device by its address: `massager-ctl scan` lists what is there.",
        )


def admission_for(
    address: Address,
    config: settings.Config,
    clock: Clock,
    *,
    simulated: bool,
    watcher: Watcher,
    on_bench: bool = False,
) -> AdmissionPolicy:
    """The admission policy for this device: a real one is always taken as worn (R9, fault 56).

    `on_bench`: it lies on a table this time, and no one wears it (R9, R14, R25). Raises InputError for `sim:`.
    """
    if on_bench and isinstance(address, SimAddress):
        raise InputError(
            f"--on-bench is for a device that could be worn, and {address} is the embedded simulator",
            "Leave --on-bench out.",
        )
    from massager_ctl.ledger.clock_reading import ClockReader
    from massager_ctl.ledger.in_memory import MemoryStore
    from massager_ctl.ledger.sqlite import open_store

    moments = ClockReader(clock)
    match address:
        case SimAddress():
            subject = Subject.EMBEDDED
        case _ if on_bench:
            subject = Subject.BENCH
        case _ if simulated:
            subject = Subject.SAID_SO
        case _:
            subject = Subject.REAL
    real = subject is Subject.REAL
    store = open_store(config.data, moments) if real else MemoryStore(moments)
    shown = (
        TrialRecords(config.data, address.scheme).of
        if isinstance(address, DialectAddress)
        else None
    )
    return AdmissionPolicy(store, config, moments, subject=subject, watcher=watcher, shown=shown)


def guard_files(address: Address) -> tuple[str, str] | None:
    """The files of the lock and of the guardian, for a device of another make (R25); None for any other."""
    if not isinstance(address, DialectAddress):
        return None
    device = identity(str(address))
    return lock_path(device), watched_path(device)


def remember_device(address: Address, data: Path, serial: str = "") -> None:
    """Remember the device for a later `stop`, and its address by serial number, once that is known.

    The embedded simulator ends with its process and is not remembered.
    """
    if isinstance(address, SimAddress):
        return
    with contextlib.suppress(OSError):
        data.mkdir(parents=True, exist_ok=True)
        _replace(data / LAST_DEVICE, f"{address}\n")
        known = _remembered(data)
        if serial and known.get(serial) != str(address):
            known.pop(serial, None)
            kept = {**dict(list(known.items())[1 - KEPT :]), serial: str(address)}
            _replace(data / DEVICES, msgspec.json.encode(kept).decode())


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _remembered(data: Path) -> dict[str, str]:
    """The devices used here before; none if the file is missing or makes no sense."""
    try:
        return read_json((data / DEVICES).read_bytes(), dict[str, str])
    except (OSError, NotJson):
        return {}


def last_device(data: Path) -> Address:
    """The device that was last used on this machine. Raises DeviceNotFound, AddressError."""
    try:
        text = (data / LAST_DEVICE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise DeviceNotFound(
            "no program on this machine owns a device, and no device was used before",
            "Name one: `massager-ctl stop --device serial:/dev/ttyUSB0`. If a massager is running, unplug it.",
        ) from None
    return parse_address(text)
