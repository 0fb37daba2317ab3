"""R8's window: what is spent comes back after it, and no sooner; NVM gives back what it was given, or nothing."""

from __future__ import annotations

import pytest

from firmware_sim.config import Limits
from massager_fw.allowance import SLOT_S, Allowance
from massager_fw.config import TICKS_PER_S

LIMITS = Limits(allowance_s=100, window_s=400)
SLOTS = 400 // SLOT_S + 1
"""A slot leaves when all of it is older than the window."""
SLOT = SLOT_S * TICKS_PER_S


def run_for(allowance: Allowance, slots: int, ticks: int) -> None:
    """`ticks` of running in each of so many slots."""
    for _ in range(slots):
        allowance.run(ticks)
        allowance.turn_slot()


def test_what_was_spent_comes_back_slot_by_slot() -> None:
    allowance = Allowance(LIMITS)
    run_for(allowance, 3, 200)
    assert allowance.left == 100 * TICKS_PER_S - 600
    run_for(allowance, SLOTS - 4, 0)
    assert allowance.left == 100 * TICKS_PER_S - 600, "the first slot is not older than the window"
    for back in (200, 400, 600):
        allowance.turn_slot()
        assert allowance.left == 100 * TICKS_PER_S - 600 + back
    run_for(allowance, SLOTS, 0)
    assert allowance.left == 100 * TICKS_PER_S


def test_two_runs_in_one_slot_leave_together() -> None:
    allowance = Allowance(LIMITS)
    allowance.run(100)
    allowance.run(150)
    for _ in range(SLOTS - 1):
        allowance.turn_slot()
    assert allowance.left == 100 * TICKS_PER_S - 250
    allowance.turn_slot()
    assert allowance.left == 100 * TICKS_PER_S


def test_nvm_gives_back_slots_and_ages() -> None:
    allowance, again = Allowance(LIMITS), Allowance(LIMITS)
    run_for(allowance, 2, 300)
    run_for(allowance, 5, 0)
    allowance.run(SLOT)
    saved = bytearray(allowance.record_size)
    allowance.save(saved)
    again.run(7)
    assert again.restore(saved, len(saved))
    for _ in range(SLOTS + 1):
        assert again.left == allowance.left
        again.turn_slot()
        allowance.turn_slot()
    assert again.left == 100 * TICKS_PER_S


def test_an_untrusted_counter_leaves_nothing_for_a_whole_window() -> None:
    allowance = Allowance(LIMITS)
    allowance.run(7)
    allowance.spend_all()
    for _ in range(SLOTS):
        assert allowance.left == 0
        allowance.turn_slot()
    assert allowance.left == 100 * TICKS_PER_S


def test_nvm_never_gives_back_less_than_was_used() -> None:
    allowance, again = Allowance(LIMITS), Allowance(LIMITS)
    allowance.run(7)
    saved = bytearray(allowance.record_size)
    allowance.save(saved)
    assert again.restore(saved, len(saved))
    assert allowance.left - 1 <= again.left <= allowance.left
    allowance.spend_all()
    allowance.save(saved)
    assert again.restore(saved, len(saved))
    assert again.left == 0


@pytest.mark.parametrize(
    ("size", "why"),
    [(0, "nothing"), (2 * SLOTS - 2, "a slot too few"), (2 * SLOTS + 2, "a slot too many")],
)
def test_what_is_none_of_ours_is_not_taken(size: int, why: str) -> None:
    allowance = Allowance(LIMITS)
    allowance.run(50)
    assert not allowance.restore(bytearray(4 * SLOTS), size), why
    assert allowance.left == 100 * TICKS_PER_S - 50, "and changes nothing"
