"""Dose time (R10): counts only seconds that certainly passed, whatever happens to the clocks.

Within one boot it counts what both boottime and the wall clock saw pass since the last look: if one of them is set
or jumps, the other bounds it. Across boots it follows the wall clock, and only above the highest wall time
ever seen. So it may fall behind true time, which frees dose later, and a clock that is set back, or one that
jumps forward within a boot, frees nothing. Two things it cannot see: both clocks moved forward together within a boot,
and a wall clock set forward between the last look in one boot and the first look in the next.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

DAY_S: Final = 86_400.0

UNKNOWN_BOOT: Final = "unknown"
"""The boot id on a system that has none: there a boottime that fell shows a new boot."""


class ClockReading(Struct, frozen=True):
    """A reading of the clocks: boot id, seconds since that boot (sleep included), unix seconds."""

    boot: str
    boottime: float
    wall: float


class DoseClock(Struct, frozen=True):
    """How far dose time has come, and the clocks at the last look.

    `at_s`: dose seconds since the ledger began; `high_*`: the highest wall time seen, and dose time at that moment.
    """

    boot: str
    boottime: float
    wall: float
    at_s: float
    high_wall: float
    high_at_s: float


def begin(now: ClockReading) -> DoseClock:
    """The clock of a new ledger: dose time is zero."""
    return DoseClock(now.boot, now.boottime, now.wall, 0.0, now.wall, 0.0)


def advance(clock: DoseClock, now: ClockReading) -> DoseClock:
    """The clock at `now`; `at_s` never falls, and never rises by more than what passed as far as `now` can prove."""
    fell = now.boottime < clock.boottime
    if now.boot == clock.boot and not (fell and now.boot == UNKNOWN_BOOT):
        passed_s = min(now.boottime - clock.boottime, now.wall - clock.wall)
        at_s = clock.at_s + max(0.0, passed_s)
    else:
        at_s = max(clock.at_s, clock.high_at_s + now.wall - clock.high_wall)
    high_wall, high_at_s = clock.high_wall, clock.high_at_s
    if now.wall > high_wall:
        high_wall, high_at_s = now.wall, at_s
    return DoseClock(now.boot, now.boottime, now.wall, at_s, high_wall, high_at_s)


def greatest_age(then: ClockReading, now: ClockReading) -> float:
    """The maximum seconds that may have passed since `then`, for what must not be too old (R21); infinity if unknown.

    The opposite of dose time, which counts the minimum: an answer must not stay valid because a clock was set back.
    """
    passed_s = now.wall - then.wall
    if then.boot == now.boot and now.boottime >= then.boottime:
        return max(now.boottime - then.boottime, passed_s)
    return passed_s if passed_s >= 0 else math.inf
