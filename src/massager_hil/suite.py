"""All checks, in the order in which they run, and how to choose among them."""

from __future__ import annotations

from collections.abc import Iterable

from massager_hil import (
    checks_boot,
    checks_challenge,
    checks_deadman,
    checks_drives,
    checks_ends,
    checks_faults,
    checks_fed,
    checks_frames,
    checks_latch,
    checks_levels,
    checks_links,
    checks_protocol,
    checks_session,
    checks_settings,
    checks_stop,
    checks_time,
    checks_walk,
)
from massager_hil.model import CHECKS, Check, Need, Tier

_MODULES = (
    checks_protocol,
    checks_frames,
    checks_stop,
    checks_session,
    checks_challenge,
    checks_deadman,
    checks_fed,
    checks_ends,
    checks_links,
    checks_levels,
    checks_settings,
    checks_drives,
    checks_time,
    checks_latch,
    checks_boot,
    checks_walk,
    checks_faults,
)
"""Importing them registers their checks; this is their order."""

_LAST = "allowance"
"""Spends the hour's running time, so that nothing can run after it."""


def all_checks() -> list[Check]:
    """Quick ones first, then the long ones; what spends the allowance comes last."""
    modules = [module.__name__ for module in _MODULES]

    def place(check: Check) -> tuple[bool, bool, int]:
        module = modules.index(check.procedure.__module__)
        return check.tier is Tier.FULL, check.id == _LAST, module

    return sorted(CHECKS, key=place)


def chosen(expression: str, checks: Iterable[Check]) -> list[Check]:
    """The checks whose name, title or rules hold the words: `stop or R8`, `R4 and not link`."""
    return [check for check in checks if _holds(expression, check)]


def _holds(expression: str, check: Check) -> bool:
    text = f"{check.id} {check.title}".lower()
    rules = {rule.lower() for rule in check.rules}

    def word(term: str) -> bool:
        wanted = term.removeprefix("not ").strip()
        found = wanted in rules or (wanted in text and not _is_rule(wanted))
        return found != term.startswith("not ")

    return any(
        all(word(term.strip()) for term in part.split(" and "))
        for part in expression.lower().split(" or ")
    )


def _is_rule(word: str) -> bool:
    return word[:1] == "r" and word[1:].isdecimal()


def table() -> str:
    """The list for the documentation."""
    lines = ["| check | rules | tier | needs | what it looks at |", "|---|---|---|---|---|"]
    for check in all_checks():
        needs = ", ".join(
            need.name.lower().replace("_", " ") for need in Need if need in check.needs
        )
        rules = ", ".join(check.rules)
        lines.append(f"| `{check.id}` | {rules} | {check.tier.value} | {needs} | {check.title} |")
    return "\n".join(lines)
