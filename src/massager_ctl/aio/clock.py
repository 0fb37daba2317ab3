"""Clocks: the interface, the system's, and one that is moved by hand (R5, R10)."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Three clocks that differ in a suspend and when the time is set."""

    def monotonic(self) -> float:
        """Seconds; stands still while the machine is suspended."""
        ...

    def boottime(self) -> float:
        """Seconds; goes on while the machine is suspended."""
        ...

    def wall(self) -> float:
        """Unix seconds; may be set back or forward at any moment."""
        ...


def slept_s(clock: Clock) -> float:
    """Boottime less monotonic, seconds: it grows by the time for which this computer was suspended (R10)."""
    return clock.boottime() - clock.monotonic()


_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """The machine's own clocks. Where there is no boottime clock, monotonic stands in for it."""

    def monotonic(self) -> float:
        """Seconds that only grow; they stop in a suspend."""
        return time.monotonic()

    def boottime(self) -> float:
        """Seconds that only grow, a suspend included (R10)."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    def wall(self) -> float:
        """Unix seconds by the machine's clock; may jump either way."""
        return time.time()


class VirtualClock:
    """A clock that moves only when asked to; each of its three faces can be moved alone, to test R10."""

    def __init__(self, start: float = 0.0, wall: float = 1_800_000_000.0) -> None:
        self.now = start
        self._suspended = 0.0
        self._wall = wall - start

    def monotonic(self) -> float:
        """Seconds that only grow; they stop in a suspend."""
        return self.now

    def boottime(self) -> float:
        """Seconds that only grow, a suspend included (R10)."""
        return self.now + self._suspended

    def wall(self) -> float:
        """Unix seconds by the machine's clock; may jump either way."""
        return self.now + self._suspended + self._wall

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def suspend(self, seconds: float) -> None:
        """Sleep the machine: boottime and wall go on, monotonic does not."""
        self._suspended += seconds

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock, as a person or NTP would."""
        self._wall = seconds - self.now - self._suspended
