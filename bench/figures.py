"""A row of the table: what was measured, what it had to reach, and whether it did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any


class Sense(StrEnum):
    """Which side of its bound a value must be on."""

    AT_MOST = "<="
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Goal:
    """One bound. `value` is None if it could not be measured, which is a miss; `why` says why it was missed."""

    name: str
    value: float | None
    sense: Sense
    bound: float
    unit: str = ""
    why: str = ""

    @property
    def met(self) -> bool:
        if self.value is None or not math.isfinite(self.value):
            return False
        if self.sense == Sense.AT_MOST:  # also where it was read back from JSON
            return self.value <= self.bound
        return self.value >= self.bound

    def __str__(self) -> str:
        mark = "" if self.met else " (missed)"
        value = "not measured" if self.value is None else short(self.value, self.unit)
        return f"{self.name} {value} {self.sense} {short(self.bound, self.unit)}{mark}"


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one row; `figures` are what its goals come from, in the units that their names end in."""

    number: int
    title: str
    goals: tuple[Goal, ...]
    figures: dict[str, float] = field(default_factory=dict[str, float])
    note: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.goals) and all(goal.met for goal in self.goals)

    def line(self) -> str:
        """One line of the report."""
        goals = "; ".join(map(str, self.goals))
        return f"{self.number:2d} {self.title}: {goals or self.note}  {'ok' if self.ok else 'MISS'}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure: `rounds` interleaved, and a part of the usual samples in each."""

    rounds: int = 9
    part: float = 1.0

    def of(self, samples: int, least: int = 2) -> int:
        return max(least, round(samples * self.part))


QUICK = Scale(rounds=1, part=0.02)
"""Enough to see that a row runs; its figures mean nothing."""


def at_most(
    name: str, value: float | None, bound: float, unit: str = "x", *, why: str = ""
) -> Goal:
    return Goal(name, value, Sense.AT_MOST, bound, unit, why)


def at_least(
    name: str, value: float | None, bound: float, unit: str = "x", *, why: str = ""
) -> Goal:
    return Goal(name, value, Sense.AT_LEAST, bound, unit, why)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that `percent` of them do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(slots=True)
class Rounds:
    """The samples of one subject, a list a round."""

    of: list[list[float]] = field(default_factory=list[list[float]])

    def add(self, samples: list[float]) -> None:
        self.of.append(samples)

    def p(self, percent: float) -> float:
        """The median over the rounds of each round's percentile: one disturbed round does not decide it."""
        return median(self.each(percent))

    def each(self, percent: float) -> list[float]:
        return [percentile(samples, percent) for samples in self.of]


def ratio(above: Rounds | None, below: Rounds, percent: float = 50) -> float | None:
    """The median over the rounds of the ratio in each, as both ran under the same load; None for an absent peer."""
    if above is None or not above.of:
        return None
    pairs = zip(above.each(percent), below.each(percent), strict=True)
    return median(a / b for a, b in pairs)


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of the straight line through log(cost) over log(size): 1 is linear growth."""
    xs, ys = [math.log(s) for s in sizes], [math.log(c) for c in costs]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)


def short(value: float, unit: str = "") -> str:
    """Three figures and the unit."""
    if abs(value) >= 1000:
        text = f"{value:,.0f}"
    elif abs(value) >= 100:
        text = f"{value:.0f}"
    else:
        text = f"{value:.3g}"
    if unit in ("", "x", "%"):
        return text + unit
    return f"{text} {unit}"
