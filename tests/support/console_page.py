"""A page of the documentation as someone follows it: its console blocks in order, with a home of their own.

A block needs no mark: each of its commands runs, ends with 0 and prints what the page shows below it, where
numbers may differ and columns be wider. An HTML comment
in the line before a block says what differs:

- `<!-- run: WORD… -->`, words as a shell splits them: `exit=3` of the last command; `NAME=value` in its environment;
  `when=REGEX` and `type=KEYS`: what is typed at its terminal, once that has appeared (↵, ^C); `beside=COMMAND`: runs in
  another terminal from here on; `tell=LINE` and `heard=REGEX`: typed into the newest of them, and its answer;
  `needs=PROGRAM`: skipped where that is absent; `in=FOLDER`: of the checkout, where the page says so.
- `<!-- save: FILE -->`: the block is saved as this file, as the page says.
- `<!-- not run: REASON -->`: cannot run in a test.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(
    r"(?:^(?P<indent> *)<!-- (?P<verb>run|not run|save): (?P<said>.*?) -->\n\s*)?"
    r"^(?P<lead> *)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=lead)```$",
    re.MULTILINE | re.DOTALL,
)
_SHELL: Final = frozenset({"console", "sh", "bash", "shell"})
_TYPED: Final = {"↵": "\n", "^C": "\x03"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command line, and the lines that the page shows as its output."""

    line: str
    shown: tuple[str, ...] = ()


@dataclass(slots=True)
class Block:
    """A block of commands, or a file to save."""

    where: str
    """Page and line, for messages."""
    commands: list[Command] = field(default_factory=list[Command])
    save: str | None = None
    text: str = ""
    why_not: str | None = None
    exit: int = 0
    env: dict[str, str] = field(default_factory=dict[str, str])
    steps: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """What is typed at the last command's terminal, each once its pattern has appeared."""
    before: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """`beside`, `tell` and `heard`, in their order."""
    needs: list[str] = field(default_factory=list[str])
    folder: str | None = None


def pages(root: Path) -> list[Path]:
    """Every page that shows a console block."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")]
    return sorted(page for page in found if any(block.commands for block in blocks(page, root)))


def blocks(page: Path, root: Path) -> Iterator[Block]:
    """The page's blocks that someone who follows it types or saves. Raises ValueError on a wrong comment."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        block = Block(f"{page.relative_to(root)}:{line}")
        lead = found["lead"]
        content = "".join(row.removeprefix(lead) for row in found["text"].splitlines(keepends=True))
        if found["verb"] == "save":
            block.save, block.text = found["said"].strip(), content
            yield block
        elif found["language"] in _SHELL:
            block.commands = list(_commands(content, found["language"] == "console"))
            if found["verb"] == "not run":
                block.why_not = found["said"]
            elif found["verb"] == "run":
                _directions(block, found["said"])
            yield block


def _commands(content: str, console: bool) -> Iterator[Command]:
    """Lines after `$ ` in a console block, or the whole of a script."""
    rows = content.replace("\\\n", " ").splitlines()
    if not console:
        yield from (Command(row) for row in rows if row.strip() and not row.startswith("#"))
        return
    line, shown = "", list[str]()
    for row in rows:
        if row.startswith("$ "):
            if line:
                yield Command(line, tuple(shown))
            line, shown = row[2:], []
        else:
            shown.append(row.rstrip())
    if line:
        yield Command(line, tuple(shown))


def _directions(block: Block, said: str) -> None:
    pattern = ""
    for word in shlex.split(said):
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{block.where}: {word!r} is not a NAME=VALUE")
        if name.isupper():
            block.env[name] = value
        elif name == "exit":
            block.exit = int(value)
        elif name == "when":
            pattern = value
        elif name == "type":
            for written, key in _TYPED.items():
                value = value.replace(written, key)
            block.steps.append((pattern, value))
            pattern = ""
        elif name in ("beside", "tell", "heard"):
            block.before.append((name, value))
        elif name == "in":
            block.folder = value
        elif name == "needs":
            block.needs.append(value)
        else:
            raise ValueError(f"{block.where}: nothing is called {name!r} here")
    if pattern:
        block.steps.append((pattern, ""))
