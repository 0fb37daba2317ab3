"""What a page shows while its link to the service lags, or its service ends and comes back."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright, WebSocketRoute, expect

from tests.e2e.web.browser import LIVE, STOPPED, context
from tests.e2e.web.harness import PATIENCE_S, rig
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


async def test_pictures_that_are_all_late_are_not_shown_as_live(
    browser: Browser, playing: Playwright
) -> None:
    """A link that delivers everything seconds late: each picture is new, and what it shows is over."""
    late_s = 0.0

    def carry(here: WebSocketRoute) -> None:
        there = here.connect_to_server()

        def later(message: str | bytes) -> None:
            asyncio.get_running_loop().call_later(late_s, here.send, message)

        there.on_message(later)

    async with rig() as made, context(browser, playing) as at:
        page = await at.new_page()
        await page.route_web_socket(re.compile("/watch"), carry)
        await page.goto(f"{made.origin}/")
        await page.wait_for_selector(LIVE)
        late_s = 1.6
        link = page.locator("#link")
        await expect(link).to_have_attribute("data-state", "stale", timeout=PATIENCE_S * 1000)
        shown = await page.evaluate(
            """() => new Promise((done) => {
                const link = document.querySelector("#link"), seen = new Set([link.dataset.state]);
                new MutationObserver(() => seen.add(link.dataset.state)).observe(link, { attributes: true });
                setTimeout(() => done([...seen]), 1500);
            })"""
        )
        assert "live" not in shown
        late_s = 5.0  # then the page asks for a link that is not behind
        await expect(link).to_have_attribute("data-state", "lost", timeout=PATIENCE_S * 1000)
        late_s = 0.0
        await page.wait_for_selector(LIVE)
