"""A real browser: how tests start it, open the page, and start a session on it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page, Playwright, expect

from tests.e2e.web.harness import PATIENCE_S, Rig, soon

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
