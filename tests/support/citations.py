"""A pytest plugin: a run of the whole suite fails where no test that passed cites some requirement or fault.

Each test carries what it cites as a property. Properties travel with its report, from a worker process too, and into
the file of `--junit-xml`; so what is counted is what ran, wherever it did.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.safety_page import FAULTS, REQUIREMENTS, cited_faults, cited_requirements

PROPERTY: Final = "cites"


def cites(item: pytest.Item) -> list[str]:
    """Such as R4 and fault 11: by the test's name, its docstring, its module's, and the mark `fault`."""
    function, module = getattr(item, "obj", None), getattr(item, "module", None)
    texts = (item.nodeid, getattr(function, "__doc__", None), getattr(module, "__doc__", None))
    requirements = set[int]().union(*(cited_requirements(text) for text in texts if text))
    faults = cited_faults([item.nodeid])
    for mark in item.iter_markers("fault"):
        faults.update(mark.args)
    return [f"R{number}" for number in sorted(requirements)] + [
        f"fault {number}" for number in sorted(faults)
    ]


def missing(cited: set[str]) -> list[str]:
    """What docs/safety.md has and no test cites."""
    wanted = [f"R{number}" for number in sorted(REQUIREMENTS)]
    wanted += [f"fault {number}" for number in sorted(FAULTS)]
    return [name for name in wanted if name not in cited]


def is_whole(config: pytest.Config) -> bool:
    """Whether this run is meant to be of all tests."""
    option = config.option
    return (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and not option.ignore
        and not option.keyword
        and not option.markexpr
        and not option.collectonly
        and not getattr(option, "lf", False)
    )


class Citations:
    """Counts in the process that reports; workers only say what their tests cite."""

    def __init__(self) -> None:
        self._cited: set[str] = set()
        self._missing: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.user_properties += [(PROPERTY, name) for name in cites(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._cited.update(str(name) for key, name in report.user_properties if key == PROPERTY)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        config = session.config
        if is_whole(config) and not hasattr(config, "workerinput"):
            self._missing = missing(self._cited)
            if self._missing and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._missing:
            names = ", ".join(self._missing)
            terminalreporter.write_line(f"no test that passed cites: {names}", red=True)
