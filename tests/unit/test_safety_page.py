"""docs/safety.md says what is true: no empty cell, all that it names is there, and tests that ran cite all of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
from tests.faults.cases import CASES, Case

for _story in ("host", "link", "admission", "device", "process"):
    import_module(f"tests.faults.story_{_story}")

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
REQUIREMENTS: Final = frozenset(range(1, 25))
FAULTS: Final = frozenset(range(1, 60))

_TEST: Final = re.compile(r"`((?:tests/)?[\w/]+\.py)::(\w+)`")
_FILE: Final = re.compile(r"`((?:tests/|firmware_sim/)?[\w/]+\.py)`")
_NAMES_R: Final = re.compile(r"(?<![A-Za-z0-9])[rR](\d{1,2})(?![0-9A-Za-z])")
_RANGE_R: Final = re.compile(r"R(\d{1,2}) to R(\d{1,2})")
_NAMES_FAULT: Final = re.compile(r"faults?_((?:\d+_)+)|test_fault\[(\d+)-")


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


def cited_requirements(text: str) -> set[int]:
    """The R-ids that a name or a docstring cites."""
    found = {int(number) for number in _NAMES_R.findall(text)}
    for first, last in _RANGE_R.findall(text):
        found.update(range(int(first), int(last) + 1))
    return found


def cited_faults(names: Iterable[str]) -> set[int]:
    """The numbers of the faults that the names of tests cite."""
    found: set[int] = set()
    for name in names:
        for several, one in _NAMES_FAULT.findall(f"{name}_"):
            found.update(int(number) for number in (several or one).split("_") if number)
    return found


def written_tests() -> dict[str, str]:
    """Every test function in the tree, by its id, and what it says of itself."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        where = path.relative_to(ROOT)
        module = ast.parse(path.read_text(encoding="utf-8"))
        about = ast.get_docstring(module) or ""
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if node.name.startswith("test_"):
                    says = ast.get_docstring(node) or ""
                    found[f"{where}::{node.name}"] = f"{node.name} {says} {about}"
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name.startswith("test_"):
                    found[f"{where}::{name}"] = f"{name} {about}"
    return found


def test_every_requirement_has_a_row_and_no_cell_is_empty() -> None:
    table = list(rows("id"))
    assert [row[0] for row in table] == [f"R{number}" for number in sorted(REQUIREMENTS)]
    for row in table:
        assert len(row) == 5, row[0]
        assert all(len(cell) > 1 for cell in row), row[0]
        assert _TEST.search(row[4]), row[0]


def test_a_side_that_enforces_nothing_says_why() -> None:
    for row in rows("id"):
        for cell in row[2:4]:
            assert _FILE.search(cell) or len(cell.split()) >= 5, row[0]


def test_every_file_and_every_test_that_is_named_is_there() -> None:
    for named in _FILE.findall(PAGE):
        places = (ROOT / named, ROOT / "src" / "massager_ctl" / named)
        assert any(place.is_file() for place in places), named
    known = written_tests()
    for path, name in _TEST.findall(PAGE):
        assert f"tests/{path.removeprefix('tests/')}::{name}" in known, f"{path}::{name}"


def test_every_fault_has_a_row_with_all_its_cases() -> None:
    table = {int(row[0]): row for row in rows("fault")}
    assert set(table) == FAULTS
    for number, row in table.items():
        assert len(row) == 4
        assert all(row), number
        listed = set(re.findall(r"`(\w+)` \(([\w, ]+)\)", row[3]))
        cases: dict[str, list[str]] = {}
        for case in CASES:
            if case.number == number:
                cases.setdefault(case.name, []).append(str(case.on))
        assert listed == {(name, ", ".join(on)) for name, on in cases.items()}, number


def test_it_says_what_its_numbers_are() -> None:
    assert "cautious design choices, not clinical evidence" in PAGE
    assert "no medical device" in PAGE
    assert "@@" not in PAGE


def _about(item: pytest.Item) -> str:
    """What a test says of itself: its id, its docstring, its module's."""
    function = getattr(item, "obj", None)
    module = getattr(item, "module", None)
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    case = parameters.get("case")
    return " ".join(
        (
            item.nodeid.replace("_", " "),
            function.__doc__ or "",
            getattr(module, "__doc__", "") or "",
            case.about if isinstance(case, Case) else "",
        )
    )


def test_every_requirement_and_every_fault_is_cited_by_a_test_that_ran(
    request: pytest.FixtureRequest, passed_tests: frozenset[str]
) -> None:
    """In a run of the whole suite this comes last and counts what passed; in a part of it, what is written."""
    config = request.config
    whole = (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and not config.option.keyword
        and not config.option.markexpr
    )
    if whole:
        ran = [item for item in request.session.items if item.nodeid in passed_tests]
        texts = [_about(item) for item in ran]
        names = [item.nodeid for item in ran]
    else:
        texts = [text.replace("_", " ") for text in written_tests().values()]
        texts += [case.about for case in CASES]
        names = [*written_tests(), *(f"test_fault[{case.id}]" for case in CASES)]
    requirements = set[int]().union(*map(cited_requirements, texts))
    assert requirements >= REQUIREMENTS, f"no test cites R{sorted(REQUIREMENTS - requirements)}"
    faults = cited_faults(names)
    assert faults >= FAULTS, f"no test injects {sorted(FAULTS - faults)}"


def test_citations_are_read_as_they_are_meant() -> None:
    assert cited_requirements("test_r4_a".replace("_", " ")) == {4}
    assert cited_requirements("R1, R2; R10 to R12 (R24)") == {1, 2, 10, 11, 12, 24}
    assert cited_requirements("Rust, r2d2, for3, R123") == set()
    assert cited_faults(["test_faults_6_7_8_moving", "x::test_fault[41-stall-pty]"]) == {
        6,
        7,
        8,
        41,
    }
    assert cited_faults(["test_a_fault_that_ends"]) == set()
