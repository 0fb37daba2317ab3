"""The report on a terminal, and as JUnit XML for a build server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from firmware_sim.hil.model import Finding, Outcome, Verdict
from firmware_sim.hil.runner import Session

_WORDS: Final = {
    Verdict.PASSED: "PASS",
    Verdict.FAILED: "FAIL",
    Verdict.SKIPPED: "skip",
    Verdict.NOT_COVERED: "----",
}
_NAME_WIDTH: Final = 20
_RULES_WIDTH: Final = 14


def heading(session: Session) -> str:
    """What was tested, in one line."""
    info = session.info
    if info is None:
        return session.address
    version = ".".join(map(str, info.firmware))
    simulated = ", simulated" if info.flags & 1 else ""
    tier = "full" if session.full else "quick"
    clock = "simulated time" if session.simulated_time else "real time"
    return f"{session.address}: {info.serial}, firmware {version}{simulated}; {tier}, {clock}"


def line(outcome: Outcome) -> str:
    """One check in one line, and a line for each finding that does not hold."""
    check = outcome.check
    rules = " ".join(check.rules)
    head = f"{_WORDS[outcome.verdict]}  {check.id:<{_NAME_WIDTH}} {rules:<{_RULES_WIDTH}} {check.title}"
    if outcome.verdict in (Verdict.SKIPPED, Verdict.NOT_COVERED):
        return f"{head}\n      {outcome.reason}"
    broken = [f"      {finding}" for finding in outcome.broken]
    return "\n".join([head, *broken])


def details(outcome: Outcome) -> str:
    """Every finding of a check, one a line."""
    return "\n".join(f"      {'ok ' if f.ok else 'BAD'} {f}" for f in outcome.findings)


def summary(session: Session) -> str:
    """The counts, and the rules that the device breaks."""
    counts = [
        f"{session.count(verdict)} {verdict.value}"
        for verdict in Verdict
        if session.count(verdict) or verdict in (Verdict.PASSED, Verdict.FAILED)
    ]
    text = f"{', '.join(counts)} in {session.wall_s:.1f} s"
    broken = session.rules_broken
    return f"{text}\nRules broken: {', '.join(broken)}" if broken else text


def junit(session: Session) -> bytes:
    """JUnit XML: a test case a check; what is not covered counts as skipped."""
    skipped = session.count(Verdict.SKIPPED) + session.count(Verdict.NOT_COVERED)
    suite = ET.Element(
        "testsuite",
        name="massager-sim hil",
        tests=str(len(session.outcomes)),
        failures=str(session.count(Verdict.FAILED)),
        errors="0",
        skipped=str(skipped),
        time=f"{session.wall_s:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _facts(session):
        ET.SubElement(properties, "property", name=name, value=value)
    for outcome in session.outcomes:
        _case(suite, outcome)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _facts(session: Session) -> Iterator[tuple[str, str]]:
    yield "device", session.address
    if session.info is not None:
        yield "serial", session.info.serial
        yield "firmware", ".".join(map(str, session.info.firmware))
    yield "tier", "full" if session.full else "quick"
    yield "rules broken", " ".join(session.rules_broken)


def _case(suite: ET.Element, outcome: Outcome) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"hil.{outcome.check.rules[0]}",
        name=f"{outcome.check.id}: {outcome.check.title}",
        time=f"{outcome.seconds:.3f}",
    )
    if outcome.verdict is Verdict.FAILED:
        rules = ", ".join(outcome.rules_broken)
        failure = ET.SubElement(case, "failure", message=f"breaks {rules}", type=rules)
        failure.text = "\n".join(_plain(finding) for finding in outcome.broken)
    elif outcome.verdict is not Verdict.PASSED:
        ET.SubElement(case, "skipped", message=f"{outcome.verdict.value}: {outcome.reason}")
    output = ET.SubElement(case, "system-out")
    output.text = "\n".join(_plain(finding) for finding in outcome.findings)


def _plain(finding: Finding) -> str:
    return f"{'ok' if finding.ok else 'BROKEN'}  {finding}"
