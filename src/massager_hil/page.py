"""The report as one HTML file: requirement, measured, bound, verdict, waveform; no scripts."""

from __future__ import annotations

from html import escape
from typing import Final

from massager_hil.distributions import distributions
from massager_hil.matrix import not_looked_at, rows
from massager_hil.model import Outcome, Verdict
from massager_hil.plot import waveform
from massager_hil.report import advice, heading
from massager_hil.runner import Session

_STYLE: Final = """\
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
td,th{text-align:left;padding:.15rem .6rem .15rem 0;vertical-align:top;border-top:1px solid #8884}
summary{cursor:pointer;padding:.25rem 0}
.passed{color:#084}.failed,.bad{color:#c20;font-weight:600}.skipped,.not{color:#777}
svg{width:100%;height:auto;font:10px system-ui;fill:currentColor}
polyline{fill:none;stroke-width:1.5}
.axis{fill:none;stroke:#888}.mark{stroke:#888;stroke-dasharray:3 3}
@media (prefers-color-scheme:dark){.passed{color:#4d8}.failed,.bad{color:#f76}}
"""


def page(session: Session) -> str:
    """The whole file."""
    counts = ", ".join(f"{session.count(v)} {v.value}" for v in Verdict if session.count(v))
    broken = session.rules_broken
    verdict = (
        f'<p class="bad">Rules broken: {", ".join(broken)}.</p>'
        if broken
        else '<p class="passed">No rule was found broken.</p>'
    )
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>Conformance of {escape(session.address)}</title><style>{_STYLE}</style>",
            "<h1>Conformance of a massager</h1>",
            f"<p>{escape(heading(session))}</p>",
            f"<p>{counts}, in {session.wall_s:.1f} s.</p>",
            verdict,
            *(f"<p>{escape(line)}.</p>" for line in not_looked_at(session)),
            _times(session),
            _requirements(session),
            "<p>The bounds are cautious design choices, not clinical evidence. What is not covered was"
            " not tested, which says nothing about the device.</p>",
            *(_section(outcome) for outcome in session.outcomes),
            "</html>\n",
        ]
    )


def _times(session: Session) -> str:
    """How the times of stop and dead-man are distributed."""
    lines = "".join(
        f"<tr><td>{d.rule}<td>{escape(d.what)}<td>{d.n}"
        f"<td>{d.least:.3f}<td>{d.p50:.3f}<td>{d.p99:.3f}<td>{d.most:.3f}"
        for d in distributions(session.outcomes)
    )
    head = "<tr><th>Rule<th>Time, s<th>n<th>min<th>p50<th>p99<th>max"
    return f"<h2>Times</h2><table>{head}{lines}</table>" if lines else ""


def _requirements(session: Session) -> str:
    """Requirement, check and verdict as a table; each check leads to what it found."""
    ran = {outcome.check.id for outcome in session.outcomes}

    def cell(names: tuple[str, ...], word: str) -> str:
        links = (f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names if name in ran)
        return f'<span class="{word}">{", ".join(links)}</span>'

    body = "".join(
        f'<tr><td>{row.rule}<td class="{row.verdict.split()[0]}">{row.verdict}'
        f"<td>{cell(row.passed, 'passed')}<td>{cell(row.failed, 'failed')}"
        f"<td>{cell(row.left_out, 'not')}"
        for row in rows(session)
    )
    head = "<tr><th>Rule<th>Verdict<th>Checks that passed<th>that failed<th>left out"
    return f"<h2>Requirements</h2><table>{head}{body}</table><h2>Checks</h2>"


def _section(outcome: Outcome) -> str:
    check = outcome.check
    opened = " open" if outcome.verdict is Verdict.FAILED else ""
    word = outcome.verdict.value
    head = (
        f"<details{opened} id='{escape(check.id)}'><summary><span class='{word.split()[0]}'>{word}</span> "
        f"<b>{escape(check.id)}</b> ({', '.join(check.rules)}): {escape(check.title)}</summary>"
    )
    found = "".join(
        f"<tr><td>{f.rule}<td>{escape(f.what)}<td>{escape(f.measured)}<td>{escape(f.bound)}"
        + ("<td>holds" if f.ok else "<td class='bad'>broken")
        for f in outcome.findings
    )
    table = (
        "<table><tr><th>Rule<th>Requirement<th>Measured<th>Bound<th>Verdict" + found + "</table>"
        if found
        else ""
    )
    reason = f"<p>{escape(outcome.reason)}</p>" if outcome.reason else ""
    reason += "".join(f"<p>{escape(said)}.</p>" for said in advice(outcome))
    return head + reason + table + waveform(outcome.wave, outcome.marks) + "</details>"
