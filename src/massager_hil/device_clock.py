"""The device's own clock, by which short times go (docs/protocol.md, its head): its rate is measured once a run.

Everything that a check waits for or measures is in seconds of this clock. `uptime` of TELEMETRY is what tells it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from massager_hil import wire

RATE: Final = (0.9, 1.1)
"""Seconds of a device's clock in one true second (R8)."""
MEASURED_FOR_S: Final = 3.0
_BELIEVED: Final = (0.85, 1.15)
"""A clock that is further off breaks R8, and nothing else is timed by it."""
_SAME: Final = 0.002
"""What cannot be told from a true clock within `MEASURED_FOR_S`: the jitter of a link."""
_ROWS: Final = 5


class DeviceClock:
    """`now` and `sleep` in seconds of the device's clock; those of this computer until a rate is known."""

    def __init__(self, measured: float = 1.0) -> None:
        self.measured = measured
        """Its rate against this computer's clock."""
        believed = _BELIEVED[0] <= measured <= _BELIEVED[1] and abs(measured - 1.0) > _SAME
        self.rate = measured if believed else 1.0
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        """Seconds of the device's clock since some moment."""
        return self._loop.time() * self.rate

    async def sleep(self, seconds: float) -> None:
        """Wait for so long by the device's clock."""
        await asyncio.sleep(seconds / self.rate)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """`asyncio.timeout` by the device's clock."""
        return asyncio.timeout(seconds / self.rate)


def rate_of(heard: Sequence[tuple[float, wire.Telemetry]]) -> float:
    """Seconds of `uptime` in a second of the clock that `heard` goes by: from the earliest frames to the latest.

    Frames come late and never early, so of each end the one that came soonest by its own `uptime` counts.
    """
    if len(heard) < 2 * _ROWS:
        return 1.0
    first = min(heard[:_ROWS], key=lambda row: row[0] - row[1].uptime / 1000)
    last = min(heard[-_ROWS:], key=lambda row: row[0] - row[1].uptime / 1000)
    passed = last[0] - first[0]
    return (last[1].uptime - first[1].uptime) / 1000 / passed if passed > 0 else 1.0
