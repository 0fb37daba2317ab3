"""A host and a device on a whole Bluetooth stack."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.e2e.ble.harness import BleBench, opened_ble
from tests.support.marks import rig


@pytest_asyncio.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncGenerator[BleBench]:
    """Paired and connected, unless the mark `rig` says otherwise."""
    async with opened_ble(**rig(request.function)) as made:
        yield made
