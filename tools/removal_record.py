"""What `make removals` found: the journal of a seed, the survivors that are argued for, the closing lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from removal_copy import Copy
from removal_points import Point

ARGUED: Final = Path("docs/reference/mutants.md")
_ROW: Final = re.compile(
    r"^\| `(?P<where>[^`]+)` \| `{1,2} ?(?P<removed>.+?) ?`{1,2} \| .+ \|$", re.M
)


class Outcome(StrEnum):
    """What became of a removal."""

    KILLED = "killed"
    HUNG = "hung"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Result:
    """A removal that was tried. `by`: the test that noticed; `tree`, `source`: what it was tried on, and its file."""

    point: Point
    outcome: Outcome
    by: str
    tests: int
    seconds: float
    tree: str
    source: str

    @property
    def lives(self) -> bool:
        """Whether no test missed it."""
        return self.outcome is Outcome.SURVIVED


class Journal:
    """What was tried under a seed, one line of JSON each, so that a run that was cut short goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, copy: Copy) -> dict[str, Result]:
        """What still holds, by name: a survivor is tried again on another tree, as a test may have come."""
        if not self._path.exists():
            return {}
        lines = self._path.read_text(encoding="utf-8").splitlines()
        results = [_result(json.loads(line)) for line in lines]
        return {
            each.point.name: each
            for each in results
            if each.tree == copy.key
            or (not each.lives and each.source == copy.digest(each.point.path))
        }

    def add(self, result: Result) -> None:
        """Write one down, at once."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")


def _result(fields: dict[str, Any]) -> Result:
    point, outcome = Point(**fields.pop("point")), Outcome(fields.pop("outcome"))
    return Result(point, outcome, **fields)


def argued(root: Path) -> set[tuple[str, str]]:
    """Place and code of the survivors whose equivalence is argued for."""
    text = (root / ARGUED).read_text(encoding="utf-8")
    return {(row["where"], row["removed"].replace(r"\|", "|")) for row in _ROW.finditer(text)}


def line_of(result: Result) -> str:
    """A result for a person."""
    point = result.point
    found_by = result.by or f"{result.tests} tests"
    return f"{result.outcome:<9} {point.path}:{point.first} [{point.removed}] {found_by} ({result.seconds:.0f} s)"


def summary(results: Iterable[Result], known: set[tuple[str, str]]) -> tuple[str, bool]:
    """The figures and the survivors that are not argued for; True if there is none."""
    tried = list(results)
    living = [each for each in tried if each.lives]
    missing = [each for each in living if (each.point.where, each.point.removed) not in known]
    took = sum(each.seconds for each in tried) / max(1, len(tried))
    lines = [
        f"removals: {len(tried)} tried, {len(tried) - len(living)} noticed, {len(living)} survived,"
        f" {len(living) - len(missing)} of them equivalent by an argument in {ARGUED};"
        f" {took:.0f} s each"
    ]
    for each in missing:
        point = each.point
        lines.append(f"  {each.outcome}: {point.path}:{point.first} in {point.scope}")
        escaped = point.removed.replace("|", r"\|")
        lines.append(f"    | `{point.where}` | `` {escaped} `` | … |")
    return "\n".join(lines), not missing
