"""The suite shares no table with the firmware: two neighbouring numbers exchanged are found, wherever that is."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from tests.hil.swaps import Swap, all_swaps, exchanged

from massager_hil.runner import Order, run
from massager_hil.suite import all_checks

pytestmark = pytest.mark.unmeasured

CHECKS = {check.id: check for check in all_checks()}
FOUND_BY: dict[str, str] = json.loads(
    (Path(__file__).parent / "swaps_found_by.json").read_text(encoding="utf-8")
)
"""Which check finds each exchange soonest, as tests/hil/find.py writes it; "" where it changes nothing."""
CHANGES_NOTHING = {
    "pattern.Motion: 0 0 and 1": "only the validation of fields asks for REST, by a number of its own file",
}
SWAPS = {str(swap): swap for swap in all_swaps()}
WHOLE = "MASSAGER_SOAK" in os.environ
"""Every night all of them; else some, chosen by a seed, of each table."""
SAMPLE = 2


def chosen() -> list[Swap]:
    if WHOLE:
        return [swap for name, swap in SWAPS.items() if name not in CHANGES_NOTHING]
    chance = random.Random("which neighbours are exchanged")
    tables: dict[str, list[Swap]] = {}
    for swap in SWAPS.values():
        if str(swap) in CHANGES_NOTHING:
            continue
        tables.setdefault(f"{swap.module}.{swap.table}", []).append(swap)
    return [s for swaps in tables.values() for s in chance.sample(swaps, min(SAMPLE, len(swaps)))]


def broken_by(swap: Swap, name: str) -> list[str]:
    """The rules that a check names, or why the device cannot even start."""
    name, _, uneven = name.partition(" ")
    with exchanged(swap, uneven=bool(uneven)):
        try:
            session = run(Order("sim:", (CHECKS[name],)), lambda _: None, lambda _: None)
        except Exception as error:  # noqa: BLE001 - a device that trips over its own table is found as well
            return [repr(error)]
        return session.rules_broken or [session.lost] * bool(session.lost)


def test_a_check_is_named_for_each_exchange() -> None:
    assert set(FOUND_BY) == set(SWAPS), "python -m tests.hil.find swaps"
    unnamed = {swap for swap, name in FOUND_BY.items() if name.partition(" ")[0] not in CHECKS}
    assert unnamed == set(CHANGES_NOTHING)


@pytest.mark.parametrize("swap", chosen(), ids=str)
def test_two_numbers_exchanged_are_found(swap: Swap) -> None:
    assert broken_by(swap, FOUND_BY[str(swap)])


def test_a_device_whose_masks_all_differ_is_a_sound_one() -> None:
    """It lacks a zone, two vibration motors, a kneading motor and a motion: no check takes these for faults."""
    checks = tuple(check for check in CHECKS.values() if check.id != "walk-long")
    with exchanged(None, uneven=True):
        session = run(Order("sim:", checks), lambda _: None, lambda _: None)
    assert [str(finding) for outcome in session.outcomes for finding in outcome.broken] == []


def test_the_firmware_is_as_it_was_afterwards() -> None:
    swap = next(iter(SWAPS.values()))
    assert broken_by(swap, "telemetry")
    session = run(Order("sim:", (CHECKS["telemetry"],)), lambda _: None, lambda _: None)
    assert not session.rules_broken
