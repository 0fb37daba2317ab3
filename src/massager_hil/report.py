"""The report on a terminal, and as JUnit XML for a build server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final
from xml.etree import ElementTree as ET

from massager_hil.advice import look_at
from massager_hil.distributions import distributions
from massager_hil.matrix import unseen
from massager_hil.model import Finding, Outcome, Verdict
from massager_hil.runner import Session

_WORDS: Final = {
    Verdict.PASSED: "PASS",
    Verdict.FAILED: "FAIL",
    Verdict.SKIPPED: "skip",
    Verdict.NOT_COVERED: "----",
    Verdict.NOT_RUN: "void",
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
    if outcome.verdict in (Verdict.SKIPPED, Verdict.NOT_COVERED, Verdict.NOT_RUN):
        return f"{head}\n      {outcome.reason}"
    broken = [f"      {finding}" for finding in outcome.broken]
    return "\n".join([head, *broken, *(f"      {said}" for said in advice(outcome))])


def advice(outcome: Outcome) -> list[str]:
    """What to look at in the firmware, a line for each rule that is broken."""
    return [f"{rule}: look at {said}" for rule in outcome.rules_broken if (said := look_at(rule))]


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
    if session.flaky:
        names = ", ".join(outcome.check.id for outcome in session.flaky)
        text += f"\nPassed, but not at the first try, as this computer was late: {names}"
    if session.lost:
        text += f"\nThe device was lost: {session.lost}"
    if session.interrupted:
        text += "\nThe run was interrupted."
    if session.bench_failed:
        text += f"\nThe bench failed: {session.bench_failed}"
    lines = [text, *map(str, distributions(session.outcomes))]
    if rules := unseen(session):
        lines.append(f"No check of this run looked at: {', '.join(rules)}")
    if broken := session.rules_broken:
        lines.append(f"Rules broken: {', '.join(broken)}")
    return "\n".join(lines)


def junit(session: Session) -> bytes:
    """JUnit XML: a test case a check; what is not covered counts as skipped."""
    skipped = session.count(Verdict.SKIPPED) + session.count(Verdict.NOT_COVERED)
    suite = ET.Element(
        "testsuite",
        name="massager-sim hil",
        tests=str(len(session.outcomes)),
        failures=str(session.count(Verdict.FAILED)),
        errors=str(session.count(Verdict.NOT_RUN)),
        timestamp=datetime.fromtimestamp(session.began, tz=UTC).isoformat(timespec="seconds"),
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
    yield "tool", version("massager-ctl")
    yield "seed", str(session.seed)
    yield "flaky", " ".join(outcome.check.id for outcome in session.flaky)
    yield "tier", "full" if session.full else "quick"
    if session.interrupted:
        yield "interrupted", "yes"
    if session.bench_failed:
        yield "bench failed", session.bench_failed
    yield "rules broken", " ".join(session.rules_broken)
    yield "not looked at", " ".join(unseen(session))
    for d in distributions(session.outcomes):
        yield f"{d.what}: n", str(d.n)
        for name, value in (("min", d.least), ("p50", d.p50), ("p99", d.p99), ("max", d.most)):
            yield f"{d.what}: {name}, s", f"{value:.4f}"


def _case(suite: ET.Element, outcome: Outcome) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname="massager_hil." + outcome.check.procedure.__module__.rpartition(".")[2],
        name=f"{outcome.check.id}: {outcome.check.title}",
        time=f"{outcome.seconds:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    for name, value in measured(outcome):
        ET.SubElement(properties, "property", name=name, value=value)
    if outcome.verdict is Verdict.NOT_RUN:
        ET.SubElement(case, "error", message=outcome.reason)
    elif outcome.verdict is Verdict.FAILED:
        rules = ", ".join(outcome.rules_broken)
        failure = ET.SubElement(case, "failure", message=f"breaks {rules}", type=rules)
        lines = [_plain(finding) for finding in outcome.broken]
        failure.text = "\n".join([*lines, *advice(outcome)])
    elif outcome.verdict is not Verdict.PASSED:
        ET.SubElement(case, "skipped", message=f"{outcome.verdict.value}: {outcome.reason}")
    output = ET.SubElement(case, "system-out")
    output.text = "\n".join(_plain(finding) for finding in outcome.findings)


def measured(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Rules, tries and every number with its unit and bounds: properties of a JUnit test case."""
    yield "rules", " ".join(outcome.check.rules)
    if outcome.tries:
        yield "flaky" if outcome.flaky else "tries", str(len(outcome.tries) + 1)
        for number, before in enumerate(outcome.tries, 1):
            yield f"try {number}", "; ".join(str(finding) for finding in before.broken)
    for finding in outcome.findings:
        if finding.value is not None:
            yield finding.what, f"{finding.value:g}"
            yield f"{finding.what}: unit", finding.unit
            if finding.low is not None:
                yield f"{finding.what}: low", f"{finding.low:g}"
            if finding.high is not None:
                yield f"{finding.what}: high", f"{finding.high:g}"


def _plain(finding: Finding) -> str:
    return f"{'ok' if finding.ok else 'BROKEN'}  {finding}"
