"""Control sockets of the test's own, and a browser for all tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.e2e.web.browser import launch


@pytest.fixture(autouse=True)
def _own_sockets(runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playing() -> AsyncIterator[Playwright]:
    async with async_playwright() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(playing: Playwright) -> AsyncIterator[Browser]:
    made = await launch(playing)
    yield made
    await made.close()
