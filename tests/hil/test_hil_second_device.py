"""A sound device that this suite was not made with passes, and broken ones that it was not made with are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.second_device.bad import BAD

from massager_hil.model import Tier, Verdict
from massager_hil.runner import Order, run
from massager_hil.suite import all_checks

pytestmark = pytest.mark.unmeasured

CHECKS = {check.id: check for check in all_checks()}
FOUND_BY: dict[str, str] = json.loads(
    (Path(__file__).parent / "second_device_found_by.json").read_text(encoding="utf-8")
)
"""Which check finds each of them soonest; kept only so that this test need not run all checks on all devices."""
LEFT_OUT = {"watchdog"}
"""Needs a fault that this device does not have."""


LONG = sorted(name for name in set(FOUND_BY.values()) if CHECKS[name].tier is not Tier.QUICK)


@pytest.mark.parametrize("name", LONG)
def test_the_sound_device_passes_what_finds_the_broken_ones(name: str) -> None:
    session = run(
        Order("python:tests.hil.second:sound", (CHECKS[name],)), lambda _: None, lambda _: None
    )
    assert [str(finding) for outcome in session.outcomes for finding in outcome.broken] == []


@pytest.mark.parametrize("link", ["serial"])
def test_the_sound_device_passes(link: str) -> None:
    quick = tuple(
        check for check in CHECKS.values() if check.tier is Tier.QUICK and check.id not in LEFT_OUT
    )
    address = f"python:tests.hil.second:sound?link={link}"
    session = run(Order(address, quick), lambda _: None, lambda _: None)
    assert [str(finding) for outcome in session.outcomes for finding in outcome.broken] == []
    assert {outcome.verdict for outcome in session.outcomes} == {Verdict.PASSED}


def test_hardly_any_broken_one_is_missed() -> None:
    assert set(FOUND_BY) <= set(BAD)
    assert len(FOUND_BY) >= 0.95 * len(BAD)


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_broken_one_is_found(name: str) -> None:
    order = Order(f"python:tests.hil.second:{name}", (CHECKS[FOUND_BY[name]],))
    session = run(order, lambda _: None, lambda _: None)
    assert session.rules_broken
