"""One program per device: a lock by serial number, which the system releases when its process ends (R17).

It lies where massager-ctl keeps its locks, under the name that a controller of the same device takes, so that a
suite and a controller exclude each other as two suites do.
"""

from __future__ import annotations

import os

from massager_ctl.errors import ConfigError, DeviceBusy
from massager_ctl.transports.lock_file import hold
from massager_ctl.transports.runtime_folder import RUNTIME_ENV, ensure_runtime_dir, lock_path
from massager_hil import wire
from massager_hil.tables import Feature


def name_of(info: wire.Info, address: str) -> str:
    """What a device is locked by: its serial number; with its address where it is simulated, as those share theirs."""
    name = f"number:{info.serial}"
    return f"{name} {address}" if info.flags & Feature.SIMULATED else name


class Locks:
    """Those that this run holds."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self.refused = False
        """Another program has one of them: nothing may be done to the device."""

    def take(self, name: str, device: str) -> None:
        """Take a lock at once. Raises DeviceBusy with the process that has it, or ConfigError."""
        if name in self._held:
            return
        descriptor = _opened(name)
        try:
            hold(
                descriptor,
                device,
                "One program at a time may use a device. Wait for that one, or end it.",
            )
        except DeviceBusy:
            self.refused = True
            raise
        self._held[name] = descriptor

    def release(self) -> None:
        """Release them all; may be called twice."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()


def _opened(name: str) -> int:
    try:
        ensure_runtime_dir()
        return os.open(lock_path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"no lock can be made for the device: {error}",
            f"Name a folder of your own with {RUNTIME_ENV}.",
        ) from None
