"""Writes which check finds what soonest: `python -m tests.hil.find mutants` or `… swaps`, for what is new or went away.

The tests read these files so that they need not run all checks on all devices; every night they do.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.hil.swaps import all_swaps, exchanged

from firmware_sim.mutants import MUTANTS
from massager_hil.model import Check, Tier
from massager_hil.runner import Order, run
from massager_hil.suite import all_checks, chosen

HERE = Path(__file__).parent
UNEVEN = " uneven"
"""Behind a check's name: only a device whose masks all differ is another one with these two exchanged."""
_FIRST = ("info-bounds", "stop-armed", "busy", "arm-malformed", "after-every-end", "reset")
_WALKS = frozenset(("walk", "walk-long"))


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())}


def nearest(words: str, checks: Iterable[Check]) -> list[Check]:
    """Those first that share most words, walks last."""
    stems = _stems(words.replace("-", " "))

    def place(check: Check) -> tuple[bool, bool, int, bool]:
        said = f"{check.id.replace('-', ' ')} {check.title} {check.procedure.__doc__}"
        shared = len(stems & _stems(said))
        return check.id in _WALKS, check.id not in _FIRST, -shared, check.tier is Tier.FULL

    return sorted(checks, key=place)


def mutant(name: str) -> str:
    """The check that finds a mutant by its rule; empty if none does."""
    rule, about = MUTANTS[name].rule, MUTANTS[name].about
    for check in nearest(f"{name} {about}", chosen(rule, all_checks())):
        session = run(Order(f"sim:?mutant={name}", (check,)), lambda _: None, lambda _: None)
        if rule in session.rules_broken:
            return check.id
    return ""


def swap(words: str) -> str:
    """The check that finds an exchange; empty if none does."""
    wanted = next(swap for swap in all_swaps() if str(swap) == words)
    for uneven in (False, True):
        for check in nearest(words, all_checks()):
            with exchanged(wanted, uneven=uneven):
                try:
                    session = run(Order("sim:", (check,)), lambda _: None, lambda _: None)
                    found = bool(session.rules_broken or session.lost)
                except Exception:  # noqa: BLE001 - it trips over its own table
                    found = True
            if found:
                return check.id + UNEVEN * uneven
    return ""


def update(file: str, names: list[str], find: Callable[[str], str]) -> None:
    path = HERE / file
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    made = {name: known.get(name) or find(name) for name in names}
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{file}: {sum(map(bool, made.values()))} of {len(made)} are found\n")


if __name__ == "__main__":
    if "mutants" in sys.argv:
        update("mutants_found_by.json", list(MUTANTS), mutant)
    if "swaps" in sys.argv:
        update("swaps_found_by.json", [str(swap) for swap in all_swaps()], swap)
