"""Documents keep up with the code: generated blocks are current, and links lead somewhere.

A block names its own source, a function without arguments that returns Markdown:

    <!-- generated: package.module:function -->
    ...
    <!-- end generated -->

`tools/documents.py` writes the blocks anew; `--check` only says which are out of date.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ("massager_ctl", "firmware_sim", "generated")

BLOCK: Final = re.compile(
    r"^(?P<head><!-- generated: (?P<module>[\w.]+):(?P<function>\w+) -->\n)"
    r"(?P<body>.*?)(?P<tail>^<!-- end generated -->$)",
    re.MULTILINE | re.DOTALL,
)
FENCE: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
HEADING: Final = re.compile(r"^#{1,6} +(?P<title>.+?) *$", re.MULTILINE)


def documents(root: Path) -> list[Path]:
    """Every Markdown file that git tracks, or would."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(root / name for name in listing.split("\0") if name and (root / name).is_file())


def regenerate(text: str) -> str:
    """`text` with every generated block as the code has it now."""

    def fresh(match: re.Match[str]) -> str:
        module = match["module"]
        if module.partition(".")[0] not in SOURCES:
            raise ValueError(f"a generated block may not come from {module}")
        body: object = getattr(importlib.import_module(module), match["function"])()
        if not isinstance(body, str):
            raise TypeError(f"{module}:{match['function']} returns no text")
        return f"{match['head']}{body.strip()}\n{match['tail']}"

    return BLOCK.sub(fresh, text)


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as the usual renderers name them."""
    titles = (match["title"] for match in HEADING.finditer(FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(path: Path, text: str) -> list[str]:
    """Relative links in a document that lead nowhere."""
    dead: list[str] = []
    for match in LINK.finditer(FENCE.sub("", text)):
        target = match["target"]
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        other = path.parent / name if name else path
        leads_somewhere = other.exists() and (
            not anchor
            or other.suffix != ".md"
            or anchor in anchors(other.read_text(encoding="utf-8"))
        )
        if not leads_somewhere:
            dead.append(target)
    return dead


def main(arguments: list[str]) -> int:
    """Write the blocks, or with `--check` compare them; return 1 if something is amiss."""
    check = "--check" in arguments
    sys.path.insert(0, str(Path(__file__).parent))
    amiss = 0
    for path in documents(ROOT):
        name = path.relative_to(ROOT)
        text = path.read_text(encoding="utf-8")
        fresh = regenerate(text)
        if fresh != text and check:
            amiss += 1
            print(f"{name}: a generated part is out of date: run `make docs`")
        elif fresh != text:
            path.write_text(fresh, encoding="utf-8")
            print(f"{name}: written anew")
        for target in dead_links(path, fresh):
            amiss += 1
            print(f"{name}: the link to {target} leads nowhere")
    print(f"documents: {amiss} faults" if amiss else "documents: current")
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
