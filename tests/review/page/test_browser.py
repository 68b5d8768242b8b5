"""The pages in a real browser: nothing that axe objects to in light, dark and on a phone, and what scripts add.

Needs Chromium (Debian: chromium).
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from shim.edge.app import Application
from shim.review.listener import review
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
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 1300}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 1300}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 1000}, "device_scale_factor": 2},
}
PAGES = {
    "overview": "",
    "integration": "integrations/crm",
    "switchboard": "integrations/switchboard",
    "never-seen": "integrations/fax-gateway",
    "finding": "findings/6",
    "findings": "findings?show=any",
    "operations": "operations",
    "operation": "operations/Extension.AddExtension",
    "letter": "integrations/switchboard/letter",
    "kinds": "findings?show=any&group=kind",
    "owners": "?group=owner",
    "logins": "logins",
    "brownouts": "brownouts",
    "impact": "impact?change=rung:locked&integration=switchboard&operation=Extension.*",
    "policy": "impact?change=policy:refuse&finding=field-dropped",
    "missing": "nothing",
}

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


async def test_what_was_typed_stays_when_the_shim_is_away_or_cannot(chromium: Any, base: str) -> None:
    window = await entered(chromium, base, **LOOKS["light"])
    await window.open("findings/6")
    page = window.page
    await page.check("input[value=note]")
    await page.fill("#text", "A long note")
    await page.context.set_offline(True)
    await page.click("button:has-text('Save')")
    await page.wait_for_selector("#said .problem")
    assert "nothing was saved" in await page.inner_text("#said")
    assert await page.input_value("#text") == "A long note"
    await page.context.set_offline(False)
    busy = "<main><p class=problem>The store is busy.</p></main>"
    await page.route(
        "**/findings/6", lambda route: route.fulfill(status=503, body=busy, content_type="text/html")
    )
    await page.click("button:has-text('Save')")
    await page.wait_for_selector("#said .problem:has-text('The store is busy.')")
    assert await page.input_value("#text") == "A long note"
    await page.unroute("**/findings/6")
    await page.click("button:has-text('Save')")
    await page.wait_for_selector(".said:has-text('Your note was added.')")
    assert "A long note" in await page.inner_text(".history")


async def test_a_session_that_ended_leads_back_with_the_note(chromium: Any, base: str) -> None:
    window = await entered(chromium, base, **LOOKS["light"])
    await window.open("findings/6")
    page = window.page
    await page.check("input[value=note]")
    await page.fill("#text", "A long note")
    await page.context.clear_cookies()
    await page.click("button:has-text('Save')")
    await page.wait_for_selector("#name")
    await page.fill("#name", USER)
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#text")
    assert page.url.endswith("/findings/6")
    assert await page.input_value("#text") == "A long note"


async def test_searching_adds_no_step_to_the_history(chromium: Any, base: str) -> None:
    window = await entered(chromium, base, **LOOKS["light"])
    await window.open("findings")
    page = window.page
    steps = await page.evaluate("history.length")
    for typed in ("call", "callback"):
        await page.fill("#text", typed)
        await page.wait_for_url(f"**text={typed}&**")
    assert await page.evaluate("history.length") == steps


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_accessible_and_fits(chromium: Any, base: str, look: str) -> None:
    window = await entered(chromium, base, **LOOKS[look])
    for name, path in PAGES.items():
        await window.open(path)
        assert not await violations(window.page), f"{name} in {look}"
        width = await window.page.evaluate("document.documentElement.scrollWidth")
        assert width <= LOOKS[look]["viewport"]["width"], f"{name} is wider than the screen in {look}"
    await forms_are_accessible(window)
    await window.page.context.clear_cookies()
    await window.open("login")
    assert not await violations(window.page), f"login in {look}"
    assert [each for each in window.complaints if "404" not in each and "422" not in each] == []


async def forms_are_accessible(window: Window) -> None:
    """What comes back from forms: a reason, a dry run, a question."""
    page = window.page
    await window.open("findings/6")
    await page.get_by_role("radio", name="Ignore").check()
    await page.get_by_role("button", name="Save").click()
    await playwright.expect(page.get_by_role("alert")).to_be_visible()
    assert not await violations(page)
    await window.open("brownouts")
    await page.get_by_label("Integration").select_option("All integrations")
    await page.get_by_role("button", name="Dry run").click()
    await playwright.expect(page.get_by_text("Nothing was planned yet.")).to_be_visible()
    assert not await violations(page)
    await page.get_by_role("button", name="Plan it").click()
    await playwright.expect(page.locator("#said")).to_contain_text("The brownout is planned")
    assert not await violations(page)
    await window.open("integrations/crm")
    row = page.locator("tr", has=page.get_by_text("Client.AddClient", exact=True))
    await row.get_by_role("combobox").select_option("locked")
    await row.get_by_role("button").click()
    await playwright.expect(page.get_by_role("heading", name="Lock Client.AddClient?")).to_be_visible()
    assert not await violations(page)


async def test_the_keyboard_is_enough(chromium: Any, base: str) -> None:
    window = await entered(chromium, base)
    page = window.page
    await window.open("")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Skip to the content"
    box = await page.locator(":focus").bounding_box()
    assert box["x"] >= 0, "it can be seen once it has the focus"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await focused(page) == "7 days"
    await window.open("findings/6")
    await page.locator("#call1-python").focus()
    await page.keyboard.press("ArrowRight")
    assert await page.locator("#call1-curl-text").is_visible()
    assert not await page.locator("#call1-python-text").is_visible()
    outline = await page.evaluate("getComputedStyle(document.querySelector('.tab:focus + label')).outlineStyle")
    assert outline == "solid"


async def focused(page: Any) -> str:
    return " ".join((await page.evaluate("document.activeElement.textContent")).split())


async def test_everything_works_without_scripts(chromium: Any, base: str) -> None:
    window = await entered(chromium, base, java_script_enabled=False)
    page = window.page
    await window.open("findings/6")
    assert await page.locator("button.copy:visible").count() == 0
    assert await page.locator("#call1-python-text").is_visible()
    await page.get_by_text("PHP", exact=True).click()
    assert await page.locator("#call1-php-text").is_visible()
    assert not await page.locator("#call1-python-text").is_visible()
    await page.get_by_label("Only note something").check()
    assert not await page.locator("#until").is_visible()
    await page.get_by_label("Note or reason").fill("Without scripts")
    await page.get_by_role("button", name="Save").click()
    assert "Your note was added." in await page.inner_text("#said")
    await window.open("findings")
    await page.get_by_label("Search").fill("callback")
    await page.get_by_role("button", name="Filter").click()
    assert "1 finding" in await page.inner_text("#results")
    await window.open("integrations/crm")
    row = page.locator("tr", has=page.get_by_text("Client.AddClient", exact=True))
    await row.get_by_role("combobox").select_option("compare")
    await row.get_by_role("button").click()
    assert "the rung is Compare now" in await page.inner_text("#said")


async def test_scripts_filter_while_typing_save_in_place_and_copy(chromium: Any, base: str) -> None:
    window = await entered(chromium, base)
    page = window.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await window.open("findings")
    await page.get_by_label("Search").type("callback")
    await playwright.expect(page.locator("#results")).to_contain_text("1 finding")
    assert "text=callback" in page.url
    assert await page.evaluate("document.activeElement.id") == "text", "typing goes on"
    await page.get_by_label("State").select_option("any")
    await page.wait_for_url("**show=any**")

    await window.open("findings/6")
    await page.evaluate("window.same = true")
    await page.get_by_role("radio", name="Ignore").check()
    await page.get_by_role("button", name="Save").click()
    await playwright.expect(page.get_by_role("alert")).to_contain_text("Ignoring needs a reason")
    await page.get_by_label("Note or reason").fill("Not used any more")
    await page.get_by_role("button", name="Save").click()
    await playwright.expect(page.locator("#said")).to_contain_text("It was saved.")
    assert await page.evaluate("window.same"), "the page was not loaded anew"
    assert await page.evaluate("document.activeElement.id") == "main"

    await page.get_by_role("button", name="Copy Organization.AddOrganization, Python").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await page.locator("#call1-python-text").text_content()
    assert copied.startswith('"""Organization.AddOrganization')
    await playwright.expect(page.locator("#said")).to_have_text("Copied.")
    assert [each for each in window.complaints if "422" not in each] == []
