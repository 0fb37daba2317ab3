"""The page's STOP in a real browser: with a link that is cut, without JavaScript, by keys, in twelve tabs."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, Playwright, expect

from tests.e2e.web.browser import STOPPED, UNCONFIRMED, at_rest, context, opened, play
from tests.e2e.web.harness import PATIENCE_S, rig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]


async def test_a_press_stops_although_the_websocket_is_cut(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at:
        await at.add_init_script(
            "const Real = WebSocket; const all = []; let broken = false;"
            "window.WebSocket = class extends Real { constructor(at) {"
            " super(broken ? 'ws://127.0.0.1:9/' : at); all.push(this); } };"
            "window.cut = () => { broken = true; all.forEach((one) => one.close()); };"
        )
        page = await opened(at, made)
        await play(page, made)
        await page.evaluate("cut()")
        await page.locator("button.stop").tap()
        await page.wait_for_selector(STOPPED)
        await at_rest(made)


async def test_no_news_is_told_and_the_stop_stays(browser: Browser, playing: Playwright) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await play(page, made)
        made.server.app.streams["neck"].close()
        await page.wait_for_selector("#link[data-state=stale]")
        await page.wait_for_selector("#link[data-state=lost]")
        await expect(page.locator("#alarms")).to_contain_text("hears nothing")
        await expect(page.locator("button.stop")).to_be_enabled()
        await page.locator("button.stop").tap()
        await page.wait_for_selector(STOPPED)
        await at_rest(made)


async def test_offline_a_stop_is_told_as_not_confirmed_and_the_session_fades(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await play(page, made)
        await at.set_offline(True)
        await page.locator("button.stop").tap()
        await page.wait_for_selector(UNCONFIRMED)
        await expect(page.locator("#stopped")).to_contain_text("unplug it")
        # The network may let an open websocket live on: then the page is still there, else it is gone.
        await page.close()
        await at_rest(made)
        assert "page" in made.controller.status.message


async def test_without_javascript_the_form_stops(browser: Browser, playing: Playwright) -> None:
    async with rig() as made, context(browser, playing, java_script_enabled=False) as at:
        await made.controller.manual(600)
        page = await at.new_page()
        await page.goto(made.origin)
        await page.locator("button.stop").tap()
        await expect(page.locator("h1")).to_have_text("Stopped")
        await at_rest(made)


async def test_twelve_tabs_are_all_live_and_the_last_one_stops(
    browser: Browser, playing: Playwright
) -> None:
    """A push channel that held one of the browser's six connections would let the seventh hang, and its STOP too."""
    async with rig() as made, context(browser, playing, "desktop") as at:
        tabs = [await opened(at, made) for _ in range(12)]
        await made.controller.manual(600)
        for tab in tabs:
            await tab.wait_for_selector(".live .time")
        await tabs[-1].locator("button.stop").click()
        await tabs[-1].wait_for_selector(STOPPED)
        await at_rest(made)
        for tab in tabs:
            await tab.wait_for_selector("text=Nothing runs")


async def test_a_slow_phone_stops(browser: Browser, playing: Playwright) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        session = await at.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        await play(page, made)
        await page.locator("button.stop").tap()
        await page.wait_for_selector(STOPPED)
        await at_rest(made)


async def test_a_stop_that_is_not_confirmed_cannot_be_missed(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await play(page, made)
        made.break_line()
        await page.locator("button.stop").tap()
        await page.wait_for_selector(UNCONFIRMED)
        await expect(page.locator("#stopped")).to_contain_text("NOT CONFIRMED by neck")
        await expect(page.locator("#alarms")).to_contain_text("confirm")
        await expect(page.locator("button.stop")).to_be_enabled()


@pytest.mark.parametrize("key", ["Escape", " "])
async def test_keys_stop(browser: Browser, playing: Playwright, key: str) -> None:
    async with rig() as made, context(browser, playing, "desktop") as at:
        page = await opened(at, made)
        await made.controller.manual(600)
        await page.wait_for_selector(".live .time")
        await page.keyboard.press(key)
        await page.wait_for_selector(STOPPED)
        await at_rest(made)


async def test_one_device_that_confirms_hides_nothing_of_another(
    browser: Browser, playing: Playwright
) -> None:
    async with rig("neck", "back") as made, context(browser, playing, "desktop") as at:
        page = await opened(at, made)
        made.break_line()
        await page.keyboard.press("Escape")
        await page.wait_for_selector(UNCONFIRMED)
        said = page.locator("#stopped")
        await expect(said).to_contain_text("NOT CONFIRMED by neck")
        await expect(said).to_contain_text("back confirmed")
        await page.click("button.stop:has-text('back')")
        await expect(said).not_to_contain_text("sent")
        await expect(said).to_contain_text("NOT CONFIRMED by neck")


async def test_what_was_confirmed_is_not_said_of_a_session_that_runs(
    browser: Browser, playing: Playwright
) -> None:
    """Also where the page never saw the device at rest in between."""
    async with rig() as made, context(browser, playing, "desktop") as at:
        page = await opened(at, made)
        await made.controller.manual(600)
        await page.wait_for_selector(".live .time")
        stream = made.server.app.streams["neck"]
        stream.close()  # the page gets no news
        await page.keyboard.press("Escape")
        await page.wait_for_selector(STOPPED)
        await made.controller.manual(600)
        await page.wait_for_timeout(1100)
        stream.open()
        await expect(page.locator("#stopped")).to_be_empty()


async def test_an_alarm_that_comes_again_in_the_same_words_is_told_again(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await page.evaluate(
            "() => { window.sounds = 0; navigator.vibrate = () => ++window.sounds; }"
        )
        feed = made.controller._link.feed
        shown = page.locator("#alarms p")
        for number, text in enumerate(("the same words", "the same words", "short"), 1):
            feed.event("alarm", text)
            await expect(shown).to_contain_text(text)
            await _sounds(page, number)
            if number == 1:
                await shown.locator("button").tap()
                await expect(shown).to_have_count(0)


async def _sounds(page: Page, number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await page.evaluate("window.sounds") != number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_is_sent_late_reaches_the_device_that_was_shown_or_none(
    browser: Browser, playing: Playwright
) -> None:
    async with rig("neck", "back") as made, context(browser, playing, "desktop") as at:
        page = await opened(at, made, "#hand")
        for name in ("neck", "back"):
            await made.owned[name].controller.manual(600)
        more = page.locator("button[aria-label='Shoulders, left: more']")
        await expect(more).to_be_visible()
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url) if "/set" in one.url else None)
        await more.click()
        await page.evaluate("import('/static/link.js').then(({ watch }) => watch('back'))")
        await expect(page.locator("#device")).to_have_text("back")
        await page.wait_for_timeout(400)
        assert not any("/back/" in url for url in asked), asked
        assert not any(made.owned["back"].controller.status.target)
