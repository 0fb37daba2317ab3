"""Reads the clocks for the ledger: the machine's clocks and its boot id (R10)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final, Protocol

from massager_ctl.aio.clock import Clock
from massager_ctl.safety.dose_time import UNKNOWN_BOOT, ClockReading

_LINUX: Final = Path("/proc/sys/kernel/random/boot_id")
_MACOS: Final = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")


class ReadingSource(Protocol):
    """Reads the clocks."""

    def now(self) -> ClockReading:
        """All clocks now."""
        ...


class ClockReader:
    """The readings of a `Clock` within one boot."""

    def __init__(self, clock: Clock, boot: str | None = None) -> None:
        self._clock = clock
        self._boot = boot_id() if boot is None else boot

    def now(self) -> ClockReading:
        """All clocks now."""
        return ClockReading(self._boot, self._clock.boottime(), self._clock.wall())


def boot_id(linux: Path = _LINUX, macos: tuple[str, ...] = _MACOS) -> str:
    """A name that changes with each boot, from the system; `UNKNOWN_BOOT` if it has none. Never from a clock."""
    try:
        return linux.read_text("utf-8").strip() or UNKNOWN_BOOT
    except (OSError, ValueError):
        pass
    if not Path(macos[0]).exists():
        return UNKNOWN_BOOT
    try:
        said = subprocess.run(macos, capture_output=True, timeout=2, check=True)
        return said.stdout.decode("utf-8").strip() or UNKNOWN_BOOT
    except (OSError, ValueError, subprocess.SubprocessError):
        return UNKNOWN_BOOT
