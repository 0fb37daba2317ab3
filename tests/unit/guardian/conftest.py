"""A dumb device, on a pseudo-terminal and on TCP; and the guardian's rules without a process."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from tests.support.line_device import Peer
from tests.unit.guardian.machine_bench import Bench


@pytest.fixture(params=["pty", "tcp"])
def peer(request: pytest.FixtureRequest) -> Generator[Peer]:
    device = Peer(request.param)
    yield device
    device.close()


@pytest.fixture
def bench() -> Bench:
    return Bench()
