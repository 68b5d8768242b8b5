"""Exports and the letter: columns that stay, cells that are harmless, words that an integrator can act on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from shim.edge.deprecation.tables import BROWNOUTS
from shim.edge.settings.load import Config
from shim.edge.settings.logins import LoginForms
from shim.edge.store.database import Store
from shim.review.output import tables
from shim.review.output.letter import finding_section, letter
from shim.review.output.printed import printed
from shim.review.output.snippets import UNKNOWN_BASE
from shim.review.output.terms import Terms, base_of
from shim.review.reading import finding_queries, queries
from shim.review.reading.logins import LoginUse, retired
from shim.review.reading.mapping import mapping_of
from shim.review.reading.model import About, FindingFilter, FindingPage, Scorecard
from tests.review.world import NOW, config, world
from tests.support.conversation import catalogue

BASE = "https://v3.example.net"
TERMS = Terms(
    BASE,
    date(2026, 1, 1),
    date(2026, 12, 1),
    "https://example.com/v3",
    lambda operation: mapping_of(catalogue(), operation),
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/shim.db")
    await world().fill(store)
    yield store
    await store.close()


async def told(store: Store, name: str) -> tuple[Scorecard, list[FindingPage]]:
    card = await queries.Review(store, catalogue(), config()).scorecard(NOW, name)
    assert card is not None
    return card, await finding_queries.pages(store, NOW, FindingFilter(integration=name), catalogue=catalogue())


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# ---- CSV and JSON ----


async def test_integrations_as_csv(store: Store) -> None:
    seen = await queries.Review(store, catalogue(), config()).overview(NOW)
    rows = {row["integration"]: row for row in table(tables.integrations_csv(seen))}
    assert list(rows) == ["switchboard", "ledger", "crm", "portal", "fax-gateway"]
    assert list(rows["crm"]) == list(tables.INTEGRATION_COLUMNS)
    assert rows["switchboard"] | {"reason": ""} == {
        "integration": "switchboard", "configured": "yes", "left": "5", "ported": "0", "done": "no",
        "effort": "large", "old_calls": "1279", "new_calls": "0", "per_day": "58.1", "open_findings": "4",
        "info": "0", "notice": "1", "warning": "1", "loss": "1", "refused": "1",
        "last_old": "2026-03-12T09:00:00Z", "last_new": "", "reason": "",
        "faults_today": "2", "faults_week": "18", "faults_before": "17", "failing": "no",
    }  # fmt: skip
    assert rows["portal"]["last_new"] == "2026-03-12T11:00:00Z"


async def test_operations_and_findings_as_csv(store: Store) -> None:
    card, pages = await told(store, "crm")
    uses = table(tables.operations_csv(card.operations))
    assert [(row["order"], row["operation"], row["ported"]) for row in uses] == [
        ("1", "Client.EditClient", "no"),
        ("2", "Client.AddClient", "no"),
        ("", "Client.GetClientDetails", "yes"),
        ("", "Client.GetClients", "yes"),
    ]
    assert uses[1]["becomes"] == "Organization.AddOrganization"
    found = table(tables.findings_csv(each.row for each in pages))
    assert [(row["operation"], row["state"], row["open"], row["count"]) for row in found] == [
        ("Client.AddClient", "acknowledged", "yes", "105"),
        ("Client.GetClientDetails", "new", "yes", "320"),
        ("Client.EditClient", "fixed", "no", "168"),
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_cell_never_begins_a_formula(cell: str) -> None:
    [row] = list(csv.reader(io.StringIO(tables.to_csv(["a"], [[cell]]))))[1:]
    assert row == [f"'{cell}"]


async def test_json_has_every_field_of_the_nouns(store: Store) -> None:
    card, pages = await told(store, "crm")
    data = json.loads(tables.to_json(scorecard=card, findings=[each.row for each in pages]))
    assert set(data) == {"scorecard", "findings"}
    assert set(data["scorecard"]) == set(Scorecard.__slots__)
    assert data["scorecard"]["last_new"] == "2026-03-12T09:00:00+00:00"
    assert data["scorecard"]["days"][-1] == {"day": "2026-03-12", "old": 13, "new": 50}
    assert data["scorecard"]["operations"][0]["becomes"] == ["Organization.EditOrganization"]
    assert data["findings"][0]["until"] is None


# ---- Markdown ----


async def test_the_overview_as_markdown(store: Store) -> None:
    text = tables.overview_markdown(await queries.Review(store, catalogue(), config()).overview(NOW))
    assert "2026-02-11 to 2026-03-12: 10 operations left, 4 ported." in text
    assert "| crm | 2 | 2 | no | small | 54.4 | 500 | 1 warning |" in text
    assert "| fax-gateway | 0 | 0 | yes | none | 0.0 | 0 | - |" in text


async def test_the_letter_says_what_is_left_what_it_means_and_what_to_do(store: Store) -> None:
    card, pages = await told(store, "switchboard")
    text = letter(card, pages, NOW, terms=TERMS, language="php")
    for said in (
        "# Porting switchboard to SystemAPI 3",
        "In these 30 days it made 1279 calls of 5 operations in 2.5. Left to port: 5. Ported: 0.",
        "| 1 | Extension.GetExtensionSettings | Extension.GetExtensionSettings | 28.6 | as it is | medium |",
        f"`POST {BASE}/oauth/token.php`",
        "### 2. Extension.AddExtension → User.AddUser, Extension.AddExtension",
        "**Dropped at `callback`** (finding 2, loss)",
        "What to do: Find out what relied on it, then stop sending it.",
        "Seen 630 times, last on 2026-03-12.",
        "<callback>{callback}</callback>",
        f"posted to `{BASE}/soap2/extension_agent.php`",
        "new SoapClient(null, [",
        "SystemAPI 2.5 is deprecated since 2026-01-01. "
        "**From 2026-12-01 on, in 264 days, calls in 2.5 may fail.**",
        "More about the change: <https://example.com/v3>.",
        "| `queue` | `phoneQueue` | renamed | Queues are called phone queues in v3. |",
        "| `extendedNumber` | `ID` | written differently |",
        "What is lost, if you use it: ",
        "This helper does that; the programs below need it beside them, as `v3.php`:",
        "require __DIR__ . '/v3.php';",
        "In the last 7 days 18 of ",
    ):
        assert said in text
    assert text.count("YOUR app secret") == 1, "secrets stand in the helper alone"
    places = [text.index(f"### {number}. ") for number in range(1, 6)]
    assert places == sorted(places), "in the suggested order"


async def test_the_letter_speaks_the_language_of_the_program(store: Store) -> None:
    card, pages = await told(store, "crm")
    text = letter(card, pages, NOW)
    assert "Python with zeep:" in text
    assert "from zeep.transports import Transport" in text
    assert "SoapClient" not in text


async def test_the_letter_leaves_out_what_is_settled(store: Store) -> None:
    card, pages = await told(store, "crm")
    text = letter(card, pages, NOW)
    assert "(finding 6, warning)" in text
    assert "(finding 7" not in text, "declared fixed"
    assert "finding 8" not in text, "its operation is ported"
    assert "GetClientDetails" not in text


async def test_the_letter_says_who_looks_after_it_and_as_much_as_is_known(store: Store) -> None:
    card, pages = await told(store, "crm")
    about = About(owner="Billing\nteam", contact="team@example.com", link="https://wiki.example.com/crm")
    text = letter(replace(card, about=about), pages, NOW)
    assert "Who looks after it: Billing team, team@example.com." in text
    assert "About this integration: <https://wiki.example.com/crm>." in text
    bare = letter(card, pages, NOW, terms=Terms())
    assert "## Dates" not in bare
    assert "Who looks after it" not in bare


@pytest.mark.parametrize(
    ("changes", "base"),
    [
        ({}, UNKNOWN_BASE),
        ({"listen": {"public_url": "https://pbx.example.com/"}}, "https://pbx.example.com"),
        ({"native_v3": {"enabled": False}}, "https://voipnow.example.com"),
    ],
)
def test_addresses_are_those_that_callers_use(changes: dict[str, object], base: str) -> None:
    given = {"backend": {"url": "https://voipnow.example.com"}, **changes}
    assert base_of(Config.model_validate(given)) == base


def test_a_letter_as_html_lets_no_html_of_a_text_pass() -> None:
    html = printed(
        "# A\n\n<script>x</script> [y](javascript:z) <https://example.com>\n\n|a|b|\n|-|-|\n|1|`<i>`|"
    )
    assert "<script>" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.com">' in html
    assert "<td><code>&lt;i&gt;</code></td>" in html


async def test_the_letter_says_how_the_program_logs_in_and_until_when(store: Store) -> None:
    card, pages = await told(store, "crm")
    uses = [LoginUse("crm", form, 7, NOW) for form in ("password", "app_key", "crypted_auth")]
    forms = LoginForms(password="refuse", app_key="warn", refuse_from=NOW.date() + timedelta(days=3))
    text = letter(card, pages, NOW, logins=retired(uses, forms, NOW))
    assert "- user name and password: 7 calls, the last on 2026-03-12; **refused from 2026-03-15 on**." in text
    assert "- app key and secret: 7 calls, the last on 2026-03-12; served, and to be given up." in text
    assert "- cryptedAuth: 7 calls, the last on 2026-03-12; served." in text
    text = letter(card, pages, NOW, logins=retired(uses, LoginForms(password="refuse"), NOW))
    assert "- user name and password: 7 calls, the last on 2026-03-12; **refused**." in text
    assert "logs in" not in letter(card, pages, NOW)


async def test_the_letter_to_one_that_is_done(store: Store) -> None:
    card, pages = await told(store, "portal")
    assert "Nothing is left to port. The last call in 2.5 came on 2026-03-11." in letter(card, pages, NOW)
    quiet, none = await told(store, "fax-gateway")
    assert "never seen to call SystemAPI 2.5" in letter(quiet, none, NOW)


async def test_the_letter_names_the_dates(store: Store) -> None:
    def brownout(
        id: str, operation: str = "*", integration: str = "crm", start: int = 5, **more: object
    ) -> dict[str, object]:
        starts = NOW + timedelta(days=start)
        return {
            "id": id, "integration": integration, "operation": operation, "text": f"text {id}", "link": "",
            "who": "ann", "starts_at": starts, "ends_at": starts + timedelta(hours=1), "created_at": NOW,
            "stopped_at": None,
        } | more  # fmt: skip

    rows = [
        brownout("b", "Client.AddClient", start=9, link="https://example.com/port"),
        brownout("a", integration="*"),
        brownout("over", start=-5),
        brownout("stopped", stopped_at=NOW),
        brownout("other", integration="ledger"),
    ]
    async with store.writing() as connection:
        await connection.execute(sa.insert(BROWNOUTS), rows)
    card, pages = await told(store, "crm")
    text = letter(card, pages, NOW, planned=await queries.planned(store, NOW, "crm"))
    assert [line for line in text.splitlines() if line.startswith("- 2026")] == [
        "- 2026-03-17 12:00 to 2026-03-17 13:00 UTC, all operations: text a",
        "- 2026-03-21 12:00 to 2026-03-21 13:00 UTC, Client.AddClient: text b <https://example.com/port>",
    ]


async def test_a_finding_on_its_own(store: Store) -> None:
    page = await finding_queries.finding(store, NOW, 6)
    assert page is not None
    text = finding_section(page, BASE)
    assert text.startswith("# Kept by the shim at `industry`\n\ncrm, Client.AddClient\n")
    assert "State: acknowledged, since 2026-03-03." in text
    assert f"curl -sS --fail-with-body {BASE}/soap2/organization_agent.php" in text


async def test_names_from_messages_stay_within_their_cell_and_their_code(store: Store) -> None:
    page = (await told(store, "crm"))[1][0]
    hostile = replace(page.row, path="a`b|c\n# d", operation="")
    text = tables.findings_markdown([hostile])
    assert "`ab\\|c # d`" in text
    assert len(text.splitlines()) == 3


def test_a_fence_cannot_be_closed_from_within() -> None:
    assert tables.fenced("a\n```\nb", "xml") == ["````xml", "a", "```", "b", "````"]
