"""Why a check is not run on a device over a link, and what would let it run."""

from __future__ import annotations

from typing import Final, Protocol

from massager_hil.bench import Bench
from massager_hil.model import Check, Need, Outcome, Tier, Verdict
from massager_hil.tables import Feature

_HINTS: Final = {
    Need.MOTOR: "run with --bench SERIAL",
    Need.HAND: "run with --interactive, or with a hook",
    Need.CHARGER: "run with --interactive, or with a hook",
    Need.SECOND_LINK: "this kind of link is the only one",
    Need.UNBONDED: "only a device in simulated time offers one",
    Need.RESET: "run with the hook reset",
    Need.POWER: "run with the hook power-cycle",
    Need.FAULT: "run with the hook fault, or on sim:",
    Need.FULL_POWER: "run with --full-power",
}


class Permits(Protocol):
    """What the person in front of the bench allows."""

    @property
    def full(self) -> bool: ...

    @property
    def bench_serial(self) -> str: ...

    @property
    def full_power(self) -> bool: ...


def unmet(bench: Bench, check: Check, permits: Permits) -> Outcome | None:
    """Why a check is not run here; None if it can be."""
    if check.tier is Tier.FULL and not permits.full:
        return Outcome(check, Verdict.NOT_COVERED, "in the full tier only: run with --full")
    can = set(bench.operator.can)
    simulated = bool(bench.info.flags & Feature.SIMULATED)
    if simulated or permits.bench_serial:
        can.add(Need.MOTOR)
    if simulated or permits.full_power:
        can.add(Need.FULL_POWER)
    if bench.has_second_link:
        can.add(Need.SECOND_LINK)
    for need in sorted(check.needs - can, key=lambda need: list(Need).index(need)):
        return Outcome(check, Verdict.SKIPPED, f"{need.value}: {_HINTS[need]}")
    return None
