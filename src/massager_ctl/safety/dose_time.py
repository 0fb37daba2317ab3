"""R10: dose time counts only seconds that certainly passed, whatever is done to the wall clock.

Within one boot it follows boottime. Across boots it follows the wall clock, and only where that is above the highest
wall time ever seen. So it may fall behind true time, which frees dose later, and setting a clock back, or forward
within a boot, frees nothing. One thing it cannot see: a wall clock set forward between the last look in one boot and
the first look in the next.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

DAY_S: Final = 86_400.0


class Moment(Struct, frozen=True):
    """Now, by three witnesses: which boot it is, seconds since that boot (sleep included), unix seconds."""

    boot: str
    boottime: float
    wall: float


class Mark(Struct, frozen=True):
    """How far dose time has come. `at_s`: dose seconds since the ledger began; `high_*`: the highest wall time seen,
    and dose time at that moment."""

    boot: str
    boottime: float
    at_s: float
    high_wall: float
    high_at_s: float


def begin(now: Moment) -> Mark:
    """The mark of a new ledger: dose time is zero."""
    return Mark(now.boot, now.boottime, 0.0, now.wall, 0.0)


def advance(mark: Mark, now: Moment) -> Mark:
    """The mark at `now`; `at_s` never falls, and never rises by more than what passed as far as `now` can prove."""
    if now.boot == mark.boot and now.boottime >= mark.boottime:
        at_s = mark.at_s + (now.boottime - mark.boottime)
    else:
        at_s = max(mark.at_s, mark.high_at_s + now.wall - mark.high_wall)
    if now.wall > mark.high_wall:
        return Mark(now.boot, now.boottime, at_s, now.wall, at_s)
    return Mark(now.boot, now.boottime, at_s, mark.high_wall, mark.high_at_s)


def greatest_age(then: Moment, now: Moment) -> float:
    """Seconds since `then` at the most, for what must not be too old (R21); infinity where no clock can tell.

    The opposite of dose time, which counts at the least: an answer must not stay good because a clock was set back.
    """
    if then.boot == now.boot and now.boottime >= then.boottime:
        return now.boottime - then.boottime
    passed = now.wall - then.wall
    return passed if passed >= 0 else math.inf
