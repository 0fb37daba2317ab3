"""A page that stays open while its service ends and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright, expect

from tests.e2e.web.browser import LIVE, STOPPED, context
from tests.e2e.web.harness import PATIENCE_S
from tests.e2e.web.serving import served

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]


async def test_a_page_is_live_again_once_its_service_was_restarted(
    browser: Browser, playing: Playwright, tmp_path: Path
) -> None:
    """The new service knows no one that the old one let in."""
    async with context(browser, playing) as at:
        page = await at.new_page()
        async with served(tmp_path, "--device", "neck=sim:", "--port", "0") as first:
            port = (await first.says(r"http://127\.0\.0\.1:(\d+)/"))[1]
            await first.says("device.connected")
            await page.goto(f"http://127.0.0.1:{port}/")
            await page.wait_for_selector(LIVE)
            first.process.terminate()
            await asyncio.wait_for(first.process.wait(), PATIENCE_S)
        await page.wait_for_selector("#link[data-state=lost]")
        async with served(tmp_path, "--device", "neck=sim:", "--port", port) as second:
            await second.says("device.connected")
            await page.wait_for_selector(LIVE)
            await page.click("button.stop")
            await expect(page.locator(STOPPED)).to_be_visible()
