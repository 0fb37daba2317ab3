"""The tree stands alone: no tracked file names a place on one machine or a package index."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

# Each pattern is written so that it does not match itself.
FORBIDDEN: Final[dict[str, re.Pattern[str]]] = {
    "a path of one machine": re.compile(r"(?<![\w.])/(work|root|home|Users)[/][\w.-]+"),
    "a package index or a place for wheels": re.compile(
        r"-{2}(extra-)?index-url\b|-{2}find-links[ =]|file:/{2}/|/opt[/](pypi|wheels)"
        r"|files[.]pythonhosted[.]org|https?:/{2}[^\s'\"]*/simple[/]"
    ),
    "a merge left unfinished": re.compile(r"^(<{7}|>{7}) ", re.MULTILINE),
}


def tracked_files(root: Path) -> list[Path]:
    """Every file that git tracks under `root`."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    return [root / name for name in listing.split("\0") if name and (root / name).is_file()]


def faults_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, kind and match of everything in `text` that ties it to one machine or index."""
    for kind, pattern in FORBIDDEN.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, kind, match.group()


def main() -> int:
    """Print each fault as file:line; return 1 if there is one."""
    faults = 0
    for path in tracked_files(ROOT):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for line, kind, found in faults_in(text):
            faults += 1
            print(f"{path.relative_to(ROOT)}:{line}: {kind}: {found}")
    print(f"tree: {faults} faults" if faults else "tree: stands alone")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
