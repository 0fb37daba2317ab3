"""Writes the results: bench/results.json, and the table in the document."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from bench.figures import Goal, short
from bench.processes import ROOT

RESULTS = ROOT / "bench" / "results.json"
DOCUMENT = ROOT / "docs" / "explanation" / "performance.md"
HEAD = "<!-- bench: the table is written by `make bench` -->\n"
TAIL = "<!-- end bench -->\n"


def write(results: list[dict[str, Any]]) -> None:
    machine = describe()
    RESULTS.write_text(
        json.dumps({"machine": machine, "rows": results}, indent=2) + "\n", encoding="utf-8"
    )
    if DOCUMENT.exists():
        put(DOCUMENT, f"{to_markdown(results)}\nMeasured on {machine}.\n")


def describe() -> str:
    """The machine, as far as it matters."""
    load = os.getloadavg()[0]
    return (
        f"Python {sys.version.split()[0]}, {platform.system()} {platform.release()}, {platform.machine()},"
        f" {os.cpu_count()} cores, load {load:.1f} at the end"
    )


def put(document: Path, text: str) -> None:
    """Put `text` between the markers of the document."""
    before, head, rest = document.read_text(encoding="utf-8").partition(HEAD)
    _, tail, after = rest.partition(TAIL)
    if not head or not tail:
        raise ValueError(f"{document} has no place for the table")
    document.write_text(f"{before}{HEAD}\n{text}\n{TAIL}{after}", encoding="utf-8")


def to_markdown(results: list[dict[str, Any]]) -> str:
    lines = ["| # | measured | reached | to reach | |", "|---|---|---|---|---|"]
    for result in results:
        goals = result["goals"]
        reached = "<br>".join(f"{goal['name']}: {_value(goal)}" for goal in goals)
        bounds = "<br>".join(
            f"{goal['sense']} {short(goal['bound'], goal['unit'])}" for goal in goals
        )
        verdict = "ok" if result["ok"] else "MISS"
        cells = (str(result["number"]), result["title"], reached or result["note"], bounds, verdict)
        lines.append(f"| {' | '.join(cells)} |".replace("<=", "≤").replace(">=", "≥"))
    return "\n".join(lines) + "\n"


def _value(goal: dict[str, Any]) -> str:
    value = goal["value"]
    text = "not measured" if value is None else f"**{short(value, goal['unit'])}**"
    return f"{text} ({goal['why']})" if goal["why"] and not Goal(**goal).met else text
