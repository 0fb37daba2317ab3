"""The suite passes the sound device, and finds every broken one by the rule that it breaks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from firmware_sim.mutants import MUTANTS
from massager_hil.model import Need, Tier, Verdict
from massager_hil.runner import Order, run
from massager_hil.suite import all_checks

CHECKS = all_checks()


def test_the_sound_device_passes_every_check_in_full() -> None:
    session = run(Order("sim:", tuple(CHECKS)), lambda _: None, lambda _: None)
    assert [str(finding) for outcome in session.outcomes for finding in outcome.broken] == []
    skipped = {o.check.id for o in session.outcomes if o.verdict is not Verdict.PASSED}
    assert skipped == {"power-cycle", "links-without-bond", "stall-kneading"}
    assert session.simulated_time
    assert session.full


@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", [1, 2])
def test_the_sound_device_passes_the_quick_checks_with_any_seed(seed: int) -> None:
    quick = tuple(check for check in CHECKS if check.tier is Tier.QUICK)
    session = run(Order(f"sim:?seed={seed}", quick), lambda _: None, lambda _: None)
    assert session.rules_broken == []


def test_the_quick_tier_over_a_serial_port_takes_less_than_two_minutes() -> None:
    """Seconds that the checks wait; a walk of 60 s and 3 s for the rate of the clock come to them."""
    alone = {Need.MOTOR, Need.FULL_POWER}
    checks = [check for check in CHECKS if check.tier is Tier.QUICK and check.needs <= alone]
    walks = [check for check in checks if check.id == "walk"]
    rest = tuple(check for check in checks if check.id != "walk")
    session = run(Order("sim:", rest), lambda _: None, lambda _: None)
    assert session.rules_broken == []
    assert len(walks) == 1
    assert sum(outcome.seconds for outcome in session.outcomes) < 56.0


@pytest.mark.unmeasured
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
        left_out |= {"stall", "over-current", "stuck-output", "fault-kept", "press-in-fault"}
    checks = tuple(check for check in CHECKS if check.id not in left_out)
    session = run(Order(f"sim:?{options}", checks), lambda _: None, lambda _: None)
    assert [str(f) for outcome in session.outcomes for f in outcome.broken] == []


def test_there_are_mutants_of_most_rules() -> None:
    assert len(MUTANTS) >= 120
    assert {mutant.rule for mutant in MUTANTS.values()} >= {
        *("R1", "R2", "R3", "R4", "R6", "R7", "R8", "R9", "R11", "R12", "R13", "R14"),
        *("R15", "R16", "R17", "R19", "R24"),
    }
    assert all(mutant.about for mutant in MUTANTS.values())


FOUND_BY: dict[str, str] = json.loads(
    (Path(__file__).parent / "mutants_found_by.json").read_text(encoding="utf-8")
)
"""Which check finds each of them soonest; kept only so that this test need not run all checks on all devices."""
WHOLE = "MASSAGER_SOAK" in os.environ
"""Every night all checks run on all of them."""


def test_a_check_is_named_for_each_mutant() -> None:
    assert set(FOUND_BY) == set(MUTANTS), "python -m tests.hil.find mutants"
    assert set(FOUND_BY.values()) <= {check.id for check in CHECKS}


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_found_by_the_rule_that_it_breaks(name: str) -> None:
    checks = CHECKS if WHOLE else [check for check in CHECKS if check.id == FOUND_BY[name]]
    order = Order(f"sim:?mutant={name}", tuple(checks))
    session = run(order, lambda _: None, lambda _: None)
    assert MUTANTS[name].rule in session.rules_broken
