"""The pages of the week in a real browser: nothing that axe objects to, nothing wider than the screen.

Screenshots for the documentation are made anew with RECORD_DOCS=1. Needs Chromium (Debian: chromium).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.review.page.test_browser import CHROMIUM, LOOKS, SWITCHES, entered, playwright, violations
from tests.review.week import script
from tests.review.week.running import fixture
from tests.review.week.script import KEPT, Week

IMAGES = Path(__file__).parents[3] / "docs" / "images"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.clients,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def week(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Week]:
    async with fixture(tmp_path_factory.mktemp("week"), script.START) as running:
        yield await script.run(running)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        await browser.close()


@pytest.mark.parametrize("look", LOOKS)
async def test_the_pages_of_the_week(week: Week, chromium: Any, look: str) -> None:
    base = str(week.fixture.browser.client.make_url("/review/"))
    window = await entered(chromium, base, **LOOKS[look])
    pages = {
        "overview": "?days=7",
        "integration": "integrations/crm?days=7",
        "finding": f"findings/{await week.id_of(KEPT)}",
        "ported": "integrations/portal?days=7",
        "lossy": "integrations/switchboard?days=7",
        "strangers": "integrations/(unknown)?days=7",
    }
    for name, path in pages.items():
        await window.open(path)
        assert not await violations(window.page), f"{name} in {look}"
        width = await window.page.evaluate("document.documentElement.scrollWidth")
        assert width <= LOOKS[look]["viewport"]["width"], f"{name} is wider than the screen in {look}"
        if os.environ.get("RECORD_DOCS") and name in ("overview", "integration", "finding"):
            await window.page.screenshot(path=IMAGES / f"review-{name}-{look}.png")
        if os.environ.get("RECORD_ALL"):
            await window.page.screenshot(path=f"/tmp/week-{name}-{look}.png", full_page=True)
    assert not window.complaints
