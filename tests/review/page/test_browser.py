"""The pages in a real browser: nothing that axe objects to in light, dark and on a phone, and what scripts add.

Needs Chromium (Debian: chromium). Screenshots for the documentation are made anew with RECORD_DOCS=1.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from shim.edge.app import Application
from shim.review.routes import review
from tests.review.page.running import PASSWORD, USER

playwright = pytest.importorskip("playwright.async_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
IMAGES = Path(__file__).parents[3] / "docs" / "images"
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "device_scale_factor": 2},
}
PAGES = {
    "overview": "",
    "integration": "integrations/crm",
    "switchboard": "integrations/switchboard",
    "never-seen": "integrations/fax-gateway",
    "finding": "findings/5",
    "findings": "findings?show=any",
    "operations": "operations",
    "brownouts": "brownouts",
    "missing": "nothing",
}
SHOWN = ("overview", "integration", "finding")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.clients,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@dataclass(frozen=True)
class Window:
    """A tab that is logged in; `complaints` is what the browser's console said."""

    page: Any
    base: str
    complaints: list[str]

    async def open(self, path: str) -> None:
        await self.page.goto(self.base + path)


@pytest.fixture
async def base(shim: Application) -> AsyncIterator[str]:
    async with TestServer(shim.admin_routes(review)) as server:
        yield str(server.make_url("/review/"))


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        await browser.close()


async def entered(chromium: Any, base: str, **look: Any) -> Window:
    context = await chromium.new_context(**look)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(base + "login")
    await page.fill("#name", USER)
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(base)
    return Window(page, base, complaints)


async def violations(page: Any) -> list[str]:
    """What axe objects to; it is run from outside, so that the page's own policy stays as it is."""
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {node['html'][:200]}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_accessible_and_fits(chromium: Any, base: str, look: str) -> None:
    window = await entered(chromium, base, **LOOKS[look])
    for name, path in PAGES.items():
        await window.open(path)
        assert not await violations(window.page), f"{name} in {look}"
        width = await window.page.evaluate("document.documentElement.scrollWidth")
        assert width <= LOOKS[look]["viewport"]["width"], f"{name} is wider than the screen in {look}"
        if name in SHOWN and os.environ.get("RECORD_DOCS"):
            await window.page.screenshot(path=IMAGES / f"{name}-{look}.png", full_page=look != "phone")
    await window.page.context.clear_cookies()
    await window.open("login")
    assert not await violations(window.page), f"login in {look}"
    assert [each for each in window.complaints if "404" not in each] == []
