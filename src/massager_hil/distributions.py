"""How the times of stop and dead-man are distributed over a whole run: the least, p50, p99, the most, and how many."""

from __future__ import annotations

import math
from dataclasses import dataclass

from massager_hil.model import Outcome


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of one time, in seconds of the device's clock."""

    what: str
    rule: str
    n: int
    least: float
    p50: float
    p99: float
    most: float

    def __str__(self) -> str:
        times = (
            f"min {self.least:.3f}, p50 {self.p50:.3f}, p99 {self.p99:.3f}, max {self.most:.3f} s"
        )
        return f"{self.what}: {times} (n = {self.n})"


def distributions(outcomes: list[Outcome]) -> list[Distribution]:
    """Those of all times that these checks measured on their way; a check that was done again counts once."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        for what, seconds in outcome.samples.items():
            found.setdefault(what, []).extend(seconds)
    return [_of(what, sorted(seconds)) for what, seconds in found.items()]


def _of(what: str, times: list[float]) -> Distribution:
    rule = "R6" if what.startswith("STOP") else "R4"
    return Distribution(
        what, rule, len(times), times[0], _rank(times, 0.5), _rank(times, 0.99), times[-1]
    )


def _rank(times: list[float], share: float) -> float:
    """The nearest rank: one of the times that were measured."""
    return times[max(0, math.ceil(share * len(times)) - 1)]
