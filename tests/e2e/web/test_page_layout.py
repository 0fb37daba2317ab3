"""The page at phone and desktop size: nothing keeps anybody out, nothing is cut off, all is small."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Playwright, expect

from tests.e2e.web.browser import context, faults, opened, play
from tests.e2e.web.harness import rig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]

VIEWS = ["now", "start", "hand", "history", "devices"]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_nothing_keeps_anybody_out(
    browser: Browser, playing: Playwright, size: str, scheme: str
) -> None:
    """WCAG 2.2 AA as far as axe-core sees it, on every view: at rest, while something runs, and without news of it."""
    async with rig() as made, context(browser, playing, size, color_scheme=scheme) as at:
        page = await opened(at, made)
        for state in ("at rest", "running", "lost"):
            if state == "running":
                await made.controller.manual(600)
                await page.wait_for_selector("text=Nothing runs", state="hidden")
            elif state == "lost":
                made.server.app.streams["neck"].close()
                await page.wait_for_selector("#link[data-state=lost]")
            for view in VIEWS:
                await page.click(f"nav a[href='#{view}']")
                await page.wait_for_selector(f"{view}-view")
                await page.wait_for_load_state("networkidle")
                found = await Axe().run(page)
                assert found.violations_count == 0, (state, view, found.generate_report())


@pytest.mark.parametrize("view", VIEWS)
async def test_at_320_pixels_nothing_is_cut_off_and_nothing_hides_behind_the_stop(
    browser: Browser, playing: Playwright, view: str
) -> None:
    small = {"viewport": {"width": 320, "height": 640}}
    async with rig() as made, context(browser, playing, "desktop", **small) as at:
        page = await opened(at, made)
        await made.controller.manual(600)
        await page.click(f"nav a[href='#{view}']")
        await page.wait_for_selector(f"{view}-view")
        await page.wait_for_load_state("networkidle")
        if view == "history":  # what comes late pushes down what has the focus already
            await page.wait_for_selector("history-view tbody tr")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320
        bar = await page.evaluate("document.getElementById('stops').getBoundingClientRect().top")
        for _ in range(25):
            await page.keyboard.press("Tab")
            focus = await page.evaluate(
                "(() => { const at = document.activeElement; const box = at.getBoundingClientRect();"
                " return [at.closest('#stops') !== null, box.top, box.bottom,"
                " Math.min(box.width, box.height), at.tagName]; })()"
            )
            inside, top, bottom, least, tag = focus
            if tag == "BODY" or inside:
                continue
            assert top < bar, focus
            assert bottom > 0, focus
            assert least >= 24, focus


async def test_everything_comes_from_here_and_is_small(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at:
        asked: list[str] = []
        at.on("request", lambda request: asked.append(request.url))
        page = await opened(at, made)
        for view in VIEWS:
            await page.click(f"nav a[href='#{view}']")
            await page.wait_for_selector(f"{view}-view")
        assert all(url.startswith(made.origin) for url in asked), asked
        assert sum(len(file.content) for file in made.server.app.page.files.values()) <= 60_000
        assert faults(page) == []


async def test_live_data_take_one_request_and_no_more_than_the_view_at_rest(
    browser: Browser, playing: Playwright
) -> None:
    """The websocket is the first thing asked for after the files, and what only a session needs comes with one."""
    async with rig() as made, context(browser, playing) as at:
        asked: list[str] = []
        at.on("request", lambda request: asked.append(request.url.removeprefix(made.origin)))
        page = await opened(at, made)
        await expect(page.locator("now-view h2")).to_have_text("Nothing runs")
        modules = {url for url in asked if url.endswith(".js")}
        assert modules == {
            f"/static/{name}.js" for name in ("app", "dom", "link", "now", "stop", "texts")
        }
        assert not [url for url in asked if url.startswith("/v1/")], asked
        await play(page, made)
        await page.click("nav a[href='#now']")
        await expect(page.locator("now-view svg.chart .plan.neck")).to_have_attribute(
            "points", re.compile(r",")
        )
        assert faults(page) == []


async def test_a_tab_keeps_the_device_that_it_shows(browser: Browser, playing: Playwright) -> None:
    async with rig("neck", "back") as made, context(browser, playing) as at:
        page = await opened(at, made, "#devices")
        await expect(page.locator("#device")).to_have_text("neck")
        await page.click("section:has(h2:text-is('back')) button:has-text('Show this one')")
        await expect(page.locator("#device")).to_have_text("back")
        await page.reload()
        await expect(page.locator("#device")).to_have_text("back")
        await page.evaluate("sessionStorage.setItem('device', 'gone')")
        await page.reload()
        await expect(page.locator("#device")).to_have_text("neck")


async def test_pictures_of_three_sizes(
    browser: Browser, playing: Playwright, tmp_path: Path
) -> None:
    """Kept where MASSAGER_CTL_SCREENSHOTS names a folder: CI keeps them, and the documents show them."""
    folder = Path(os.environ.get("MASSAGER_CTL_SCREENSHOTS") or tmp_path)
    async with (
        rig() as made,
        context(browser, playing, color_scheme="dark") as phone,
        context(browser, playing, "desktop", viewport={"width": 820, "height": 1180}) as tablet,
        context(browser, playing, "desktop", color_scheme="dark") as desk,
    ):
        pages = {
            "phone": await opened(phone, made),
            "tablet": await opened(tablet, made),
            "desktop": await opened(desk, made),
        }
        await play(pages["phone"], made)
        for name, page in pages.items():
            await page.click("nav a[href='#now']")
            await page.evaluate("scrollTo(0, 0)")
            picture = await page.screenshot(path=folder / f"page-{name}.png", scale="css")
            assert len(picture) > 10_000
