"""Requirement by requirement: which checks looked at it, and what came out; what no check looked at is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from massager_hil.distributions import distributions
from massager_hil.model import Verdict
from massager_hil.runner import Session

RULES: Final = tuple(f"R{number}" for number in range(1, 26))
HOST_ONLY: Final = frozenset(("R5", "R10", "R18", "R20", "R21", "R22", "R23", "R25"))
"""Rules of docs/safety.md that the host keeps: no device can show them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement."""

    rule: str
    verdict: str
    """passed, failed, not covered, or host: the device has no part in it."""
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    left_out: tuple[str, ...]


def rows(session: Session) -> list[Row]:
    """All requirements, in their order."""
    return [_row(session, rule) for rule in RULES]


def _row(session: Session, rule: str) -> Row:
    passed: dict[str, None] = {}
    failed: dict[str, None] = {}
    left_out: dict[str, None] = {}
    for outcome in session.outcomes:
        name = outcome.check.id
        if rule in outcome.rules_broken:
            failed[name] = None
        elif rule in outcome.check.rules:
            looked = outcome.verdict in (Verdict.PASSED, Verdict.FAILED)
            (passed if looked else left_out)[name] = None
    if failed:
        verdict = "failed"
    elif passed:
        verdict = "passed"
    else:
        verdict = "host" if rule in HOST_ONLY else "not covered"
    return Row(rule, verdict, tuple(passed), tuple(failed), tuple(left_out))


def unseen(session: Session) -> list[str]:
    """Requirements of a device at which no check of this run looked."""
    return [row.rule for row in rows(session) if row.verdict == "not covered"]


def kept_by_host(session: Session) -> list[str]:
    """Requirements that the host keeps, so that no check of a device can look at them."""
    return [row.rule for row in rows(session) if row.verdict == "host"]


def not_looked_at(session: Session) -> list[str]:
    """What this run says nothing about, a line each."""
    lines: list[str] = []
    if rules := unseen(session):
        lines.append(f"No check of this run looked at: {', '.join(rules)}")
    if rules := kept_by_host(session):
        lines.append(f"Kept by the host, so that no check of a device can look: {', '.join(rules)}")
    return lines


def missing(session: Session, required: tuple[str, ...]) -> list[str]:
    """Of the rules that are required, those that no check showed to hold."""
    shown = {row.rule for row in rows(session) if row.verdict == "passed"}
    return [rule for rule in required if rule not in shown]


def markdown(session: Session) -> str:
    """The table, with a head that says of what."""
    info = session.info
    what = (
        session.address
        if info is None
        else f"{info.serial}, firmware {'.'.join(map(str, info.firmware))}"
    )
    lines = [
        f"# Conformance of {what}",
        "",
        f"{'full' if session.full else 'quick'} tier, seed {session.seed}.",
        "",
        "| rule | verdict | checks that looked | checks that failed | left out |",
        "|---|---|---|---|---|",
    ]
    for row in rows(session):
        cells = (", ".join(names) for names in (row.passed, row.failed, row.left_out))
        lines.append(f"| {row.rule} | {row.verdict} | {' | '.join(cells)} |")
    lines += ["", *(f"{line}.\n" for line in not_looked_at(session))]
    if found := distributions(session.outcomes):
        lines += ["| time | n | min | p50 | p99 | max |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {d.what}, s | {d.n} | {d.least:.3f} | {d.p50:.3f} | {d.p99:.3f} | {d.most:.3f} |"
            for d in found
        ]
    return "\n".join(lines) + "\n"


def evidence(session: Session) -> str:
    """A form for the evidence of one device: what this run showed, and room for what only a person can fill in."""
    info = session.info
    serial = "not known" if info is None else info.serial
    firmware = "not known" if info is None else ".".join(map(str, info.firmware))
    real = info is not None and not info.flags & 1
    lines = [
        "# Evidence of a device",
        "",
        f"Serial number {serial}, firmware {firmware}, {'full' if session.full else 'quick'} tier, "
        f"seed {session.seed}, on {'hardware' if real else 'a simulated device: the last column is not hardware'}.",
        "",
        "Witness (instrument, calibration): ____  Person: ____  Date: ____",
        "",
        "| rule | this run | on hardware, by whom and how |",
        "|---|---|---|",
    ]
    for row in rows(session):
        shown = f"{row.verdict}: {len(row.passed)} checks" if row.passed else row.verdict
        lines.append(
            f"| {row.rule} | {shown} | {shown if real and row.verdict == 'passed' else '____'} |"
        )
    return "\n".join(lines) + "\n"
