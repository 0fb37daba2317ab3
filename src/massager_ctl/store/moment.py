"""Where the ledger's time comes from: the machine's clocks and which boot this is (R10)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final, Protocol

from massager_ctl.clock import Clock
from massager_ctl.safety.dose_time import Moment

_LINUX: Final = Path("/proc/sys/kernel/random/boot_id")
_MACOS: Final = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")
UNKNOWN: Final = "unknown"
"""One name for every boot, where the system has none: then only a boottime that fell shows a new one."""


class MomentSource(Protocol):
    """Gives the present moment."""

    def now(self) -> Moment: ...


class ClockMoments:
    """The moments of a `Clock` within one boot."""

    def __init__(self, clock: Clock, boot: str | None = None) -> None:
        self._clock = clock
        self._boot = boot_id() if boot is None else boot

    def now(self) -> Moment:
        return Moment(self._boot, self._clock.boottime(), self._clock.wall())


def boot_id(linux: Path = _LINUX, macos: tuple[str, ...] = _MACOS) -> str:
    """A name that changes with each boot, from the system; `UNKNOWN` where it has none. Never from a clock."""
    try:
        return linux.read_text("utf-8").strip() or UNKNOWN
    except (OSError, ValueError):
        pass
    if not Path(macos[0]).exists():
        return UNKNOWN
    try:
        said = subprocess.run(macos, capture_output=True, timeout=2, check=True)
        return said.stdout.decode("utf-8").strip() or UNKNOWN
    except (OSError, ValueError, subprocess.SubprocessError):
        return UNKNOWN
