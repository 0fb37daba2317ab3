"""A pytest plugin: tests marked `unmeasured` run without coverage, which about doubles what they cost.

They repeat at length what other tests cover already: whole sessions, whole suites against many devices.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Final

import coverage
import pytest

_CHILDREN: Final = "COVERAGE_PROCESS_CONFIG"
"""By this variable coverage measures the processes that a test starts."""


@contextmanager
def paused() -> Generator[None]:
    """No coverage of this process, nor of those it starts meanwhile."""
    running = coverage.Coverage.current()
    for_children = os.environ.pop(_CHILDREN, None)
    if running is not None:
        running.stop()
    try:
        yield
    finally:
        if running is not None:
            running.start()
        if for_children is not None:
            os.environ[_CHILDREN] = for_children


class Unmeasured:
    """Pauses the coverage around each such test and its fixtures."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with paused() if item.get_closest_marker("unmeasured") else nullcontext():
            return (yield)
