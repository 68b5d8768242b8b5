"""Lists that are long: paged, ordered, searched, grouped, changed many at once, on pages that stay small."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shim.edge.app import Application
from shim.review.page.recent import LARGE, SECONDS, Recent
from shim.review.reading.model import FindingFilter, Overview
from tests.review.page.running import Browser, application, config, served
from tests.review.page.test_pages import words
from tests.review.world import Builder
from tests.support.conversation import catalogue

MOST = 200_000
"""Bytes of a page."""
INTEGRATIONS, OPERATIONS, FINDINGS = 200, 100, 25
CODES = ("field-kept", "field-dropped", "unknown-element", "field-refused", "field-emulated")


def rows(page: str) -> list[str]:
    return re.findall(r'<h3><a href="/review/findings/(\d+)"', page)


# ---- findings ----


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("show=any&sort=count", "2"),
        ("show=any&sort=integration", "8"),
        ("show=any&sort=first", "9"),
        ("show=any&sort=nonsense", "4"),
    ],
)
async def test_findings_are_ordered_by_the_address(nora: Browser, query: str, first: str) -> None:
    found = rows(await nora.get(f"/review/findings?{query}"))
    assert len(found) == 9
    assert found[0] == first or query.endswith(("integration", "first"))


async def test_findings_are_filtered_by_the_days_on_which_they_were_seen(nora: Browser) -> None:
    everything = set(rows(await nora.get("/review/findings?show=any")))
    late = set(rows(await nora.get("/review/findings?show=any&since=2026-03-12")))
    early = set(rows(await nora.get("/review/findings?show=any&until=2026-02-25")))
    assert late < everything
    assert everything - late == {"4", "5", "8", "9"}, "those whose last day lies before"
    assert "4" not in early
    assert everything == set(rows(await nora.get("/review/findings?show=any&since=x&until=2026-13-01")))


async def test_findings_are_grouped_by_kind(nora: Browser) -> None:
    page = await nora.get("/review/findings?show=any&group=kind")
    text = words(page)
    assert text.index("Refused ✕ Refused 1 1 6") < text.index("Dropped ▼ Loss 1 1 630")
    assert "Kept by the shim ◆ Warning 3 2" in text
    assert 'href="/review/findings?show=any&amp;code=field-kept"' in page


async def test_many_findings_are_changed_at_once(shim: Application, nora: Browser) -> None:
    page = await nora.get("/review/findings?integration=switchboard")
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    ids = rows(page)
    fields = [("token", token[1]), ("filter", "integration=switchboard"), ("do", "fixed"), ("text", "Released")]
    async with nora.client.post(
        "/review/findings", data=[*fields, *(("id", each) for each in ids[:2])]
    ) as answer:
        text = await answer.text()
        assert answer.status == 200
        assert str(answer.url).endswith("/review/findings?integration=switchboard")
    assert "2 findings changed." in text
    assert sorted(rows(text)) == sorted(ids[2:]), "what was declared fixed is open no more"


async def test_all_that_fit_are_changed_with_those_on_other_pages(tmp_path: Path) -> None:
    made = Builder()
    for number in range(250):
        made.finding("crm", "Client.AddClient", "unknown-element", f"x{number:03}", days_ago=(1,))
    made.finding("crm", "Client.AddClient", "field-dropped", "y", days_ago=(1,))
    async with application(config(tmp_path), made) as shim, served(shim) as browser:
        await browser.login()
        page = await browser.get("/review/findings?code=unknown-element")
        assert "All 250 that fit" in words(page)
        common = {"filter": "code=unknown-element", "text": "Harmless"}
        page = await browser.post("/review/findings", page, **common, do="ignore", all="yes")
        assert "250 findings changed." in page
        left = await shim_findings(shim)
        assert left == ["y"]


async def shim_findings(shim: Application) -> list[str]:
    from shim.review.reading import finding_queries

    return [
        each.path
        for each in await finding_queries.findings(shim.store, shim.store.now(), FindingFilter(open=True))
    ]


async def test_what_cannot_be_said_of_many_comes_back_with_what_was_typed(nora: Browser) -> None:
    page = await nora.get("/review/findings")
    for fields, problem in (
        ({"do": "fixed"}, "Choose findings first."),
        ({"do": "ignore", "id": "1"}, "Ignoring needs a reason"),
        ({"do": "", "id": "1", "text": "why"}, "Choose what to say of it."),
    ):
        said = await nora.post("/review/findings", page, 422, filter="severity=loss", **fields)
        assert problem in said
        assert rows(said) == ["2"], "the list stays as it was filtered"
    assert 'value="why"' in said


# ---- operations ----


@pytest.mark.parametrize(
    ("query", "count", "first"),
    [
        ("", 12, "Channel.AddChannel"),
        ("sort=calls", 12, "Report.CallReport"),
        ("sort=users", 12, "Client.GetClients"),
        ("sort=faults", 12, "Extension.SetupExtension"),
        ("show=failing", 2, "Channel.AddChannel"),
        ("show=ported", 2, "Client.GetClientDetails"),
        ("show=left&sort=findings", 10, "Extension.SetupExtension"),
    ],
)
async def test_operations_are_filtered_and_ordered(nora: Browser, query: str, count: int, first: str) -> None:
    page = await nora.get(f"/review/operations?{query}")
    found = re.findall(r'<h2 id="o\d+"><a href="/review/operations/([^"]+)"', page)
    assert (len(found), found[0]) == (count, first)


# ---- much ----


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def many(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """200 integrations with 100 operations and 25 findings each."""
    made, names = Builder(), sorted(catalogue().translations)
    for number in range(INTEGRATIONS):
        name = f"a-program-with-a-long-name-{number:03}"
        made.calls(
            name, "Client.GetClients", range(30), 400, new=False, faults=number % 3, reason="backend-late"
        )
        for step in range(OPERATIONS - 1):
            made.calls(name, names[(number + step) % len(names)], (1,), 1 + step)
        for step in range(FINDINGS):
            made.finding(name, names[step], CODES[step % len(CODES)], f"a/path/{step}", days_ago=(2, 1))
        made.caller(name, "PHP-SOAP/8.2.7", "PHP SoapClient", 500)
        made.login("wrong-secret", name, 5, name)
    made.rows = {table: _once(table, found) for table, found in made.rows.items()}
    async with application(config(tmp_path_factory.mktemp("many")), made) as shim, served(shim) as browser:
        await browser.login()
        yield browser


def _once(table: object, found: list[dict[str, object]]) -> list[dict[str, object]]:
    """Rows of one key once: a step may hit the operation that is there already."""
    if getattr(table, "name", "") != "usage":
        return found
    keys = ("day", "integration", "side", "operation")
    return list({tuple(row[key] for key in keys): row for row in found}.values())


PAGES = {
    "": "Integrations",
    "?page=9&days=90": "Integrations",
    "?group=owner&sort=calls": "Integrations",
    "findings": "5,000 findings",
    "findings?page=50&sort=count": "findings",
    "findings?group=kind": "Kept by the shim",
    "operations": "operations",
    "operations?sort=users&page=3": "operations",
    "operations/Client.GetClients": "200 integrations",
    "integrations/a-program-with-a-long-name-007": "Porting scorecard",
    "integrations/a-program-with-a-long-name-007?page=2": "Porting scorecard",
    "logins": "200 logins",
    "brownouts": "Plan one",
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", PAGES)
async def test_pages_of_much_stay_small(many: Browser, path: str) -> None:
    page = await many.get(f"/review/{path}")
    assert PAGES[path] in page
    assert len(page.encode()) < MOST


@pytest.mark.asyncio(loop_scope="module")
async def test_every_integration_is_on_one_of_the_pages(many: Browser) -> None:
    found: set[str] = set()
    for number in range(1, 20):
        page = await many.get(f"/review/?page={number}&text=long-name")
        found.update(re.findall(r'<h3><a href="/review/integrations/(a-program[^"]+)"', page))
        if 'rel="next"' not in page:
            break
    assert len(found) == INTEGRATIONS


# ---- what is kept for a moment ----


async def test_a_large_overview_is_kept_until_something_changes_or_it_is_old() -> None:
    now, reads = 0.0, 0
    recent = Recent(lambda: now)

    async def read() -> Overview:
        nonlocal reads
        reads += 1
        return overview(LARGE)

    assert await recent.get(30, read) is await recent.get(30, read)
    await recent.get(7, read)
    assert reads == 2
    recent.forget()
    await recent.get(30, read)
    assert reads == 3
    now += SECONDS
    await recent.get(30, read)
    assert reads == 4


async def test_a_small_overview_is_read_anew_and_so_is_one_that_changed_while_it_was_read() -> None:
    recent = Recent(lambda: 0.0)

    async def small() -> Overview:
        return overview(LARGE - 1)

    async def changing() -> Overview:
        recent.forget()
        return overview(LARGE)

    assert await recent.get(30, small) is not await recent.get(30, small)
    assert await recent.get(30, changing) is not await recent.get(30, changing)


def overview(operations: int) -> Overview:
    from types import SimpleNamespace
    from typing import Any, cast

    return cast(Any, SimpleNamespace(integrations=(SimpleNamespace(operations=range(operations)),)))
