"""The device alone, as most tests of it begin; and a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.unit.firmware_sim.lone_device import make

from firmware_sim.peer import Peer


@pytest.fixture
def peer() -> Peer:
    return make()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: that of the person, and that of a program."""
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)
