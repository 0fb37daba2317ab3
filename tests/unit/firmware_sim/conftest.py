"""The device alone, as most tests of it begin."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import make

from firmware_sim.peer import Peer


@pytest.fixture
def peer() -> Peer:
    return make()
