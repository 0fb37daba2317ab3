"""What the tests of control share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from tests.faults.ground import Ground, On, Recipe, laid


@pytest_asyncio.fixture
async def g(tmp_path: Path) -> AsyncGenerator[Ground]:
    """A memory link with the manners of BLE, with T of 1 s, so that the host's own bounds are the first to act.

    Its trace is held to the rules at the end.
    """
    async with laid(On.MEMORY, Recipe(ble=True), tmp_path) as ground:
        yield ground
        ground.holds()
