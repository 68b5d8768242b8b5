"""What the pages show: the world of integrations, filters in the address, and hostile names as plain text."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
from lxml import html

from shim.edge.app import Application
from tests.review.page.running import Browser, application, config, served
from tests.review.world import NOW, Builder, sample

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}&amp;\u202e"


def words(page: str) -> str:
    """The text of a page, as it is read."""
    body = page.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def test_overview_says_what_is_left_and_where_to_look(nora: Browser) -> None:
    page = await nora.get("/review/")
    text = words(page)
    assert "10 operations left to port 4 of 14 4 of 14 are ported" in text
    assert "1 / 4 integrations done nothing left that speaks 2.5; 1 never called" in text
    first = text.partition("Look at these first")[2].partition("Integrations")[0]
    assert first.index("Refused: Dahdi") < first.index("Dropped: callback")
    assert "Answered by the shim" not in first, "its operation is ported"
    order = re.findall(r'<h3><a href="/review/integrations/([^"]+)"', page)
    assert order == ["switchboard", "ledger", "crm", "portal", "fax-gateway"]
    assert "5 operations left , 0 ported" in text
    assert "It may call, and has not called yet." in text


async def test_a_chart_is_a_picture_with_words_and_a_table(nora: Browser) -> None:
    page = await nora.get("/review/integrations/portal")
    assert re.search(r'<svg role="img" aria-labelledby="calls-title calls-words"', page)
    assert '<title id="calls-title">Calls a day of portal</title>' in page
    said = re.search(r'<desc id="calls-words">([^<]+)</desc>', page)
    assert said
    assert said[1] == "920 calls in 2.5 and 138 in v3 from 20 February to 12 March; 0 and 46 on the last day."
    table = words(page).partition("Numbers as a table")[2].partition("Porting scorecard")[0]
    assert "Day 2.5 v3 12 Mar 2026 0 46 11 Mar 2026 46 46" in table
    bars = re.findall(r"<title>([^<]+)</title>", page)
    assert "11 Mar 2026: 46 calls in 2.5, 46 in v3" in bars


async def test_a_rung_of_the_configuration_shows(tmp_path: Path) -> None:
    settings = config(tmp_path, {"ledger": {"Report.*": "v3"}})
    async with application(settings) as shim, served(shim) as browser:
        await browser.login()
        page = html.fromstring(await browser.get("/review/integrations/ledger"))
    row = page.xpath("//tr[contains(., 'Report.CallReport') and .//select]")[0]
    assert row.xpath(".//option[@selected]/@value") == ["v3"]
    ladder = " ".join(" ".join(page.xpath("//section[@id='ladder']//li//text()")).split())
    assert "Report.* ⇡ Rung: v3 in the configuration" in ladder


async def test_the_window_can_be_chosen(nora: Browser) -> None:
    assert "6 Mar 2026 to 12 Mar 2026" in words(await nora.get("/review/?days=7"))
    for strange in ("0", "-1", "1e9", "x"):
        assert "11 Feb 2026 to 12 Mar 2026" in words(await nora.get(f"/review/?days={strange}"))


async def test_scorecard_in_the_suggested_order_with_effort_and_reason(nora: Browser) -> None:
    page = await nora.get("/review/integrations/switchboard")
    text = words(page)
    assert "Large effort 5 operations left" in text
    card = text.partition("Porting scorecard")[2].partition("Findings")[0]
    order = [card.index(f"{number} {name}") for number, name in (
        (1, "Extension.GetExtensionSettings"), (4, "PBX.GetIndustries"), (5, "Extension.SetupExtension"),
    )]  # fmt: skip
    assert order == sorted(order)
    assert "→ becomes User.AddUser , Extension.AddExtension" in card
    assert "same name in v3" in card
    assert "no successor in v3" in card
    assert "2 v3 calls, in this order: User.AddUser, Extension.AddExtension" in card
    assert "29 (42 faults)" in card
    next = text.partition("Port this next")[2][:60]
    assert next.startswith(" Extension.GetExtensionSettings")


async def test_what_is_ported_stands_apart(nora: Browser) -> None:
    text = words(await nora.get("/review/integrations/crm"))
    assert "Ported already: 2 operations" in text
    ported = text.partition("Ported already")[2].partition("Findings")[0]
    assert "Client.GetClients" in ported
    assert "Client.AddClient" not in ported
    assert "Of what is ported: 1 open finding" in text
    assert "Client.EditClient ⇡ Rung: Compare by ann, 5 days ago" in text
    done = words(await nora.get("/review/integrations/portal"))
    assert "Nothing is left: every operation that it uses is ported." in done


async def test_callers_and_an_integration_that_never_called(nora: Browser) -> None:
    text = words(await nora.get("/review/integrations/switchboard")).partition("Callers")[2]
    assert "SOAP::Lite/Perl/1.27 SOAP::Lite 2.5.1 192.0.2.10 700 3 h ago" in text
    assert "(none) unknown 2.5.1" in text
    assert "It has not called yet." in words(await nora.get("/review/integrations/fax-gateway"))
    assert "none was ever seen" in words(await nora.get("/review/integrations/nobody", 404))


async def test_finding_with_calls_to_copy_and_history(nora: Browser) -> None:
    page = await nora.get("/review/findings/6")
    text = words(page)
    assert "Kept by the shim ◆ Warning ◐ Acknowledged Client.AddClient at industry" in text
    assert "<AddClientRequest> <name>{name}</name>" in text
    assert "Organization.AddOrganization" in text
    assert "{accessToken}" in text
    for language in ("PHP", "Python", "curl"):
        assert f'aria-label="Organization.AddOrganization, {language}"' in page
    assert "https://pbx.example.com/soap2/organization_agent.php" in text
    assert re.search(r'id="call1-python" checked', page), "its callers use Python"
    history = text.partition("History")[2]
    assert history.index("bob noted Ticket is with the integrator.") < history.index(
        "ann : New → to Acknowledged"
    )


async def test_finding_with_several_calls_numbers_them(nora: Browser) -> None:
    text = words(await nora.get("/review/findings/5"))
    assert "They are made in this order." in text
    assert (
        text.index("1. User.GetUsers") < text.index("2. User.AddUser") < text.index("4. Extension.AddExtension")
    )


async def test_finding_without_a_sample_and_one_that_is_not_there(nora: Browser) -> None:
    assert "No sample is kept of it." in words(await nora.get("/review/findings/3"))
    assert "There is no finding of that number." in words(await nora.get("/review/findings/999", 404))
    await nora.get("/review/findings/12345678901", 404)


async def test_filters_stand_in_the_address(nora: Browser) -> None:
    for query, found in (
        ("", 8),
        ("show=any", 9),
        ("show=fixed", 1),
        ("severity=warning&show=any", 4),
        ("integration=crm", 2),
        ("integration=crm&operation=Client.AddClient", 1),
        ("code=field-dropped", 1),
        ("text=INDUSTRY", 2),
        ("severity=nonsense&show=nonsense&page=x", 8),
        ("text=nothing+fits", 0),
    ):
        page = await nora.get(f"/review/findings?{query}")
        assert f"Results {found} finding" in words(page), query
        assert page.count('<li class="row">') == found, query
    page = await nora.get("/review/findings?severity=warning&show=any&text=ind")
    assert re.search(r'<option value="warning" selected>', page)
    assert re.search(r'<option value="any" selected>', page)
    assert 'value="ind"' in page


async def test_long_lists_have_pages(tmp_path: Path) -> None:
    made = Builder()
    for number in range(250):
        made.finding("crm", "Client.AddClient", "unknown-element", f"x{number:03}", days_ago=(1,))
    async with application(config(tmp_path), made) as shim, served(shim) as browser:
        await browser.login()
        page = await browser.get("/review/findings?text=x&page=2")
        assert "250 findings, 101 to 200 shown" in words(page)
        assert 'href="/review/findings?text=x&amp;page=3" rel="next"' in page
        assert 'href="/review/findings?text=x&amp;page=1" rel="prev"' in page
        assert "201 to 250 shown" in words(await browser.get("/review/findings?page=99999"))


async def test_operations_with_who_uses_them(nora: Browser) -> None:
    text = words(await nora.get("/review/operations"))
    assert "12 operations" in text
    clients = text.partition("Client.GetClients")[2].partition("Client.SetClientStatus")[0]
    assert [each for each in ("portal", "crm", "ledger") if each in clients] == ["portal", "crm", "ledger"]
    one = words(await nora.get("/review/operations?text=setorganizationstatus"))
    assert "1 operation " in one
    assert "Client.SetClientStatus → becomes Organization.SetOrganizationStatus" in one
    assert "Nothing fits." in words(await nora.get("/review/operations?text=nothing"))


async def test_an_empty_log_says_what_to_do(tmp_path: Path) -> None:
    async with application(config(tmp_path), Builder()) as shim, served(shim) as browser:
        await browser.login()
        assert "No call has come yet" in words(await browser.get("/review/"))
        assert "Nothing is open" in words(await browser.get("/review/findings"))
        assert "No 2.5 operation was used." in words(await browser.get("/review/operations"))
        assert "None was ever planned" in words(await browser.get("/review/brownouts"))


async def test_hostile_names_are_text(tmp_path: Path) -> None:
    made = Builder()
    made.calls(HOSTILE, HOSTILE, range(3))
    made.caller(HOSTILE, HOSTILE, HOSTILE, 5)
    made.rung(HOSTILE, HOSTILE, "v3")
    shape = sample("<GetClientsRequest/>").replace(
        "GetOrganizations", "x</code></pre><script>alert(3)</script>"
    )
    id = made.finding(HOSTILE, HOSTILE, "unknown-element", HOSTILE, HOSTILE, sample=None)
    made.event(id, 1, HOSTILE, "new", "new", HOSTILE)
    assert "<script>" in shape
    async with application(config(tmp_path), made) as shim, served(shim) as browser:
        await browser.login()
        pages = [await browser.get(f"/review/{path}") for path in ("", "findings", "operations", "brownouts")]
        [address] = set(re.findall(r'href="(/review/integrations/[^"]+)"', pages[0])) - _configured()
        pages.append(await browser.get(unescape(address)))
        pages.append(await browser.get(f"/review/findings/{id}"))
        query = {"text": HOSTILE, "integration": HOSTILE, "operation": HOSTILE, "code": HOSTILE}
        async with browser.client.get("/review/findings", params=query) as answer:
            pages.append(await answer.text())
        async with browser.client.get("/review/integrations/" + HOSTILE.replace("/", "")) as answer:
            assert answer.status == 404
            pages.append(await answer.text())
    for page in pages:
        tree = html.document_fromstring(page)
        assert tree.xpath("//img | //script[text()] | //@onerror") == []
        assert ">49&" not in page, "nothing of it is a template"
    assert sum("&lt;script&gt;alert(1)" in page for page in pages) >= 6


def _configured() -> set[str]:
    names = ("crm", "fax-gateway", "ledger", "portal", "switchboard")
    return {f"/review/integrations/{name}" for name in names}


async def test_the_store_failing_is_said_and_nothing_else(
    shim: Application, nora: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise OSError("secret path")

    engine = SimpleNamespace(begin=broken)
    engine.execution_options = lambda **_: engine
    monkeypatch.setattr(shim.store, "_engine", engine)
    page = await nora.get("/review/", 503)
    assert "The shim cannot use its store" in page
    assert "secret path" not in page


async def test_a_running_brownout_stands_on_the_first_page(shim: Application, nora: Browser) -> None:
    from shim.edge.porting.ladder import plan_brownout

    await plan_brownout(shim.store, "crm", "Client.*", NOW, NOW + timedelta(hours=1), "nora", "End of 2.5")
    text = words(await nora.get("/review/"))
    assert "A brownout is running for crm, Client.*, until 12 Mar 2026, 13:00 UTC." in text


async def test_many_integrations_have_pages(tmp_path: Path) -> None:
    made = Builder()
    for number in range(60):
        made.calls(f"one-of-{number:02}", "Client.GetClients", (1,), 60 - number)
    async with application(config(tmp_path), made) as shim, served(shim) as browser:
        await browser.login()
        page = await browser.get("/review/?page=2&days=7")
        assert re.findall(r'<h3><a href="/review/integrations/([^"]+)"', page)[0] == "one-of-24"
        assert 'href="/review/?days=7&amp;page=1" rel="prev"' in page
        assert 'href="/review/?days=7&amp;page=3" rel="next"' in page
        assert "All 65 by name" in words(page)


async def test_exports(nora: Browser) -> None:
    for path, kind, name, part in (
        ("integrations.csv", "text/csv", "integrations.csv", "\ncrm,yes,2,2,no,small"),
        ("integrations.json", "application/json", "integrations.json", '"integration": "crm"'),
        ("operations.csv", "text/csv", "operations.csv", "crm,2,Client.AddClient,Organization.AddOrganization"),
        ("findings.csv?integration=crm&severity=warning", "text/csv", "findings.csv", "crm,Client.AddClient"),
        (
            "findings.json?text=callback",
            "application/json",
            "findings.json",
            '"old": "<SetupExtensionRequest>',
        ),
        ("letter.md?integration=crm", "text/markdown", "crm.md", "Organization.AddOrganization"),
    ):
        async with nora.client.get(f"/review/export/{path}") as answer:
            assert answer.status == 200
            assert answer.content_type == kind
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            text = await answer.text()
            assert part in text, text
            assert "switchboard" not in text or "integration=crm" not in path
    await nora.get("/review/export/letter.md?integration=nobody", 404)
    page = await nora.get("/review/findings?text=industry&show=any")
    assert 'href="/review/export/findings.csv?text=industry&amp;show=any"' in page


@pytest.mark.parametrize(
    ("version", "told"),
    [("3.0.0", None), ("5.2.5", None), ("5.7.0", "it is spoken as 5.2.5, the nearest below")],
)
async def test_the_version_of_v3_is_told_and_what_to_know_of_it(
    tmp_path: Path, version: str, told: str | None
) -> None:
    settings = config(tmp_path)
    backend = settings.backend.model_copy(update={"schema_version": version})
    async with (
        application(settings.model_copy(update={"backend": backend})) as shim,
        served(shim) as browser,
    ):
        await browser.login()
        text = words(await browser.get("/review/"))
        operation = words(await browser.get("/review/operations/Report.CallReport"))
    assert f"v3 is spoken to in schema {version}." in text
    assert ("is not described" in text) == (told is not None)
    assert told is None or told in text
    assert ("disposition" in operation) == (version != "3.0.0")


async def test_a_letter_has_programs_for_operations_that_map_cleanly(nora: Browser) -> None:
    """No finding, so no sample: the least call, by a dry run."""
    letter = await nora.get("/review/export/letter.md?integration=ledger")
    assert "This helper does that; the programs below need it beside them" in letter
    chapters = letter.partition("## Call by call")[2].split("\n### ")[1:]
    assert chapters
    for chapter in chapters:
        assert "With nothing but what it has to have, it becomes:" in chapter
        assert "In v3, call" in chapter
