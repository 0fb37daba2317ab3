"""A seeded random walk over everything at once, under the oracle; what fails is shrunk (R1 to R24)."""

from __future__ import annotations

from massager_hil.bench import Bench
from massager_hil.model import Finding, Need, Tier, check
from massager_hil.walk import Step, Walker, plan, shrunk

_RULES = ("R1", "R2", "R3", "R4", "R6", "R7", "R8", "R11", "R15", "R16", "R17", "R19", "R24")
_QUICK_S = 60.0
_FULL_S = 600.0
_RUNS_IN_REAL_TIME = 6


async def _walk(bench: Bench, seed: int, seconds: float) -> None:
    steps = plan(seed, seconds, bench)
    done = await Walker(bench).walk(steps)
    bench.same(
        f"walk of {len(steps)} steps, seed {seed}: steps done", done or len(steps), len(steps)
    )
    if done is None or bench.oracle is None:
        return
    rules = {rule for rule, _ in bench.oracle.sheet.breaches}
    found: list[Finding] = bench.verdict_of_the_oracle()

    async def fails(fewer: list[Step]) -> bool:
        nonlocal found
        async with bench.fresh() as other:
            other.watch()
            await Walker(other).walk(fewer)
            broken = [] if other.oracle is None else other.oracle.sheet.take()
        if rules & {finding.rule for finding in broken}:
            found = broken
            return True
        return False

    runs = _RUNS_IN_REAL_TIME if bench.slack_s else 60
    fewest = await shrunk(steps[:done], fails, runs)
    words = "; ".join(str(step) for step in fewest)
    bench.findings.pop()
    for finding in found:
        what = f"seed {seed}, shrunk to {len(fewest)} steps ({words}): {finding.what}"
        bench.note(what, finding.measured, finding.bound, ok=False, rule=finding.rule)


@check("walk", "A random walk of 60 s over everything at once", *_RULES, needs=(Need.MOTOR,))
async def walk(bench: Bench) -> None:
    """Sessions, levels, patterns, heat, pauses, fades, links, operator, frames that must not count: --seed chooses."""
    await _walk(bench, bench.seed, _QUICK_S)


@check(
    "walk-long",
    "A random walk of 10 min over everything at once",
    *_RULES,
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def walk_long(bench: Bench) -> None:
    """Another walk of the same kind."""
    await _walk(bench, bench.seed + 1000, _FULL_S)
