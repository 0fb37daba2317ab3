"""Generated parts of the documents about the repository itself."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent


def make_targets() -> str:
    """The table of make targets, from the Makefile's own comments."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rows = re.findall(r"^([a-z]+):.*? ## (.+)$", makefile, re.MULTILINE)
    lines = [f"| `make {target}` | {purpose} |" for target, purpose in rows]
    return "\n".join(["| target | does |", "|---|---|", *lines])


def layers() -> str:
    """The layers from top to bottom, from the contract that import-linter keeps."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["id"] == "layers"
    )
    lines = [re.sub(r"[()]", "", layer).replace(" : ", "   ") for layer in contract["layers"]]
    return "\n".join(["```", *lines, "```"])
