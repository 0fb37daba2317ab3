"""R25: what was seen of a device of another make on this machine, by its driver, serial number and firmware."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from massager_ctl.errors import StoreError
from massager_ctl.model.device import DeviceInfo
from massager_ctl.model.json_reading import NotJson, read_json
from massager_ctl.safety.assurance import NOTHING_SHOWN, Shown

FILE: Final = "shown.json"
"""In the data folder."""

KEPT: Final = 64

_PORTS: Final = frozenset({"serial", "tcp", "memory"})
"""What a serial number begins with that is the address of a port."""


class _Record(Struct, frozen=True):
    scheme: str
    serial: str
    firmware: str
    shown: Shown


class TrialRecords:
    """Reads and writes the file. One that cannot be read shows nothing, which is the least that a device can have."""

    def __init__(self, data: Path, scheme: str) -> None:
        self._path = data / FILE
        self._scheme = scheme

    def keeps(self, info: DeviceInfo) -> bool:
        """Whether this device can be known again: by a number of its own, or by its Bluetooth address. What is at a
        port may be another one tomorrow.
        """
        return info.serial.partition(":")[0] not in _PORTS

    def of(self, info: DeviceInfo) -> Shown:
        """What was seen of this device, with this firmware."""
        if not self.keeps(info):
            return NOTHING_SHOWN
        for record in self._records():
            if self._is(record, info):
                return record.shown
        return NOTHING_SHOWN

    def note(self, info: DeviceInfo, shown: Shown) -> None:
        """Keep what was seen, in place of what was seen before. Raises StoreError."""
        kept = [record for record in self._records() if not self._is(record, info)]
        kept.append(_Record(self._scheme, info.serial, info.firmware, shown))
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(kept[-KEPT:]))
            fresh.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise StoreError(
                f"what was seen of this device cannot be kept: {error.strerror}",
                f"Check the permissions of {self._path.parent}.",
            ) from None

    def _is(self, record: _Record, info: DeviceInfo) -> bool:
        return (record.scheme, record.serial, record.firmware) == (
            self._scheme,
            info.serial,
            info.firmware,
        )

    def _records(self) -> list[_Record]:
        try:
            return read_json(self._path.read_bytes(), list[_Record])
        except (OSError, NotJson):
            return []
