"""Piecewise linear curves of one zone; R2 and R3 hold by construction."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import inf
from typing import Final

from massager_ctl.profile.plan.timeline import Point
from massager_ctl.safety.envelope import GENTLE, GENTLE_S, reached_at
from massager_ctl.safety.envelope import envelope as allowed
from massager_ctl.safety.limits import RISE_PER_S

FALL: Final = 5.0
"""Points a second that a plan normally falls: soft to feel, and over quickly."""

_TINY: Final = 1e-9


class Curve:
    """A zone's level over the session, written from left to right."""

    __slots__ = ("points",)

    def __init__(self) -> None:
        self.points: list[Point] = [(0.0, 0.0)]

    @property
    def level(self) -> float:
        """The level at the end of what is written so far, percent."""
        return self.points[-1][1]

    def add(self, t: float, level: float) -> None:
        """Go on in a straight line to `level` at `t`; a point on the line so far is merged into it."""
        points = self.points
        last_t, last = points[-1]
        t = max(t, last_t)  # sums of times may differ in their last bit
        here = t - last_t <= _TINY
        if here and abs(level - last) <= _TINY and (level == 0.0) == (last == 0.0):
            return
        if len(points) > 1 and not here and (last != 0.0 or level == 0.0):
            before_t, before = points[-2]
            span = last_t - before_t
            if (
                span > _TINY
                and abs(before + (level - before) * span / (t - before_t) - last) < _TINY
            ):
                points.pop()
        points.append((t, level))

    def split(self, t: float) -> list[Point]:
        """Take off and return what lies after `t`, led by the level at the last point before it."""
        here = bisect_right(self.points, (t, inf))
        tail = self.points[here - 1 :]
        del self.points[here:]
        return tail

    def extend(self, points: Iterable[Point]) -> None:
        """Append these points."""
        for t, level in points:
            self.add(t, level)


def target(
    start: float, end: float, running: float, cap: float, ramp_s: float, part: float, limit: float
) -> list[Point]:
    """What a zone may have from `start` to `end`: `part` of the envelope, at most `limit`.

    `running`: seconds of running at `start`, growing with time throughout.
    """

    def at(ran: float) -> float:
        return min(part * allowed(ran, cap, ramp_s), limit)

    until = running + (end - start)
    kinks = [GENTLE_S, ramp_s]
    if GENTLE * part < limit < cap * part:
        kinks.append(reached_at(limit / part, cap, ramp_s))
    times = [running, *sorted(kink for kink in kinks if running < kink < until), until]
    inside = [(start + ran - running, at(ran)) for ran in times[1:-1]]
    return [(start, at(running)), *inside, (end, at(until))]


def follow(level: float, goal: Sequence[Point]) -> list[Point]:
    """The way from `level` onto a goal that never falls, at `RISE_PER_S` up or `FALL` down, and then along it."""
    start, first = goal[0]
    slope = RISE_PER_S if level < first else -FALL
    if abs(level - first) <= _TINY:
        return list(goal)
    path: list[Point] = [(start, level)]
    for index in range(1, len(goal)):
        (t0, v0), (t1, v1) = goal[index - 1], goal[index]
        mine = level + slope * (t1 - start)
        if (mine < v1 - _TINY) if slope > 0 else (mine > v1 + _TINY):
            continue
        rate = (v1 - v0) / (t1 - t0)
        gap = v0 - (level + slope * (t0 - start))
        meet = min(t0 + gap / (slope - rate), t1)
        path.append((meet, v0 + rate * (meet - t0)))
        path.extend(point for point in goal[index:] if point[0] > meet + _TINY)
        return path
    end = goal[-1][0]
    path.append((end, level + slope * (end - start)))
    return path


def fall(level: float, start: float, end: float) -> list[Point]:
    """Down to zero at `FALL`, or quicker if the time is shorter, and then still until `end`."""
    if level <= 0.0:
        return [(start, 0.0), (end, 0.0)]
    down = min(start + level / FALL, end)
    return [(start, level), (down, 0.0), (end, 0.0)]


def value_at(points: Sequence[Point], t: float) -> float:
    """The level at `t`, percent, of a curve without sudden drops; its ends go on level."""
    index = bisect_left(points, (t,))
    if index == 0:
        return points[0][1]
    if index == len(points):
        return points[-1][1]
    (t0, v0), (t1, v1) = points[index - 1], points[index]
    if t == t1:
        return v1  # exactly: a last bit below zero is not a level
    return v0 + (v1 - v0) * (t - t0) / (t1 - t0)


def cut(points: Sequence[Point], t: float) -> list[Point]:
    """The curve up to `t`."""
    kept = [point for point in points if point[0] < t - _TINY]
    kept.append((t, value_at(points, t)))
    return kept


def lower(points: Sequence[Point], ceiling: Sequence[Point]) -> list[Point]:
    """The lower of two curves over the same time, with the crossings written in."""
    times = sorted({t for t, _ in points} | {t for t, _ in ceiling})
    rows = [(t, value_at(points, t), value_at(ceiling, t)) for t in times]
    result: list[Point] = []
    for index, (t, mine, top) in enumerate(rows):
        if index:
            t0, mine0, top0 = rows[index - 1]
            before, after = mine0 - top0, mine - top
            if before * after < 0:
                share = before / (before - after)
                crossing = mine0 + share * (mine - mine0)
                result.append((t0 + share * (t - t0), crossing))
        result.append((t, min(mine, top)))
    return result
