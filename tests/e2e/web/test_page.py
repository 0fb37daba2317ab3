"""The page in a real browser, at phone and desktop size: what a thumb does, and what the device then does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Page,
    Playwright,
    async_playwright,
    expect,
)

from massager_ctl.control.admission import Subject
from massager_ctl.frontends.web.access import new_code
from massager_ctl.safety.screening import QUESTIONS, SYMPTOMS, Answer, Answered
from tests.e2e.web.harness import PATIENCE_S, Rig, rig, soon

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]

ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 900}}
STOPPED = "#stopped[data-state=confirmed]"
UNCONFIRMED = "#stopped[data-state=unconfirmed]"
LIVE = "#link[data-state=live]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playing() -> AsyncIterator[Playwright]:
    async with async_playwright() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(playing: Playwright) -> AsyncIterator[Browser]:
    made = await launch(playing)
    yield made
    await made.close()


async def launch(playing: Playwright, *more: str) -> Browser:
    return await playing.chromium.launch(
        executable_path="/usr/bin/chromium", args=[*ARGUMENTS, *more]
    )


@contextlib.asynccontextmanager
async def context(
    browser: Browser, playing: Playwright, size: str = "phone", **more: Any
) -> AsyncGenerator[BrowserContext]:
    device = dict(playing.devices["Pixel 7"]) if size == "phone" else DESKTOP
    made = await browser.new_context(**{**device, **more})
    made.set_default_timeout(PATIENCE_S * 1000)
    try:
        yield made
    finally:
        await made.close()


async def opened(at: BrowserContext, made: Rig, fragment: str = "") -> Page:
    """The page, once it shows live data. What it says on its console is an error of the test."""
    page = await at.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.faults = faults  # type: ignore[attr-defined]
    await page.goto(f"{made.origin}/{fragment}")
    await page.wait_for_selector(LIVE)
    return page


def faults(page: Page) -> list[str]:
    return list(page.faults)  # type: ignore[attr-defined]


async def play(page: Page, made: Rig, title: str = "Restorative session") -> None:
    """Somebody at the machine is ready, and the page starts a session; one that came too late (R5) is pressed again."""
    await page.click("nav a[href='#start']")
    await page.click(f"summary:has-text('{title}')")
    refused = page.locator("start-view .notice")
    while True:
        made.let()
        await page.click(f"button:has-text('Start: {title}')")
        await expect(page.locator(".live .time").or_(refused).filter(visible=True)).to_be_visible()
        if not await refused.is_visible():
            break
        assert "s old" in await refused.inner_text(), await refused.inner_text()
    await soon(lambda: made.controller.status.phase == "running")
    await soon(lambda: any(made.controller.status.actual))


async def at_rest(made: Rig) -> None:
    await soon(lambda: not made.controller.status.phase.in_session)
    await soon(lambda: not any(made.controller.status.actual))


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_a_first_session_from_an_empty_machine(
    browser: Browser, playing: Playwright, size: str
) -> None:
    async with rig() as made, context(browser, playing, size) as at:
        page = await opened(at, made)
        await page.click("nav a[href='#start']")
        await expect(page.locator(".ready")).to_contain_text("massager-ctl ready")
        await page.click("summary:has-text('Restorative session')")
        await expect(page.locator(".profile[open] .sketch")).to_be_visible()
        start = page.locator("button:has-text('Start: Restorative session')")
        await expect(start).to_be_disabled()
        made.let()
        await start.click()
        await expect(page.locator(".live h2").nth(1)).to_have_text("Restorative session")
        await expect(page.locator(".chart polyline.line").first).to_have_attribute(
            "points", re.compile(r"\d")
        )
        await soon(lambda: any(made.controller.status.actual))
        stop = page.locator("button.stop")
        await (stop.tap() if size == "phone" else stop.click())
        await page.wait_for_selector(STOPPED)
        await at_rest(made)
        await page.click("nav a[href='#history']")
        await expect(page.locator("tbody tr").first).to_contain_text("restorative")
        assert faults(page) == []


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


@pytest.mark.parametrize("way", ["closed", "hidden", "locked"])
async def test_a_page_that_is_gone_ends_its_session(
    browser: Browser, playing: Playwright, way: str
) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await play(page, made)
        began = time.monotonic()
        held: CDPSession | None = None
        match way:
            case "closed":
                await page.close()
            case "hidden":
                await page.evaluate(
                    "Object.defineProperty(document, 'visibilityState', { value: 'hidden' });"
                    "document.dispatchEvent(new Event('visibilitychange'))"
                )
            case _:
                # Nothing of the page runs any more, and the browser still keeps its connections.
                session = await at.new_cdp_session(page)
                await session.send("Debugger.enable")
                await session.send("Debugger.pause")
                held = session
        await soon(lambda: made.controller.status.phase != "running")
        assert time.monotonic() - began > 2.5  # not at the first hiccup
        await at_rest(made)
        assert "R18" in made.controller.status.message
        if held is not None:
            await held.send("Debugger.disable")


async def test_two_pages_agree_and_a_press_takes_over(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at, context(browser, playing) as other:
        phone, tablet = await opened(at, made), await opened(other, made)
        await play(phone, made)
        await expect(phone.locator(".keeper p")).to_contain_text("This page keeps the session")
        await expect(tablet.locator(".keeper p")).to_contain_text("Another page keeps")
        await phone.click("button:has-text('Pause')")
        await expect(tablet.locator(".step")).to_have_text("Paused")
        await tablet.click("button:has-text('Go on')")
        await soon(lambda: made.controller.status.phase == "running")
        await tablet.click("button:has-text('Take over here')")
        await expect(tablet.locator(".keeper p")).to_contain_text("This page keeps the session")
        await expect(phone.locator(".keeper p")).to_contain_text("Another page keeps")
        await phone.close()
        await asyncio.sleep(5)
        assert made.controller.status.phase == "running"
        await tablet.close()
        await at_rest(made)


async def test_somebody_at_the_machine_takes_over(browser: Browser, playing: Playwright) -> None:
    from massager_ctl.model.requests import Presence

    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await play(page, made)
        made.controller.request(Presence())
        await expect(page.locator(".keeper p")).to_contain_text("A person at the machine")
        await page.close()
        await asyncio.sleep(5)
        assert made.controller.status.phase == "running"


async def test_screening_is_answered_at_the_machine_alone_and_pain_locks(
    browser: Browser, playing: Playwright
) -> None:
    async with rig(subject=Subject.REAL) as made, context(browser, playing) as at:
        page = await opened(at, made)
        await page.click("nav a[href='#start']")
        await expect(page.locator(".refusal").first).to_contain_text("massager-ctl screen")
        await made.store.answer(
            [
                Answered(question.id, Answer.NO, made.readings.now())
                for question in (*QUESTIONS, SYMPTOMS)
            ]
        )
        await page.reload()
        await page.wait_for_selector(LIVE)
        await play(page, made)
        await page.click("nav a[href='#now']")
        await page.click("button:has-text('It hurts')")
        await at_rest(made)
        assert await made.store.lock() is not None
        await page.click("nav a[href='#start']")
        await expect(page.locator(".refusal").first).to_contain_text("pain was reported")
        made.let()
        await page.click("summary:has-text('Restorative session')")
        await expect(page.locator("button:has-text('Start: ')").first).to_be_disabled()


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


async def test_by_hand_with_buttons_beside_the_sliders(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await page.click("nav a[href='#hand']")
        made.let()
        await page.click("button:has-text('Start'):visible")
        more = page.locator("button[aria-label='Neck, left: more']")
        for _ in range(4):
            await more.click()
        await soon(lambda: made.controller.aims[2:4] == (4.0, 4.0))
        await page.uncheck("#together")
        await page.locator("button[aria-label='Neck, right: less']").click()
        await soon(lambda: made.controller.aims[2:4] == (4.0, 3.0))
        await page.select_option("#motion", "knead")
        await soon(lambda: made.controller.status.sent.patterns[2].motion == "knead")
        await page.click("button:has-text('36 °C')")
        await expect(page.locator("button:has-text('Press again for 36 °C')")).to_be_visible()
        assert made.controller.status.sent.heat_c is None
        await page.click("button:has-text('Press again for 36 °C')")
        await soon(lambda: made.controller.status.sent.heat_c == 36.0)
        assert faults(page) == []


VIEWS = ["now", "start", "hand", "history", "devices"]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_nothing_keeps_anybody_out(
    browser: Browser, playing: Playwright, size: str, scheme: str
) -> None:
    """WCAG 2.2 AA as far as axe-core sees it, on every view, at rest and while something runs."""
    async with rig() as made, context(browser, playing, size, color_scheme=scheme) as at:
        page = await opened(at, made)
        for session in (False, True):
            if session:
                await made.controller.manual(600)
                await page.wait_for_selector("text=Nothing runs", state="hidden")
            for view in VIEWS:
                await page.click(f"nav a[href='#{view}']")
                await page.wait_for_selector(f"{view}-view")
                await page.wait_for_load_state("networkidle")
                found = await Axe().run(page)
                assert found.violations_count == 0, (view, found.generate_report())


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
