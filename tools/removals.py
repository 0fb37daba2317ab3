"""Takes lines that enforce a rule away at random, one at a time, and runs the tests that cover them: `make removals`.

A removal that no test notices is a missing test, or a line that does nothing. The same seed tries the same removals in
the same order, and goes on where it was cut short. First run the quick tests that run the line; what survives them is
tried against the wider tests of its subject. Which files enforce rules, and which tests count, stands in pyproject.toml
under [tool.removals]. docs/reference/mutants.md argues for survivors.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import signal
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from removal_copy import Copy
from removal_map import Map
from removal_points import Point, all_points, files
from removal_record import Journal, Outcome, Result, argued, line_of, summary

ROOT: Final = Path(__file__).resolve().parent.parent
STORE: Final = ".removals"

PARTS: Final = (12, 60)
"""How many tests of a line run first, and next: those that run the fewest other lines look at it most closely."""
NEAR_S: Final = 60.0
"""How long the tests of a line may take together, by what they took before: the quickest; the rest comes after them."""
PATIENCE: Final = 5.0
START_S: Final = 30.0
"""A run may take so many times what its tests took, and so long to begin, before it counts as hanging."""
WIDER_S: Final = 600.0
"""How long the wider tests may take."""
AGAIN: Final = 5
"""How many tests may fail by chance in one run before it counts as noticed."""


@dataclass(frozen=True, slots=True)
class Wider:
    """The tests of a subject, for removals in files that fit a pattern of `rules`."""

    rules: list[str]
    tests: list[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """`[tool.removals]`."""

    rules: dict[str, list[str]]
    """Glob patterns of the files that enforce rules, by side; a pattern may fit no file."""
    without: list[str]
    tests: list[str]
    """Whose lines are known: quick, and in simulated time."""
    tests_without: list[str] = field(default_factory=list[str])
    arguments: list[str] = field(default_factory=list[str])
    wider: list[Wider] = field(default_factory=list[Wider])
    """The first that fits counts."""

    @staticmethod
    def read(root: Path) -> Settings:
        """From pyproject.toml."""
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
        fields: dict[str, Any] = tomllib.loads(text)["tool"]["removals"]
        wider = [Wider(**each) for each in fields.pop("wider", ())]
        named = {*fields["tests"], *(test for each in wider for test in each.tests)}
        if absent := sorted(name for name in named if not (root / name).exists()):
            raise SystemExit(f"removals: [tool.removals] names {absent}, which are not there.")
        return Settings(**fields, wider=wider)


class Laboratory:
    """A copy of the tree in which lines are removed, and what is known of its tests."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.settings = settings
        self.store = root / STORE
        self.copy = Copy(root, self.store)
        tree = self.copy.tree
        patterns = [each for of in settings.rules.values() for each in of]
        rules = list(files(tree, patterns, settings.without))
        self.map = Map(self.copy, self.store, rules)
        self._wider: dict[str, list[str]] = {}
        for subject in settings.wider:
            for path in files(tree, subject.rules, ()):
                self._wider.setdefault(path, subject.tests)
        self._broken: dict[str, bool] = {}

    def points(self, side: str | None, only: Sequence[str] = ()) -> list[Point]:
        """Every removal of a side, or of both, in the files that fit one of the patterns `only`, if there are any."""
        rules = self.settings.rules
        patterns = [each for name, of in rules.items() if side in (None, name) for each in of]
        found = all_points(self.copy.tree, patterns, self.settings.without)
        return [
            point for point in found if not only or any(fnmatch(point.path, each) for each in only)
        ]

    def learn(self) -> None:
        """Run the tests that changed, to see which lines each runs."""
        settings = self.settings
        self.map.learn(settings.tests, settings.tests_without, settings.arguments)
        if failed := self.map.failed:
            print(f"removals: {len(failed)} tests did not pass here and do not count:")
            print("".join(f"  {name}\n" for name in failed), end="", flush=True)

    def attempt(self, point: Point, *, wider: bool = True) -> Result:
        """Take it away, run its tests to the first failure, and put it back."""
        begun = time.monotonic()
        near = self._near(point)
        outcome, by = Outcome.SURVIVED, ""
        for part in (near[begin:end] for begin, end in pairwise((0, *PARTS, len(near)))):
            if part and outcome is Outcome.SURVIVED:
                known = self.map.tests
                part.sort(key=lambda name: known[name].seconds)
                limit = START_S + PATIENCE * sum(known[name].seconds for name in part)
                outcome, by = self._judge(point, part, limit)
        tree = self.copy.key
        rest = [name for name in self.map.tests_of(point) if name not in near]
        tests = [*rest, *self._wider.get(point.path, [])]
        if outcome is Outcome.SURVIVED and not wider:
            tree, by = "", "the wider tests are to be tried"  # on any tree
        elif outcome is Outcome.SURVIVED and tests:
            outcome, by = self._judge(point, tests, WIDER_S)
            if outcome is Outcome.HUNG:  # No one knows how long they take: no proof of anything.
                outcome, by = (
                    Outcome.SURVIVED,
                    f"the wider tests did not end within {WIDER_S:.0f} s",
                )
        took = round(time.monotonic() - begun, 1)
        source = self.copy.digest(point.path)
        return Result(point, outcome, by, len(near), took, tree, source)

    def _near(self, point: Point) -> list[str]:
        """Those that look most closely first, and of all no more than there is time for."""
        names = self.map.tests_of(point)
        left, chosen = NEAR_S, set[str]()
        for name in sorted(names, key=lambda name: self.map.tests[name].seconds):
            left -= self.map.tests[name].seconds
            if left < 0 and chosen:
                break
            chosen.add(name)
        return [name for name in names if name in chosen]

    def _judge(self, point: Point, tests: Sequence[str], limit_s: float) -> tuple[Outcome, str]:
        passed_over: list[str] = []
        for _ in range(AGAIN):
            failed = self._first_failure(point, tests, passed_over, limit_s)
            if failed is None:
                return Outcome.HUNG, ""
            if not failed or "::" not in failed:
                return (
                    (Outcome.KILLED, "it cannot be imported") if failed else (Outcome.SURVIVED, "")
                )
            # A busy machine makes a test fail now and then: what fails on its own as well has noticed.
            known = self.map.tests.get(failed)
            if known is not None and known.seconds < 1.0:
                return Outcome.KILLED, failed
            if self._first_failure(point, [failed], (), limit_s) != "" and not self._fails(failed):
                return Outcome.KILLED, failed
            passed_over.append(failed)
        return Outcome.KILLED, f"{AGAIN} tests, each now and then"

    def _fails(self, name: str) -> bool:
        """Whether it fails with nothing taken away."""
        if name not in self._broken:
            self._broken[name] = self._first_failure(None, [name], (), WIDER_S) != ""
        return self._broken[name]

    def _first_failure(
        self, point: Point | None, tests: Sequence[str], passed_over: Sequence[str], limit_s: float
    ) -> str | None:
        """The test that fails first, "" if none does, a reason if they cannot run; None if they hang."""
        chosen = self.store / "chosen"
        chosen.write_text("".join(f"{name}\n" for name in tests), encoding="utf-8")
        left_out = [word for name in passed_over for word in ("--deselect", name)]
        arguments = [*self.settings.arguments, "-x", *left_out, f"@{chosen}"]
        done = self._run(point, arguments, limit_s)
        if done is None and limit_s < WIDER_S:
            # On a busy machine a run may only be slow: one that hangs does so with more time as well.
            done = self._run(point, arguments, 3 * limit_s)
        if done is None or done[0] in (0, 5):
            return None if done is None else ""
        found = re.search(r"^(?:FAILED|ERROR) (\S.*)$", done[1], re.M)
        if found is None:
            return "it cannot run"
        # The reason stands behind a dash, as may be in the name of a test that has values.
        named = [name for name in self.map.tests if f"{found[1]} - ".startswith(f"{name} - ")]
        return max(named, key=len, default=found[1].partition(" - ")[0])

    def _run(
        self, point: Point | None, arguments: Sequence[str], limit_s: float
    ) -> tuple[int, str] | None:
        if point is None:
            done = self.copy.pytest(arguments, {}, limit_s)
        else:
            with self.copy.without(point):
                done = self.copy.pytest(arguments, {}, limit_s)
        return done and (done.returncode, done.stdout)


def chosen_by(seed: str, points: Sequence[Point]) -> list[Point]:
    """In the order of the seed, in which each keeps its place when others come and go."""
    return sorted(
        points,
        key=lambda point: hashlib.blake2b(f"{seed}\0{point.name}".encode()).digest(),
    )


def run(
    laboratory: Laboratory,
    chosen: Sequence[Point],
    journal: Journal,
    minutes: float | None,
    *,
    wider: bool = True,
) -> Iterator[Result]:
    """Each removal in turn, tried or read; ends early when the time is over."""
    until = None if minutes is None else time.monotonic() + 60 * minutes
    before = journal.read(laboratory.copy)
    for number, point in enumerate(chosen, 1):
        result = before.get(point.name)
        if result is None:
            if until is not None and time.monotonic() > until:
                print(f"removals: the time is over after {number - 1} of {len(chosen)}", flush=True)
                return
            result = laboratory.attempt(point, wider=wider)
            journal.add(result)
        print(f"{number:4} {line_of(result)}", flush=True)
        yield result


def _leave(number: int, _: object) -> None:
    """By way of every `finally`."""
    sys.exit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 1 if a survivor has no argument."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-n", "--number", type=int, default=30, help="removals to try; 0 for all")
    parser.add_argument("--seed", default="0", help="any text; it chooses the removals")
    parser.add_argument("--side", help="only this side's files, as pyproject.toml names it")
    parser.add_argument(
        "--file", action="append", default=[], help="only files that fit this pattern; repeatable"
    )
    parser.add_argument("--minutes", type=float, help="begin no removal after that time")
    parser.add_argument("--near", action="store_true", help="leave the wider tests for later")
    parser.add_argument("--list", action="store_true", help="only show what would be removed")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    laboratory = Laboratory(ROOT, Settings.read(ROOT))
    points = laboratory.points(options.side, options.file)
    if not points:
        parser.error("no line that can be removed fits")
    chosen = chosen_by(options.seed, points)[: options.number or None]
    if options.list:
        for point in chosen:
            print(f"{point.path}:{point.first} {point.scope} [{point.removed}] -> {point.by}")
        print(f"removals: {len(chosen)} of {len(points)}")
        return 0
    laboratory.learn()
    safe = re.sub(r"[^\w.-]", "_", options.seed)
    journal = Journal(laboratory.store / f"seed-{safe}-{options.side or 'all'}.jsonl")
    tried = run(laboratory, chosen, journal, options.minutes, wider=not options.near)
    said, ok = summary(tried, argued(ROOT))
    print(said)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
