"""What docs/safety.md says, and which of its requirements and faults a test cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")

_NAMES_R: Final = re.compile(r"(?<![A-Za-z0-9])[rR](\d{1,2})(?![0-9A-Za-z])")
_RANGE_R: Final = re.compile(r"R(\d{1,2}) to R(\d{1,2})")
_NAMES_FAULT: Final = re.compile(r"faults?_((?:\d+_)+)")


def rows(first: str) -> Iterator[list[str]]:
    """The cells of the table whose heading begins with `first`."""
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            next(lines)
            break
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip().strip("|").split(" | ")]


REQUIREMENTS: Final = frozenset(int(row[0].removeprefix("R")) for row in rows("id"))
FAULTS: Final = frozenset(int(row[0]) for row in rows("fault"))


def cited_requirements(text: str) -> set[int]:
    """The R-ids that a name or a docstring cites."""
    found = {int(number) for number in _NAMES_R.findall(text.replace("_", " "))}
    for first, last in _RANGE_R.findall(text):
        found.update(range(int(first), int(last) + 1))
    return found


def cited_faults(names: Iterable[str]) -> set[int]:
    """The numbers of the faults that the names of tests cite."""
    found: set[int] = set()
    for name in names:
        for several in _NAMES_FAULT.findall(f"{name}_"):
            found.update(int(number) for number in several.split("_") if number)
    return found
