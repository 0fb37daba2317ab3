"""What `pip install massager-ctl` brings: the core and all that it needs, without bytecode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from bench.figures import Row, Scale, at_most
from bench.processes import ROOT

NUMBER = 12
TITLE = "install of the core"

OWN = ("src/massager_ctl", "firmware_sim", "profiles")
"""What the wheel holds; the installation beside this is an editable one."""


def measure(scale: Scale) -> Row:
    del scale
    needed = sorted(closure("massager-ctl"))
    own = sum(_size(path) for folder in OWN for path in (ROOT / folder).rglob("*"))
    others = {name: sum(_files(distribution(name))) for name in needed if name != "massager-ctl"}
    total = own + sum(others.values())
    return Row(
        NUMBER,
        TITLE,
        (
            at_most("packages", len(needed), 15, ""),
            at_most("size", total / 1e6, 15, "MB"),
        ),
        {
            "own_mb": own / 1e6,
            **{f"{name.replace('-', '_')}_mb": size / 1e6 for name, size in others.items()},
        },
    )


def closure(name: str, seen: set[str] | None = None) -> set[str]:
    """`name` and everything that it needs without extras on this system."""
    seen = set() if seen is None else seen
    if name in seen:
        return seen
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return seen  # a marker keeps it away from this system
    seen.add(name)
    for requirement in found.requires or ():
        wanted, _, marker = requirement.partition(";")
        if "extra" not in marker:
            closure(_name(wanted), seen)
    return seen


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def _files(found: Distribution) -> Iterator[int]:
    for file in found.files or ():
        yield _size(Path(str(found.locate_file(file))))


def _size(path: Path) -> int:
    if path.suffix == ".pyc" or not path.is_file():
        return 0
    return path.stat().st_size
