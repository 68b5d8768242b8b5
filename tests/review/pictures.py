"""Pictures of every page of the review, to look at: `python -m tests.review.pictures FOLDER [COUNT ...]`.

A store is filled with so many integrations (3, 40 and 200 by default), and every page is taken at the width of
a desktop, of a phone, and in dark. What axe objects to, what is wider than the screen, and text that
is wider than its place is printed. Needs Chromium.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from aiohttp.test_utils import TestServer

from shim.edge.settings.load import Config
from shim.review.listener import review
from tests.review import world
from tests.review.page.running import application, config
from tests.review.page.test_browser import CHROMIUM, SWITCHES, entered, playwright, violations

LOOKS: Mapping[str, Mapping[str, Any]] = {
    "desktop": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
OPERATIONS = (
    ("Client.GetClients", "Organization.GetOrganizations"),
    ("Client.GetClientDetails", "Organization.GetOrganizationDetails"),
    ("Client.EditClient", "Organization.EditOrganization"),
    ("Client.SetClientStatus", "Organization.SetOrganizationStatus"),
    ("Extension.GetExtensions", "User.GetUsers"),
    ("Channel.GetCodecs", "Channel.GetCodecs"),
    ("Report.CallReport", "Report.CallReport"),
)
FOUND = (
    ("field-kept", "industry"),
    ("field-refused", "Dahdi"),
    ("default-added", "permissions"),
    ("field-dropped", "phoneTerminal/callWaiting/durationOfTheAnnouncementThatIsPlayed"),
    ("operation-emulated", "GetIndustriesRequest"),
)
OWNERS = ("Billing", "Northwind Hosting & Telephony GmbH, Integration Team Salzburg", "", "nora@example.com")


CUT = """() => [...document.querySelectorAll('.figure, .badge, h1, h2, h3, dd, td, th, button, .what')]
    .filter(each => each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1
        && (each.closest('thead')?.clientWidth ?? 2) > 1)
    .map(each => `text is cut or runs over: ${each.textContent.trim().slice(0, 60)}`)"""
"""What does not fit into its own place, though the page as a whole is no wider than the screen."""


def name_of(number: int) -> str:
    """Short and long ones; one is as long as a name may be."""
    if number == 2:
        return ("a-name-as-long-as-" * 4)[:64]
    return f"{('crm', 'billing-export', 'provisioning-of-the-north')[number % 3]}-{number}"


def filled(count: int) -> tuple[Config, world.Builder, list[str]]:
    """Settings without a store, rows, and the names, of so many integrations of all fates."""
    dice, made = Random(count), world.Builder()
    names = [name_of(number) for number in range(count)]
    for number, name in enumerate(names):
        if number % 7 == 6:
            continue
        last = dice.choice((0, 0, 1, 12))
        for old, new in dice.sample(OPERATIONS, 1 + number % len(OPERATIONS)):
            failing = number % 11 == 4
            a_day = dice.choice((1, 3, 40, 1500, 123456))
            faults = {"faults": max(1, a_day // 3), "reason": "field-refused"} if failing else {}
            made.calls(name, old, range(last, last + 1 + dice.randrange(40)), a_day, **faults)
            if dice.random() < 0.4:
                made.calls(name, new, range(min(9, last + 1)), a_day, new=True, hour=11)
            if dice.random() < 0.3:
                made.rung(name, old, dice.choice(("compare", "v3", "locked")))
        for code, path in dice.sample(FOUND, number % 3):
            made.finding(name, old, code, path, days_ago=range(last, last + 9), a_day=dice.choice((1, 5000)))
        agent = dice.choice(("PHP-SOAP/8.2.7", "SOAP::Lite/Perl/1.27", "", "x" * 200))
        made.caller(name, agent, "PHP SoapClient", dice.randrange(1, 10**7), last)
        if number % 9 == 1:
            made.login("wrong-secret", name, dice.randrange(1, 4000), name)
    made.login("unknown", "somebody", 1)
    made.login("disabled", "away", 12)
    return _settings(names), made, names


def _settings(names: list[str]) -> Config:
    return Config.model_validate(
        {
            "backend": {"url": "https://voipnow.example.com", "health": {"every": 0}},
            "integrations": [
                {
                    "name": name,
                    "owner": OWNERS[number % len(OWNERS)] or None,
                    "contact": "+43 662 123456" if number % 2 else None,
                    "notes": "Runs at night.\nAsk before it is locked." if number % 5 == 0 else None,
                    "old": {"username": name, "password": f"{name}-secret"},
                    "new": {"app_key": f"{name}-key", "app_secret": f"{name}-app-secret"},
                }
                for number, name in enumerate(names)
            ],
        }
    )


def pages(names: list[str], made: world.Builder) -> dict[str, str]:
    """Every page by a name for its picture."""
    worst = next((name for number, name in enumerate(names) if number % 11 == 4), names[1])
    operation = OPERATIONS[0][0]
    found = {"finding": "findings/1"} if made.rows.get(world.FINDINGS) else {}
    return {
        "overview": "",
        "overview-90": "?days=90",
        "overview-owners": "?group=owner",
        "integration": f"integrations/{names[0]}",
        "integration-long": f"integrations/{names[min(2, len(names) - 1)]}",
        "integration-worst": f"integrations/{worst}",
        "integration-unknown": "integrations/(unknown)",
        "integration-never": f"integrations/{names[min(6, len(names) - 1)]}",
        "letter": f"integrations/{names[min(2, len(names) - 1)]}/letter",
        "findings": "findings",
        "findings-kinds": "findings?show=any&group=kind",
        "findings-none": "findings?text=nothing-of-the-kind",
        **found,
        "operations": "operations",
        "operation": f"operations/{operation}",
        "operation-unused": "operations/Extension.AddExtension",
        "logins": "logins",
        "brownouts": "brownouts",
        "impact": "impact",
        "missing": "nothing",
    }


async def take(folder: Path, count: int) -> int:
    """Take the pages of a store of so many integrations; how many complaints there were."""
    base, made, names = filled(count)
    problems = 0
    with tempfile.TemporaryDirectory() as store:
        settings = config(Path(store)).model_copy(update={"integrations": base.integrations})
        async with (
            application(settings, made) as shim,
            TestServer(shim.admin_routes(review)) as server,
            playwright.async_playwright() as driver,
        ):
            browser = await driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
            for look, how in LOOKS.items():
                window = await entered(browser, str(server.make_url("/review/")), **how)
                for name, path in pages(names, made).items():
                    await window.open(path)
                    await window.page.screenshot(path=folder / f"{count}-{look}-{name}.png", full_page=True)
                    wide = await window.page.evaluate("document.documentElement.scrollWidth")
                    said = await violations(window.page)
                    said += await window.page.evaluate(CUT)
                    if wide > how["viewport"]["width"]:
                        said.append(f"it is {wide} pixels wide")
                    for each in said:
                        print(f"{count} {look} {name}: {each}", flush=True)
                    problems += len(said)
            await browser.close()
    return problems


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    counts = [int(each) for each in sys.argv[2:]] or [3, 40, 200]
    sys.exit(1 if sum(asyncio.run(take(folder, count)) for count in counts) else 0)


if __name__ == "__main__":
    main()
