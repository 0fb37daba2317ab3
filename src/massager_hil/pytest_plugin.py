"""pytest plugin: the checks of the suite as test items, and the fixture `massager_dut` for checks of one's own.

`pytest --massager-device sim:` adds one item for each check. Without that option nothing is added or imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from massager_hil.model import Check
    from massager_hil.under_test import DeviceUnderTest

_DEVICE: Final = "--massager-device"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `massager-sim hil` has as options, as far as pytest has none of its own for it."""
    group = parser.getgroup("massager", "conformance of a massager")
    group.addoption(
        _DEVICE, metavar="ADDRESS", help="Add the checks of this device: sim:, serial:…, tcp:…"
    )
    group.addoption(
        *("--massager-checks",),
        metavar="EXPRESSION",
        default="",
        help="Some of the checks, by rule or by word: 'R4 or stop'.",
    )
    group.addoption(
        "--massager-full", action="store_true", help="Every check, for over three hours."
    )
    group.addoption(
        "--massager-bench",
        metavar="SERIAL",
        default="",
        help="This device lies on a bench, and no one wears it: its motors may move.",
    )
    group.addoption(
        "--massager-full-power", action="store_true", help="Levels above 10 %% on a bench, too."
    )
    group.addoption("--massager-seed", type=int, default=1, help="Of the random walks.")


def _dut(config: pytest.Config) -> DeviceUnderTest:
    """The one device of this run."""
    from massager_hil.under_test import DeviceUnderTest

    known: DeviceUnderTest | None = config.stash.get(_KEY, None)
    if known is None:
        option = cast("Callable[[str], Any]", config.getoption)
        known = config.stash[_KEY] = DeviceUnderTest(
            option(_DEVICE),
            full=option("--massager-full"),
            bench_serial=option("--massager-bench"),
            full_power=option("--massager-full-power"),
            seed=option("--massager-seed"),
        )
    return known


_KEY: Final[pytest.StashKey[Any]] = pytest.StashKey()


@pytest.fixture(scope="session")
def massager_dut(request: pytest.FixtureRequest) -> DeviceUnderTest:
    """The device that `--massager-device` names: `check` runs checks of the suite on it, `run` one of your own."""
    config = request.config
    if not config.getoption(_DEVICE):
        pytest.skip(f"massager_dut needs {_DEVICE} ADDRESS, such as sim:")
    return _dut(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the checks, where a device is named."""
    if not config.getoption(_DEVICE):
        return
    from massager_ctl.errors import MassagerError
    from massager_hil.suite import all_checks, chosen

    expression = config.getoption("--massager-checks")
    checks = chosen(expression, all_checks()) if expression else all_checks()
    if not checks:
        raise pytest.UsageError(
            f"no check fits --massager-checks {expression!r}; massager-sim hil --list names them"
        )
    try:
        dut = _dut(config)
    except MassagerError as error:
        raise pytest.UsageError(f"{_DEVICE}: {error}") from error
    if not dut.in_simulated_time and _workers(config):
        raise pytest.UsageError(f"{dut.address} is one device: run without -n")
    parent = _made(_Suite, session, name="massager", nodeid="massager")
    items += [_made(_Item, parent, name=check.id, check=check) for check in checks]


def _made(kind: Any, parent: pytest.Collector, **others: Any) -> Any:
    """A node of pytest, whose constructors say nothing about types."""
    return kind.from_parent(parent, **others)


def _workers(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput") or bool(getattr(config.option, "numprocesses", None))


class _Suite(pytest.Collector):
    """The parent of all checks."""

    def collect(self) -> list[pytest.Item]:
        """They are added after everything else was collected."""
        return []


class _Item(pytest.Item):
    """One check."""

    def __init__(self, *, check: Check, **others: Any) -> None:
        super().__init__(**others)  # pyright: ignore[reportUnknownMemberType]
        self._check = check

    def runtest(self) -> None:
        """Judge the device; numbers become properties of the JUnit report."""
        from massager_hil.report import measured

        outcome = _dut(self.config).judge(self._check)
        self.user_properties += list(measured(outcome))
        _dut(self.config).must_hold(outcome)

    def repr_failure(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> Any:
        """What is broken, and no lines of this package."""
        from massager_hil.under_test import NotConforming

        if isinstance(excinfo.value, NotConforming):
            return str(excinfo.value)
        return cast("Any", super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """As it is listed."""
        return self.path, None, f"massager: {self._check.id} ({', '.join(self._check.rules)})"
