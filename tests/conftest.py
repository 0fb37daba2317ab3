"""What all tests share: Hypothesis profiles, programs from the system, marks, and what was cited."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from tests.e2e.harness import Bench, opened
from tests.support.citations import Citations
from tests.support.marks import loop_factories, rig
from tests.support.unmeasured import Unmeasured

# Examples run on busy machines and some start an event loop, so there is no deadline: a time
# bound that a test claims stands in the test.
_COMMON: Final = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("dev", _COMMON, max_examples=30)
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


@pytest_asyncio.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncGenerator[Bench]:
    """A host connected to a device in memory, under simulated time; the mark `rig` says what differs."""
    async with opened(**rig(request.function)) as made:
        yield made


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Generator[None]:
    """A program that leaves ignores further signals; what it leaves behind here, every child would inherit."""
    before = [signal.getsignal(number) for number in _SIGNALS]
    yield
    for number, handler in zip(_SIGNALS, before, strict=True):
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def pytest_configure(config: pytest.Config) -> None:
    """Count what the tests that pass cite; and heed the signals that whoever started this may have ignored.

    A program respects an ignored signal that it inherits (`nohup`), so a run in the background would fail the tests
    that interrupt one.
    """
    config.pluginmanager.register(Citations(), "citations")
    config.pluginmanager.register(Unmeasured(), "unmeasured")
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            own = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
            signal.signal(number, own)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop that each asynchronous test asks for."""
    del config
    return loop_factories(item)


_HERE: Final = Path(__file__).parent
_FOLDERS: Final = frozenset(
    {"unit", "property", "firmware", "faults", "e2e", "hil", "soak", "bench", "tools"}
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's folder is a mark of it: `-m "not e2e"`."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            folder = item.path.relative_to(_HERE).parts[0]
            if folder in _FOLDERS:
                item.add_marker(folder)
