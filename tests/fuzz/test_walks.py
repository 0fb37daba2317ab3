"""R1 to R9, R16, R24: no random walk over either side breaks a rule; the nightly profile walks a million steps."""

from __future__ import annotations

import pytest

from tests.fuzz import device_walk, host_walk

pytestmark = pytest.mark.unmeasured

PARTS = 4
"""Walks that share the steps, so that several processes can walk at once."""


@pytest.mark.parametrize("seed", range(PARTS))
def test_any_bytes_and_any_hands_leave_the_device_within_its_rules(seed: int) -> None:
    steps = device_walk.STEPS // PARTS
    assert device_walk.walk(steps, seed) > steps, "it hardly moved, and so proved little"


@pytest.mark.parametrize("seed", range(PARTS))
def test_any_requests_clocks_links_and_lies_leave_the_host_within_its_rules(seed: int) -> None:
    steps = host_walk.STEPS // PARTS
    assert host_walk.walk(steps, seed) > steps / 20, (
        "it hardly asked for anything, and so proved little"
    )
