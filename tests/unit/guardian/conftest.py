"""A dumb device, on a pseudo-terminal and on TCP."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from tests.support.line_device import Peer


@pytest.fixture(params=["pty", "tcp"])
def peer(request: pytest.FixtureRequest) -> Generator[Peer]:
    device = Peer(request.param)
    yield device
    device.close()
