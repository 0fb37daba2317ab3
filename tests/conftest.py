"""What all tests share: Hypothesis profiles, programs from the system, and what has passed."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# Examples run on busy machines and some start an event loop, so there is no deadline: a time
# bound that a test claims stands in the test.
_COMMON: Final = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("dev", _COMMON, max_examples=50)
settings.register_profile("ci", _COMMON, max_examples=100, derandomize=True, database=None)
settings.register_profile("nightly", _COMMON, max_examples=2000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

# Debian keeps servers such as mosquitto out of a person's path.
_SYSTEM_PATH: Final = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@pytest.fixture(autouse=True, scope="session")
def _folders_of_their_own() -> Generator[None]:
    """No test touches the settings, the ledger or the running sessions of whoever runs the tests."""
    # Short, since the path of a Unix socket has room for about a hundred letters.
    with tempfile.TemporaryDirectory(prefix="mctl-") as folder:
        own = {
            "MASSAGER_CTL_RUNTIME": f"{folder}/run",
            "MASSAGER_CTL_DATA": f"{folder}/data",
            "XDG_CONFIG_HOME": f"{folder}/config",
        }
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        yield
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture
def short_folder() -> Generator[Path]:
    """Short wherever pytest keeps its own folders, as the path of a control socket holds a hundred letters."""
    with tempfile.TemporaryDirectory(prefix="mctl-") as folder:
        yield Path(folder)


@pytest.fixture
def runtime_folder(short_folder: Path) -> Path:
    """For control sockets."""
    return short_folder / "run"


@pytest.fixture(autouse=True)
def _programs_needed(request: pytest.FixtureRequest) -> None:
    """Skip where a program of `@pytest.mark.needs(...)` is absent; in CI that is an error."""
    for mark in request.node.iter_markers("needs"):
        for program in mark.args:
            if shutil.which(program, path=_SYSTEM_PATH) is None:
                why = f"{program} is not installed: run tools/setup-debian as root"
                if os.environ.get("CI"):
                    pytest.fail(why)
                pytest.skip(why)


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Generator[None]:
    """A program that leaves ignores further signals; what it leaves behind here, every child would inherit."""
    before = [signal.getsignal(number) for number in _SIGNALS]
    yield
    for number, handler in zip(_SIGNALS, before, strict=True):
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


_passed: Final[set[str]] = set()
_LAST: Final = "test_every_requirement_and_every_fault_is_cited_by_a_test_that_ran"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep which tests passed, for the one that counts what was proved."""
    if report.when == "call" and report.passed:
        _passed.add(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that looks back over all others comes last, however they are shuffled."""
    items.sort(key=lambda item: item.name == _LAST)


@pytest.fixture
def passed_tests() -> frozenset[str]:
    """The ids of the tests that passed in this run so far."""
    return frozenset(_passed)
