"""The suite passes the sound device, and finds every broken one by the rule that it breaks."""

from __future__ import annotations

import pytest

from firmware_sim.hil.model import Outcome, Tier, Verdict
from firmware_sim.hil.runner import Order, run
from firmware_sim.hil.suite import all_checks, chosen
from firmware_sim.mutants import MUTANTS

CHECKS = all_checks()


def test_the_sound_device_passes_every_check_in_full() -> None:
    session = run(Order("sim:", tuple(CHECKS)), lambda _: None, lambda _: None)
    assert [str(finding) for outcome in session.outcomes for finding in outcome.broken] == []
    assert {outcome.verdict for outcome in session.outcomes} == {Verdict.PASSED}
    assert all(outcome.findings for outcome in session.outcomes)
    assert session.simulated_time
    assert session.full


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sound_device_passes_the_quick_checks_with_any_seed(seed: int) -> None:
    quick = tuple(check for check in CHECKS if check.tier is Tier.QUICK)
    session = run(Order(f"sim:?seed={seed}", quick), lambda _: None, lambda _: None)
    assert session.rules_broken == []


@pytest.mark.parametrize(
    "options",
    [
        "mains=on",
        "heat=off",
        "kneading=off",
        "fault=no_sensing",
        "fault=clock=-10%25",
        "fault=clock=%2B10%25",
    ],
)
def test_a_sound_device_of_another_build_passes_too(options: str) -> None:
    left_out = {"overheat", "heat", "allowance", "pauses-limit", "session-limit", "envelope"}
    if options == "mains=on":
        left_out |= {"battery-low", "battery-empty", "charging"}  # It has no battery.
    if "no_sensing" in options:
        left_out |= {"stall", "over-current", "stuck-output", "fault-kept"}  # It cannot see them.
    checks = tuple(check for check in CHECKS if check.id not in left_out)
    session = run(Order(f"sim:?{options}", checks), lambda _: None, lambda _: None)
    assert [str(f) for outcome in session.outcomes for f in outcome.broken] == []


def test_there_are_mutants_of_most_rules() -> None:
    assert len(MUTANTS) >= 20
    assert {mutant.rule for mutant in MUTANTS.values()} >= {
        *("R1", "R2", "R3", "R4", "R6", "R7", "R8", "R11", "R12", "R13", "R14"),
        *("R15", "R16", "R17", "R19", "R24"),
    }


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_found_by_the_rule_that_it_breaks(name: str) -> None:
    """Check by check, quick ones first, until one names the rule."""
    rule = MUTANTS[name].rule
    looked: list[Outcome] = []
    for check in chosen(rule, CHECKS):
        session = run(Order(f"sim:?mutant={name}", (check,)), looked.append, lambda _: None)
        if rule in session.rules_broken:
            return
    pytest.fail(f"{name} breaks {rule}, and {len(looked)} checks of it did not see that")
