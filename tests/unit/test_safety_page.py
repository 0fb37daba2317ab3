"""docs/safety.md says what is true: no empty cell, all that it names is there, and tests that ran cite all of it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.faults.catalogue import cases
from tests.support.citations import missing
from tests.support.safety_page import (
    FAULTS,
    PAGE,
    REQUIREMENTS,
    ROOT,
    cited_faults,
    cited_requirements,
    rows,
)

pytestmark = pytest.mark.checkout

_TEST: Final = re.compile(r"`((?:tests/)?[\w/]+\.py)::(\w+)`")
_FILE: Final = re.compile(r"`((?:tests/|massager_fw/|firmware_sim/)?[\w/]+\.py)`")


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
    assert sorted(REQUIREMENTS) == list(range(1, max(REQUIREMENTS) + 1))
    assert [row[0] for row in table] == [f"R{number}" for number in sorted(REQUIREMENTS)]
    for row in table:
        assert len(row) == 5, row[0]
        assert all(len(cell) > 1 for cell in row), row[0]
        assert _TEST.search(row[4]), row[0]


def test_a_side_that_enforces_nothing_says_why() -> None:
    for row in rows("id"):
        for cell in row[2:4]:
            assert _FILE.search(cell) or len(cell.split()) >= 5, row[0]


@pytest.mark.slow
def test_every_file_and_every_test_that_is_named_is_there() -> None:
    for named in _FILE.findall(PAGE):
        places = (ROOT / named, ROOT / "firmware" / named, ROOT / "src" / "massager_ctl" / named)
        assert any(place.is_file() for place in places), named
    known = written_tests()
    for path, name in _TEST.findall(PAGE):
        assert f"tests/{path.removeprefix('tests/')}::{name}" in known, f"{path}::{name}"


def test_every_fault_has_a_row_with_all_its_cases() -> None:
    table = {int(row[0]): row for row in rows("fault")}
    assert sorted(table) == list(range(1, max(FAULTS) + 1))
    for number, row in table.items():
        assert len(row) == 4
        assert all(row), number
        listed = set(re.findall(r"`(\w+)` \(([\w, ]+)\)", row[3]))
        assert listed == {
            (case.name, ", ".join(case.on) or "process")
            for case in cases()
            if case.number == number
        }, number


def test_it_says_what_its_numbers_are() -> None:
    assert "cautious design choices, not clinical evidence" in PAGE
    assert "not a medical device" in PAGE
    assert "@@" not in PAGE


def test_what_no_test_that_passed_cites_is_told() -> None:
    everything = {f"R{number}" for number in REQUIREMENTS} | {f"fault {n}" for n in FAULTS}
    assert missing(everything) == []
    assert missing(everything - {"R4", "fault 11"}) == ["R4", "fault 11"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_whole_run_fails_where_something_is_not_cited(workers: str, tmp_path: Path) -> None:
    """One test is the whole suite of this project, and it cites R4 and fault 11 alone."""
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "conftest.py").write_text(
        "from tests.support.citations import Citations\n"
        "def pytest_configure(config):\n"
        "    config.pluginmanager.register(Citations(), 'citations')\n"
    )
    (suite / "test_r4.py").write_text(
        "import pytest\n@pytest.mark.fault(11)\ndef test_it():\n    pass\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        f"[tool.pytest.ini_options]\ntestpaths = ['suite']\npythonpath = ['{ROOT}']\n"
        "markers = ['fault(n): n']\naddopts = ['--import-mode=importlib']\n"
    )
    run = [sys.executable, "-m", "pytest", "-p", "xdist", "-n", workers, "-p", "no:cacheprovider"]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # they take longer than the test
    whole = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert whole.returncode == 1, whole.stdout + whole.stderr
    (said,) = (line for line in whole.stdout.splitlines() if "cites" in line)
    told = said.partition(": ")[2].split(", ")
    assert {"R3", "R5", "fault 10", "fault 12"} <= set(told)
    assert not {"R4", "fault 11"} & set(told)
    for choice in (["-k", "it"], ["--ignore=nothing"]):
        part = subprocess.run(
            [*run, *choice], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert part.returncode == 0, part.stdout + part.stderr


def test_citations_are_read_as_they_are_meant() -> None:
    assert cited_requirements("test_r4_a") == {4}
    assert cited_requirements("R1, R2; R10 to R12 (R24)") == {1, 2, 10, 11, 12, 24}
    assert cited_requirements("Rust, r2d2, for3, R123") == set()
    assert cited_faults(["test_faults_6_7_8_moving", "x::test_fault_41_stall"]) == {
        6,
        7,
        8,
        41,
    }
    assert cited_faults(["test_a_fault_that_ends"]) == set()
