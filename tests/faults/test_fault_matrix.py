"""Every fault that is injected, on every link where it makes sense: zero by its bound, no early trip, the latch where
one is due and only there, and a ledger that charges at least what was delivered."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.faults.cases import CASES, Case

for _story in ("host", "link", "admission", "device", "process"):
    import_module(f"tests.faults.story_{_story}")  # each registers its cases

ALL = sorted(CASES, key=lambda case: case.id)


@pytest.mark.parametrize("case", ALL, ids=[case.id for case in ALL])
def test_fault(case: Case, tmp_path: Path) -> None:
    case.tell(tmp_path)


def test_the_matrix_has_every_fault() -> None:
    assert {case.number for case in ALL} == set(range(1, 60))
