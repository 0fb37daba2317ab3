"""Documents keep up with the code: generated blocks and files are current, and links lead somewhere.

A block names its own source, a function without arguments that returns Markdown:

    <!-- generated: package.module:function -->
    ...
    <!-- end generated -->

Some files are generated as a whole: see `FILES`. `tools/documents.py` writes what is out of date; `--check` only
names it.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ("massager_ctl", "massager_hil", "firmware_sim", "generated")

FILES: Final = {
    "docs/man/massager-ctl.1": "manual_pages:massager_ctl",
    "docs/man/massager-sim.1": "manual_pages:massager_sim",
    "docs/reference/device.schema.json": "massager_ctl.drivers.described.schema:schema_text",
    "docs/reference/profile.schema.json": "massager_ctl.profile.reference:schema_text",
}
"""Files that are generated as a whole, and the function without arguments that returns the text of each."""

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
        body = _text_of(module, match["function"])
        return f"{match['head']}{body.strip()}\n{match['tail']}"

    return BLOCK.sub(fresh, text)


def _text_of(module: str, function: str) -> str:
    text: object = getattr(importlib.import_module(module), function)()
    if not isinstance(text, str):
        raise TypeError(f"{module}:{function} returns no text")
    return text


def out_of_date(root: Path) -> dict[Path, str]:
    """The files below `root` that are generated as a whole and are out of date, each with its text as it should be."""
    fresh = {root / name: _text_of(*source.split(":")) for name, source in FILES.items()}
    return {
        path: text
        for path, text in fresh.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


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
    for path, text in out_of_date(ROOT).items():
        name = path.relative_to(ROOT)
        if check:
            amiss += 1
            print(f"{name}: out of date: run `make docs`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{name}: written")
    for path in documents(ROOT):
        name = path.relative_to(ROOT)
        text = path.read_text(encoding="utf-8")
        fresh = regenerate(text)
        if fresh != text and check:
            amiss += 1
            print(f"{name}: a generated part is out of date: run `make docs`")
        elif fresh != text:
            path.write_text(fresh, encoding="utf-8")
            print(f"{name}: written")
        for target in dead_links(path, fresh):
            amiss += 1
            print(f"{name}: the link to {target} leads nowhere")
    print(f"documents: {amiss} faults" if amiss else "documents: current")
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
