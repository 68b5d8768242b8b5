"""Who looks after integrations: owners, contacts and notes on the page; lists that are filtered and grouped."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from shim.edge.app import Application
from shim.edge.deprecation.tables import LOGIN_FORMS
from shim.edge.settings.logins import LoginForms
from shim.edge.store.audit import audit_log
from tests.review.page.running import Browser, application, config, served
from tests.review.page.test_pages import words
from tests.review.world import NOW

OWNERS = {"crm": "Billing", "ledger": "Billing", "portal": "Web"}
ABOUT = {"contact": "team@example.com", "link": "https://wiki.example.com/x", "notes": "On the old host."}


@pytest.fixture
async def owned(tmp_path: Path) -> AsyncIterator[Application]:
    settings = config(tmp_path)
    changed = [
        each.model_copy(update={"owner": OWNERS.get(each.name), **(ABOUT if each.name == "crm" else {})})
        for each in settings.integrations
    ]
    async with application(settings.model_copy(update={"integrations": tuple(changed)})) as opened:
        yield opened


@pytest.fixture
async def nora(owned: Application) -> AsyncIterator[Browser]:
    async with served(owned) as browser:
        await browser.login()
        yield browser


def listed(page: str) -> list[str]:
    return re.findall(r'<h3><a href="/review/integrations/([^"]+)"', page)


async def test_an_integration_says_who_looks_after_it(nora: Browser) -> None:
    page = await nora.get("/review/integrations/crm")
    assert (
        "Owner Billing Contact team@example.com Link https://wiki.example.com/x Notes On the old host."
        in words(page)
    )
    assert 'href="https://wiki.example.com/x" rel="noreferrer"' in page
    assert 'aria-label="Who looks after it"' not in await nora.get("/review/integrations/switchboard")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("owner=Billing", ["ledger", "crm"]),
        ("owner=(nobody)&sort=name", ["fax-gateway", "switchboard"]),
        ("text=OLD+HOST", ["crm"]),
        ("text=port", ["portal"]),
        ("show=done", ["portal"]),
        ("show=never", ["fax-gateway"]),
        ("show=left&sort=name", ["crm", "ledger", "switchboard"]),
        ("sort=calls", ["ledger", "switchboard", "crm", "portal", "fax-gateway"]),
        ("sort=last", ["crm", "ledger", "switchboard", "portal", "fax-gateway"]),
        ("sort=nonsense&show=nonsense&group=x", ["switchboard", "ledger", "crm", "portal", "fax-gateway"]),
        ("show=failing", []),
    ],
)
async def test_the_list_is_filtered_and_ordered_by_the_address(
    nora: Browser, query: str, names: list[str]
) -> None:
    page = await nora.get(f"/review/?{query}")
    found = listed(page)
    assert found == names if "last" not in query else sorted(found) == sorted(names)
    assert ("Nothing fits." in page) == (not names)


async def test_the_list_is_grouped_by_owner_and_nobody_comes_last(nora: Browser) -> None:
    page = await nora.get("/review/?group=owner")
    heads = re.findall(r'<h3 class="owner">([^<]+)</h3>', page)
    assert heads == ["Billing", "Web", "(nobody)"]
    assert set(listed(page)[:2]) == {"crm", "ledger"}


async def test_notes_are_written_on_the_page_and_go_over_those_of_the_configuration(
    owned: Application, nora: Browser
) -> None:
    page = await nora.get("/review/integrations/crm")
    page = await nora.post("/review/integrations/crm/notes", page, notes="Moves in May.\r\nAsk Ann.")
    assert "The notes were saved." in page
    assert "Notes Moves in May. Ask Ann. nora, just now" in words(page)
    assert "On the old host." not in page
    [event] = [each for each in await audit_log(owned.store) if each.action == "notes"]
    assert (event.who, event.subject, event.detail) == ("nora", "crm", "Moves in May.\nAsk Ann.")
    page = await nora.post("/review/integrations/crm/notes", page, notes=" ")
    assert "Notes On the old host." in words(page)
    page = await nora.post("/review/integrations/crm/notes", page, 422, notes="a\x07b")
    assert "without control characters" in page


async def test_an_operation_says_what_becomes_of_it_and_who_uses_it(nora: Browser) -> None:
    text = words(await nora.get("/review/operations/Client.GetClients")).replace(" ", "")
    assert "Organization.GetOrganizationspostedto" in text
    assert "organizationclientRenamed.v3hasitunderanothername." in text
    users = text.partition("Whousesit")[2]
    assert users.index("portal") < users.index("crm") < users.index("ledger")
    assert "There is no such operation" in await nora.get("/review/operations/Client.Nothing", 404)
    assert "Nobody called it" in await nora.get("/review/operations/Client.DelClient")


async def test_native_calls_are_told_by_operation(nora: Browser) -> None:
    text = words(await nora.get("/review/integrations/portal"))
    native = text.partition("Native v3 calls by operation")[2].partition("Findings")[0]
    assert "Organization.GetOrganizations 120 0" in native
    assert "Organization.SetOrganizationStatus 18 0" in native


async def test_a_letter_can_be_read_and_printed(nora: Browser) -> None:
    page = await nora.get("/review/integrations/crm/letter")
    assert "<h1>Porting crm to SystemAPI 3</h1>" in page
    assert "<td><code>industry</code></td>" in page
    assert "Billing, team@example.com" in page
    await nora.get("/review/integrations/nobody/letter", 404)


async def test_an_integration_says_how_it_logs_in_and_what_becomes_of_that(
    owned: Application, nora: Browser
) -> None:
    assert "How it logs in" not in await nora.get("/review/integrations/crm")
    row = {"day": NOW.date().isoformat(), "integration": "crm", "first_seen": NOW, "last_seen": NOW}
    rows = [{**row, "form": form, "calls": calls} for form, calls in (("password", 12), ("app_key", 3))]
    await owned.store.write(lambda connection: connection.execute(sa.insert(LOGIN_FORMS), rows))
    forms = LoginForms(password="refuse", refuse_from=NOW.date() + timedelta(days=3))  # a rung
    changed = [each.model_copy(update={"login_forms": forms}) for each in owned.config.integrations]
    owned.config = owned.config.model_copy(update={"integrations": changed})
    text = words(await nora.get("/review/integrations/crm")).partition("How it logs in")[2]
    assert "user name and password 12" in text
    assert "warned of; refused from 15 Mar 2026" in text
    assert "app key and secret 3" in text
