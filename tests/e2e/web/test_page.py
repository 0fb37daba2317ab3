"""The page in a real browser: sessions on it, by hand and beside other pages, and what the device then does."""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from playwright.async_api import Browser, CDPSession, Playwright, expect

from massager_ctl.control.admission import Subject
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import PainKind
from massager_ctl.safety.screening import QUESTIONS, SYMPTOMS, Answer, Answered
from tests.e2e.web.browser import LIVE, STOPPED, at_rest, context, faults, opened, play
from tests.e2e.web.harness import rig, soon

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]


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


async def test_the_history_has_what_was_played_and_what_hurt_at_rest(
    browser: Browser, playing: Playwright
) -> None:
    async with rig() as made, context(browser, playing) as at:
        page = await opened(at, made)
        await made.controller.pain(PainKind.MILD)
        await page.click("nav a[href='#history']")
        await expect(page.locator("tbody tr")).to_have_count(1)
        cells = page.locator("tbody td")
        await expect(cells.nth(1)).to_have_text("pain reported")
        await expect(cells.nth(2)).to_have_text("")
        await expect(cells.nth(3)).to_have_text("mild")
        await made.controller.manual(60)
        await made.controller.stop_now(Cause.PERSON, "enough")
        await page.reload()
        await expect(page.locator("tbody tr")).to_have_count(2)
        await expect(page.locator("tbody tr").first).to_contain_text("by hand")
        await expect(page.locator("td.hurt")).to_have_text("mild")
        assert faults(page) == []


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
