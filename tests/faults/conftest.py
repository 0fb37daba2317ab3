"""Every fault that is injected, on every link where it makes sense: `@pytest.mark.laid(on=..., recipe=...)` narrows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.catalogue import recipe_of
from tests.faults.ground import Ground, laid


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play a test on each of its links."""
    if "g" in metafunc.fixturenames:
        on, _ = recipe_of(metafunc.function)
        metafunc.parametrize("g", on, indirect=True, ids=str)


@pytest_asyncio.fixture
async def g(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Ground]:
    """The ground of a fault; its whole trace is held to the rules at the end."""
    _, recipe = recipe_of(request.function)
    async with laid(request.param, recipe, tmp_path) as ground:
        yield ground
        ground.holds()
