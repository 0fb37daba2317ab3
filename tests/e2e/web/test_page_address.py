"""By which names and addresses a browser may reach the page."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright, expect

from massager_ctl.frontends.web.access import new_code
from tests.e2e.web.browser import STOPPED, context, launch, opened
from tests.e2e.web.harness import rig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]


async def test_a_name_that_points_here_gets_nothing(playing: Playwright) -> None:
    """DNS rebinding in a real browser: the attacker's own name, mapped to this machine."""
    browser = await launch(playing, "--host-resolver-rules=MAP evil.test 127.0.0.1")
    async with rig() as made:
        page = await browser.new_page()
        answer = await page.goto(f"http://evil.test:{made.port}/")
        assert answer is not None
        assert answer.status == 403
        asked = (
            "async (path) => { try { const a = await fetch(path, {method: path.includes('stop') ? 'POST' : 'GET'});"
            " return a.status } catch { return 'failed' } }"
        )
        assert await page.evaluate(asked, "/v1/devices") == 403
        cut = (
            "at => new Promise(go => { const s = new WebSocket(at);"
            " s.onopen = () => go('open'); s.onerror = () => go('refused') })"
        )
        assert (
            await page.evaluate(cut, f"ws://evil.test:{made.port}/v1/devices/neck/watch")
            == "refused"
        )
        assert await page.evaluate(asked, "/v1/devices/neck/stop") == 200
    await browser.close()


async def test_a_phone_is_paired_by_the_address_it_opens(
    browser: Browser, playing: Playwright, tmp_path: Path
) -> None:
    async with (
        rig(lan=tmp_path) as made,
        context(browser, playing, ignore_https_errors=True) as at,
    ):
        assert made.file is not None
        asked: list[str] = []
        at.on("request", lambda request: asked.append(request.url))
        page = await opened(at, made, f"#k={new_code(made.file, time.time())}")
        assert "#k" not in page.url
        assert not any("k=" in url for url in asked)
        again = await opened(at, made)
        await expect(again.locator("#device")).to_have_text("neck")
        async with context(browser, playing, ignore_https_errors=True) as stranger:
            other = await stranger.new_page()
            await other.goto(made.origin)
            await expect(other.locator("pair-view h2")).to_have_text("Pair this phone")
            await other.fill("#code", "wrong code")
            await other.click("button:has-text('Pair')")
            await expect(other.locator(".notice")).to_contain_text("massager-ctl access pair")
            await other.locator("button.stop").tap()
            await other.wait_for_selector(STOPPED)
