"""A pytest plugin for tools/removal_map.py: how long each test takes, and which lines of the rules it runs.

It traces with coverage itself rather than by pytest-cov, so that what is known of a test file is written as soon as
that file is done.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Final

import coverage
import pytest

ENV: Final = "REMOVALS_LOG"
"""Names a JSON file: the root of the tree, the files whose lines count, and where the answers go."""


class Log:
    """What one run of pytest finds out."""

    def __init__(self, order: dict[str, str | list[str]]) -> None:
        self._root = Path(str(order["root"]))
        self._files = list(order["files"])
        self._answers = Path(str(order["answers"]))
        self._file = ""
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        self._tracer: coverage.Coverage | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Trace a test as its own context, and write a test file's answers down after its last test."""
        file = item.nodeid.partition("::")[0]
        if self._tracer is None:
            self._file = file
            self._tracer = coverage.Coverage(
                data_file=None,
                config_file=False,
                branch=False,
                include=[str(self._root / name) for name in self._files],
            )
            # Where warnings are errors, a test file that runs no rule must not be one.
            self._tracer.set_option("run:disable_warnings", ["no-data-collected"])
            self._tracer.start()
        self._tracer.switch_context(item.nodeid)
        done = yield
        if nextitem is None or nextitem.nodeid.partition("::")[0] != file:
            self._write()
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count each part of a test: making its fixtures, running it, taking them down."""
        self._seconds[report.nodeid] += report.duration
        if report.outcome != "passed":
            self._failed.add(report.nodeid)

    def _write(self) -> None:
        assert self._tracer is not None
        self._tracer.stop()
        data = self._tracer.get_data()
        self._tracer = None
        lines: dict[str, dict[str, list[int]]] = {name: {} for name in self._seconds}
        for path in self._files:
            for line, tests in data.contexts_by_lineno(str(self._root / path)).items():
                for test in tests:
                    if test in lines:
                        lines[test].setdefault(path, []).append(line)
        tests = {
            name: {"seconds": round(took, 3), "lines": lines[name]}
            for name, took in self._seconds.items()
            if name not in self._failed
        }
        answer = {"file": self._file, "tests": tests, "failed": sorted(self._failed)}
        target = self._answers / f"{self._file.replace('/', '+')}.json"
        unfinished = target.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(answer), encoding="utf-8")
        unfinished.replace(target)
        self._seconds.clear()
        self._failed.clear()


def pytest_configure(config: pytest.Config) -> None:
    """Begin, where a run asks for it."""
    if order := os.environ.get(ENV):
        config.pluginmanager.register(Log(json.loads(Path(order).read_text("utf-8"))), "removals")
