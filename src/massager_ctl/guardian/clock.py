"""One clock for both processes: seconds since the machine was started, a suspend included."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds; the same in every process of this machine."""
    return time.clock_gettime(_CLOCK)
