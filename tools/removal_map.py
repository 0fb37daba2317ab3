"""Which tests run which lines of the rules, kept by test file from run to run.

A test file is looked at again when it changes. Lines that moved since are found by comparing the sources; a line that
is new takes the tests of the lines beside it. What the map misses, the wider tests see: it chooses tests, it excuses no
removal.
"""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from removal_copy import Copy, digest_of
from removal_points import Point
from removals_log import ENV as LOG_ENV

TOGETHER: Final = 10
"""Test files that one run looks at: a run that is cut short loses no more."""


@dataclass(frozen=True, slots=True)
class Known:
    """A test: what it takes, and how many lines of the rules it runs."""

    seconds: float
    breadth: int


class Map:
    """Kept in `store`; `tests`: the files and folders whose tests count."""

    def __init__(self, copy: Copy, store: Path, rules: Sequence[str]) -> None:
        self._copy = copy
        self._store = store / "map"
        self._sources = store / "sources"
        self._rules = rules
        self.tests: dict[str, Known] = {}
        self.failed: list[str] = []
        self._by_line: dict[str, defaultdict[int, list[str]]] = {
            path: defaultdict(list) for path in rules
        }

    def learn(self, places: Sequence[str], without: Sequence[str], arguments: Sequence[str]) -> int:
        """Run the test files that changed, keep which lines each test runs, and read what is known; their number."""
        wanted = {name: self._digest(name) for name in self._test_files(places, without)}
        stale = [name for name, digest in wanted.items() if not self._entry(digest).exists()]
        for begin in range(0, len(stale), TOGETHER):
            part = stale[begin : begin + TOGETHER]
            print(f"removals: looking at what tests run: {begin} of {len(stale)} files", flush=True)
            self._look({name: wanted[name] for name in part}, arguments)
        self._read(wanted)
        return len(stale)

    def tests_of(self, point: Point) -> list[str]:
        """The tests that run its lines, those that run the fewest others first: they look at it most closely."""
        lines = self._by_line[point.path]
        names = {name for at in range(point.first, point.last + 1) for name in lines.get(at, ())}
        known = self.tests
        return sorted(names, key=lambda name: (known[name].breadth, known[name].seconds, name))

    def _test_files(self, places: Sequence[str], without: Sequence[str]) -> list[str]:
        """In the order of the places."""
        tree = self._copy.tree
        left_out = {path for pattern in without for path in tree.glob(pattern)}
        found: dict[str, None] = {}
        for place in places:
            below = [tree / place] if place.endswith(".py") else sorted((tree / place).rglob("*"))
            for path in below:
                if path.match("test_*.py") and path not in left_out:
                    found[path.relative_to(tree).as_posix()] = None
        return list(found)

    def _digest(self, name: str) -> str:
        return digest_of(name.encode() + b"\0" + (self._copy.tree / name).read_bytes())

    def _entry(self, digest: str) -> Path:
        return self._store / f"{digest}.json"

    def _look(self, part: dict[str, str], arguments: Sequence[str]) -> None:
        answers = self._store / "answers"
        answers.mkdir(parents=True, exist_ok=True)
        order = self._store / "order.json"
        asked = {"root": str(self._copy.tree), "files": list(self._rules), "answers": str(answers)}
        order.write_text(json.dumps(asked), encoding="utf-8")
        done = self._copy.pytest(
            [*arguments, "-p", "removals_log", *part], {LOG_ENV: str(order)}, None
        )
        if done is None or done.returncode not in (0, 1, 5):
            raise SystemExit(f"removals: the tests cannot be run:\n{done and done.stdout}")
        sources = {path: self._keep(path) for path in self._rules}
        for name, digest in part.items():
            answer = answers / f"{name.replace('/', '+')}.json"
            found: dict[str, Any] = {"tests": {}, "failed": []}  # every test of it may be left out
            if answer.exists():
                found = json.loads(answer.read_text("utf-8"))
                answer.unlink()
            entry = self._entry(digest)
            entry.write_text(json.dumps({**found, "sources": sources}), encoding="utf-8")

    def _keep(self, path: str) -> str:
        source = (self._copy.tree / path).read_bytes()
        kept = self._sources / digest_of(source)
        self._sources.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(source)
        return kept.name

    def _read(self, wanted: dict[str, str]) -> None:
        moves: dict[tuple[str, str], dict[int, list[int]]] = {}
        for digest in wanted.values():
            entry: dict[str, Any] = json.loads(self._entry(digest).read_text("utf-8"))
            self.failed += entry["failed"]
            for name, test in entry["tests"].items():
                breadth = sum(len(lines) for lines in test["lines"].values())
                self.tests[name] = Known(test["seconds"], breadth)
                for path, lines in test["lines"].items():
                    if path not in self._by_line:
                        continue
                    key = (path, entry["sources"][path])
                    if key not in moves:
                        moves[key] = self._moved(*key)
                    for line in lines:
                        for now in moves[key].get(line, ()):
                            self._by_line[path][now].append(name)

    def _moved(self, path: str, then: str) -> dict[int, list[int]]:
        """Where each line of a source that was looked at stands now, with the new lines beside it."""
        before = (self._sources / then).read_text("utf-8").splitlines()
        now = (self._copy.tree / path).read_text("utf-8").splitlines()
        moved: dict[int, list[int]] = defaultdict(list)
        if before == now:
            return {line: [line] for line in range(1, len(now) + 1)}
        matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
        for kind, begin, end, new_begin, new_end in matcher.get_opcodes():
            if kind == "equal":
                for line in range(begin, end):
                    moved[line + 1].append(new_begin + line - begin + 1)
            else:
                for line in range(max(begin - 1, 0), min(end + 1, len(before))):
                    moved[line + 1] += range(new_begin + 1, new_end + 1)
        return moved
