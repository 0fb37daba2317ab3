"""docs/explanation/architecture.md: its table of packages names each layer of pyproject, in the same order."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "explanation" / "architecture.md"

pytestmark = pytest.mark.checkout


def documented() -> list[str]:
    """The package of each row of the table, from the top down."""
    text = PAGE.read_text()
    table = text[text.index("| package | what it is for |") :].split("\n\n")[0]
    return re.findall(r"^\| `(\w+)(?:/|\.py)` \|", table, re.MULTILINE)


def test_the_page_on_architecture_has_the_layers_of_the_contract() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    assert len(layers) <= 10
    height = {
        package: number
        for number, layer in enumerate(layers)
        for package in re.findall(r"\w+", layer)
    }
    rows = documented()
    assert sorted(rows) == sorted(height.keys() - {"__main__"})
    assert rows == sorted(rows, key=height.__getitem__)
