"""pytest fixtures for code that drives a massager: a device that behaves, and misbehaves, like a real one.

Nothing is imported before a fixture is used, so that the plugin costs other test suites nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from firmware_sim.testing import (
        BleMassager,
        Massager,
        MemoryMassager,
        SerialMassager,
        SimulatedTime,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line(
        "markers",
        "massager(faults=[...], **options): what the simulated device of a test is like from the start, "
        "in the words of `massager-sim faults` and of `sim:?...`",
    )


def _marked(request: pytest.FixtureRequest) -> tuple[str, list[str]]:
    """Options and faults of every `massager` marker on the test, the nearest last."""
    from firmware_sim.testing import query

    options: dict[str, object] = {}
    faults: list[str] = []
    node = cast("pytest.Item", request.node)
    for marker in reversed(list(node.iter_markers("massager"))):
        given = dict(cast("dict[str, object]", marker.kwargs))
        faults += cast("list[str]", given.pop("faults", []))
        options |= given
    return query(options), faults


@pytest.fixture
def massager_time() -> Iterator[SimulatedTime]:
    """Simulated time: `run` a coroutine, or `sleep` for an hour, in no time."""
    from firmware_sim.testing import SimulatedTime

    time = SimulatedTime()
    yield time
    time.close()


@pytest.fixture
def massager_sim(
    request: pytest.FixtureRequest, massager_time: SimulatedTime
) -> Iterator[MemoryMassager]:
    """A device in memory, under simulated time, with a link: `write`, `read`, `run`."""
    from firmware_sim.testing import MemoryMassager

    massager = MemoryMassager(massager_time, *_marked(request))
    yield massager
    massager.close()


@pytest.fixture
def massager_pty(request: pytest.FixtureRequest) -> Iterator[SerialMassager]:
    """A device in real time behind a serial port at `path`."""
    from firmware_sim.testing import SerialMassager

    with tempfile.TemporaryDirectory(prefix="massager-") as folder:
        massager = SerialMassager(Path(folder) / "port", *_marked(request))
        yield massager
        massager.close()


@pytest.fixture
def massager_ble(
    request: pytest.FixtureRequest, massager_time: SimulatedTime
) -> Iterator[BleMassager]:
    """A device on a virtual radio, under simulated time: `BleakClient(..., backend=massager_ble.backend)`."""
    pytest.importorskip("bumble", reason="massager_ble needs: pip install 'massager-ctl[sim]'")
    from firmware_sim.testing import BleMassager

    massager = BleMassager(massager_time, *_marked(request))
    yield massager
    massager.close()


@pytest.fixture
def massager_faults(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Bring a fault about on the test's device: `massager_faults("stall=neck_left@2:1")`, counted from now."""

    def bring(spec: str) -> None:
        names = [name for name in _DEVICES if name in request.fixturenames]
        if not names:
            pytest.fail(f"massager_faults needs one of {', '.join(_DEVICES)} in the same test")
        for name in names:
            device: Massager = request.getfixturevalue(name)
            device.fault(spec)

    return bring


_DEVICES = ("massager_sim", "massager_pty", "massager_ble")
