"""A scripted week of four integrations: every number on pages, in files, report and metrics is the tally's.

The tally counts what was sent (`tally.py`); what people decided is written down here by hand.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from lxml import html
from typer.testing import CliRunner

from shim.cli.common import store as stored
from shim.cli.main import app as shim
from tests.review.week import script
from tests.review.week.running import WeekFixture, fixture
from tests.review.week.script import (
    ANSWERED,
    BATCH,
    CLIENTS,
    CODECS,
    DAHDI,
    DAYS,
    DETAILS,
    EMULATED,
    INDUSTRIES,
    INDUSTRY,
    KEPT,
    PHONE,
    PHONES,
    QUALIFY,
    REPORT,
    STATUS,
    TOOLKITS,
    TRUNK,
)
from tests.review.week.shown import chart, moment, numbers, several, shown, table, the_day, words
from tests.review.week.tally import FindingKey, Tally

SEEN = ("ledger", "switchboard", "crm", "portal", "(unknown)")
ALL = {*SEEN, "fax-gateway", "probe"}
PORTED = {("crm", CLIENTS.operation), ("portal", CLIENTS.operation), ("portal", STATUS.operation)}
LOCKED = {("portal", CLIENTS.operation), ("portal", STATUS.operation)}
SUCCESSORS = {
    CLIENTS.operation: ["Organization.GetOrganizations"],
    DETAILS.operation: ["Organization.GetOrganizationDetails"],
    INDUSTRY.operation: ["Organization.EditOrganization"],
    STATUS.operation: ["Organization.SetOrganizationStatus"],
    REPORT.operation: ["Report.CallReport"],
    CODECS.operation: ["Channel.GetCodecs"],
    TRUNK.operation: ["Channel.AddChannel"],
    PHONES.operation: ["User.GetUsers", "Extension.GetExtensions"],
    PHONE.operation: ["User.AddUser", "Extension.AddExtension"],
    INDUSTRIES.operation: [],
    BATCH.operation: ["GlobalOp.LinkedOp"],
}
STATES: Mapping[FindingKey, str] = {
    QUALIFY: "acknowledged",
    DAHDI: "verified",
    EMULATED: "ignored",
    KEPT: "new",
    ANSWERED: "new",
}
"""Of all others nobody said anything."""
SEVERITY = {
    "field-dropped": "loss",
    "field-refused": "refused",
    "browned-out": "refused",
    "operation-locked": "refused",
    "came-back": "warning",
    "field-kept": "warning",
    "field-emulated": "warning",
    "operation-emulated": "warning",
    "default-added": "notice",
    "unknown-element": "notice",
    "package-failed": "notice",
}
WORST_FIRST = ("refused", "loss", "warning", "notice", "info")
FITS = {"refused": "refused", "loss": "lossy", "warning": "emulated", "notice": "moved", None: "clean"}
HISTORY: Mapping[FindingKey, list[tuple[str, str, str]]] = {
    QUALIFY: [("nora", "new", "acknowledged")],
    DAHDI: [("nora", "new", "fixed")],
    EMULATED: [("nora", "new", "ignored")],
    KEPT: [("nora", "new", "acknowledged"), ("nora", "acknowledged", "fixed"), ("shim", "fixed", "new")],
    ANSWERED: [("nora", "new", "ignored")],
}


class Passed:
    """The week that is over, and what is to be expected of it."""

    def __init__(self, fixture: WeekFixture, tally: Tally, evenings: list[dict[str, str]]) -> None:
        self.fixture = fixture
        self.tally = tally
        self.evenings = evenings
        self.now = fixture.clock.now

    async def page(self, path: str) -> html.HtmlElement:
        return html.fromstring(await self.fixture.browser.get(path))

    async def file(self, path: str) -> str:
        text = await self.fixture.browser.get(f"/review/export/{path}")
        assert text.startswith("\ufeff") == (".csv" in path), "by it, spreadsheets know UTF-8"
        return text.removeprefix("\ufeff")

    def state(self, key: FindingKey) -> str:
        return STATES.get(key, "new")

    def is_open(self, key: FindingKey) -> bool:
        return self.state(key) in ("new", "acknowledged")

    def counted(self, integration: str, operation: str | None = None) -> list[FindingKey]:
        """Open findings that count: those of what is ported are over."""
        return [
            key
            for key in self.tally.findings()
            if key[0] == integration
            and operation in (None, key[1])
            and key[:2] not in PORTED
            and self.is_open(key)
        ]

    def severities(self, integrations: Iterable[str]) -> Counter[str]:
        return Counter(SEVERITY[key[2]] for name in integrations for key in self.counted(name))

    def worst(self, integration: str, operation: str) -> str | None:
        found = {SEVERITY[key[2]] for key in self.counted(integration, operation)}
        return next((each for each in WORST_FIRST if each in found), None)

    def observed(self, integration: str) -> int:
        """Days since it was first seen: strangers came on Tuesday."""
        return 6 if integration == "(unknown)" else 7

    def fit(self, integration: str, operation: str) -> str:
        """How it maps: what tells of porting says nothing of that."""
        found = {
            SEVERITY[key[2]]
            for key in self.counted(integration, operation)
            if key[2] not in ("browned-out", "operation-locked", "came-back")
        }
        return FITS[next((each for each in WORST_FIRST if each in found), None)]

    def fails(self, integration: str, operation: str) -> bool:
        """Whether a quarter of the calls ends in a fault that nobody wanted."""
        uses = self.tally.of("old", integration, operation)
        faults = sum(each.fault not in (None, "brownout", "locked") for each in uses)
        return faults > 0 and faults * 4 >= len(uses)

    def shown_fit(self, integration: str, operation: str) -> str:
        return "failing" if self.fails(integration, operation) else self.fit(integration, operation)

    def left(self, integration: str) -> set[str]:
        return {each for each in self.tally.operations(integration) if (integration, each) not in PORTED}

    def ported(self, integration: str) -> set[str]:
        return self.tally.operations(integration) - self.left(integration)

    def natively(self, integration: str, operation: str) -> int:
        if integration == "(unknown)":  # no program of its own: nothing is made of what it calls
            return 0
        return sum(self.tally.calls("new", integration, each) for each in SUCCESSORS[operation])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def week(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Passed]:
    async with fixture(tmp_path_factory.mktemp("week"), script.START) as running:
        evenings: list[dict[str, str]] = []

        async def evening(day: int) -> None:
            text = await running.browser.get("/review/export/findings.json?show=any")
            rows = [each["row"] for each in json.loads(text)["findings"]]
            names = ("integration", "operation", "code", "path")
            evenings.append({"|".join(row[name] for name in names): row["state"] for row in rows})

        passed = await script.run(running, evening)
        await running.settle()
        yield Passed(running, passed.tally, evenings)


pytestmark = pytest.mark.asyncio(loop_scope="module")


# ---- pages ----


async def test_the_overview(week: Passed) -> None:
    page = await week.page("/review/?days=7")
    tally = week.tally
    tiles = [words(each) for each in page.xpath("//*[contains(@class, 'tile')][p]")]
    left, ported = (sum(len(of(name)) for name in SEEN) for of in (week.left, week.ported))
    assert tiles[0].startswith(f"{left} operations left to port")
    assert tiles[0].endswith(f"{ported} of {left + ported} are ported")
    old, new = tally.calls("old") / 7, tally.calls("new") / 7
    unknown = tally.calls("old", "(unknown)") / 7
    assert tiles[1] == (
        f"{shown(old)} 2.5 calls a day against {shown(new)} in v3; "
        f"{shown(unknown)} of the 2.5 ones by callers that are not known"
    )
    assert tiles[2].startswith("1 / 4 integrations done")
    assert tiles[2].endswith("2 never called")
    found = week.severities(SEEN)
    assert tiles[3].split(" open findings ")[0] == str(found.total())
    badges = [int(words(each).rsplit(" ", 1)[1]) for each in page.xpath("//section[@class='tiles']//li")]
    assert sorted(badges) == sorted(found.values())
    assert chart(page, "all") == numbers(tally.by_day(DAYS))
    assert "brownout is running" not in words(page)


async def test_the_cards_of_the_overview(week: Passed) -> None:
    page = await week.page("/review/?days=7")
    cards = {
        words(each.xpath(".//h3")[0]): each for each in page.xpath("//li[contains(@class, 'integration')]")
    }
    assert set(cards) == ALL
    for name in SEEN:
        text = words(cards[name])
        if name == "(unknown)":
            assert "Callers that no integration stands for: 1 call in 2.5, 1 in v3." in text
            assert "100% of calls fail" in text
            continue
        left, ported = len(week.left(name)), len(week.ported(name))
        said = several(left, "operation") + " left" if left else "Nothing left"
        assert f"{said} , {ported} ported" in text, name
        assert f"{shown(week.tally.calls('old', name) / week.observed(name))} 2.5 calls a day" in text
        last = week.tally.last("old", name)
        assert last is not None
        assert cards[name].xpath(f".//time[@datetime='{last.isoformat()}']"), name
        count = len(week.counted(name))
        assert (several(count, "open finding") in text) == bool(count)
        fits = Counter(week.shown_fit(name, each) for each in week.left(name))
        badges = Counter(
            {label.lower(): int(count) for label, count in re.findall(r"(\w+) (\d+)", fits_of(cards[name]))}
        )
        assert badges == fits + Counter(ported=ported), name
        [said] = cards[name].xpath(".//desc")
        old, new = (week.tally.calls(side, name) for side in ("old", "new"))
        assert said.text.startswith(f"{several(old, 'call')} in 2.5 and {new:,} in v3")
    for name in ("fax-gateway", "probe"):
        assert "It may call, and has not called yet." in words(cards[name])


def fits_of(card: html.HtmlElement) -> str:
    return " ".join(words(each) for each in card.xpath(".//div[@class='fits']//li"))


async def test_who_fails_stands_on_top_with_the_reasons(week: Passed) -> None:
    page = await week.page("/review/?days=7")
    [card] = page.xpath("//section[@id='failing']")
    assert [words(each) for each in card.xpath(".//h3")] == ["(unknown)"], "a quarter of its calls, or more"
    rows = {row[0].split()[0]: row[1:] for row in table(card)}
    assert rows.pop("All")[1] == f"{week.tally.faults.total()} of {week.tally.calls('old')}, 3%"
    assert {reason: int(row[1]) for reason, row in rows.items()} == week.tally.faults
    [login] = table(page.xpath("//section[@id='logins']")[0])
    digest = hashlib.sha256(b"ledger").hexdigest()[:10]
    assert login[:4] == [f"ledger SHA-256 {digest}…", "✕ Wrong password", "127.0.0.1 curl/8.5.0", "1"]
    assert "guessed" not in words(page)
    alone = await week.page("/review/integrations/ledger")
    assert table(alone.xpath("//section[@id='logins']")[0])[0][3] == "1"
    assert "1 login" in words(await week.page("/review/logins?text=" + digest))
    assert "Nothing fits." in words(await week.page("/review/logins?text=nothing"))


async def test_what_to_look_at_first(week: Passed) -> None:
    page = await week.page("/review/?days=7")
    rows = page.xpath("//section[contains(., 'Look at these first')]//li[contains(@class, 'row')]")
    found = [words(each) for each in rows]
    worth = [
        key
        for name in SEEN
        for key in week.counted(name)
        if week.state(key) == "new" and SEVERITY[key[2]] in ("refused", "loss", "warning")
    ]
    assert len(found) == min(5, len(worth)) == 3
    for key in worth:
        times = len(week.tally.findings()[key])
        assert any(key[3] in text and key[1] in text and several(times, "time") in text for text in found)


@pytest.mark.parametrize("name", SEEN)
async def test_an_integration(week: Passed, name: str) -> None:
    page = await week.page(f"/review/integrations/{name}?days=7")
    tally = week.tally
    left, ported, counted = week.left(name), week.ported(name), week.counted(name)
    tiles = [words(each) for each in page.xpath("//section[@class='tiles']/div")]
    if name == "(unknown)":
        assert tiles[0] == "1 call failed in 7 days of 1, 100%"
    else:
        assert tiles[0].startswith(f"{len(left)} operation")
        assert f"{len(ported)} of {len(left) + len(ported)} are ported" in tiles[0]
    assert tiles[1].startswith(f"{shown(tally.calls('old', name) / week.observed(name))} 2.5 calls a day")
    assert tiles[2].startswith(several(tally.calls("new", name), "native v3 call"))
    assert tiles[3].startswith(f"{len(counted)} open finding")
    assert chart(page, "calls") == numbers(tally.by_day(DAYS, name))

    uses = {row.xpath("string(.//th//code)"): row for row in page.xpath("//section[@id='scorecard']//tbody/tr")}
    assert set(uses) == left | ported
    for operation, row in uses.items():
        rung = row.xpath("string(.//option[@selected]/@value)")
        assert rung == ("locked" if (name, operation) in LOCKED else "translate")
        cells = {each.get("data-label"): words(each) for each in row.xpath("./td")}
        if operation in ported:
            assert cells["v3 calls"] == str(week.natively(name, operation))
            last = tally.last("old", name, operation)
            assert last is not None
            assert row.xpath(".//time/@datetime") == [last.isoformat()]
            continue
        faults = tally.faulted(name, operation)
        told = f" ( {several(faults, 'fault')} )" if faults else ""
        per_day = shown(tally.calls("old", name, operation) / week.observed(name))
        assert cells["Calls a day"].replace("(", "( ").replace(")", " )") == per_day + told
        findings = len(week.counted(name, operation))
        assert (several(findings, "finding") in cells["Maps"]) == bool(findings)
        if name != "(unknown)":
            assert week.fit(name, operation) in cells["Maps"].lower()
        assert ("Failing" in cells["Maps"]) == week.fails(name, operation)
    assert not left & {BATCH.operation} or list(uses)[len(left) - 1] == BATCH.operation, (
        "the calls inside go first"
    )
    assert ("Not an integration" in words(page)) == (name == "(unknown)")
    orders = [int(each) for each in page.xpath("//span[@class='order']/text()")]
    assert orders == list(range(1, len(left) + 1))

    callers = {row[0]: row for row in table(page.xpath("//section[@id='callers']")[0])}
    assert {agent.replace("(none)", ""): int(row[4]) for agent, row in callers.items()} == tally.agents(name)
    for agent, row in callers.items():
        assert row[1] == TOOLKITS[agent.replace("(none)", "")]
        assert row[2:4] == ["2.5.1", "127.0.0.1"]


async def test_the_ladder_of_what_ported_this_week(week: Passed) -> None:
    page = await week.page("/review/integrations/portal")
    steps = [words(each) for each in page.xpath("//section[@id='ladder']//ol[@class='history']/li")]
    assert len(steps) == 4
    assert "that was the old cron job" in steps[0]
    assert "released" in steps[-1]
    assert "Nothing is left" in words(page)


async def test_integrations_that_never_called_have_pages_too(week: Passed) -> None:
    for name in ("fax-gateway", "probe"):
        page = await week.page(f"/review/integrations/{name}")
        assert "It has not called yet" in words(page)
        assert {row[1] for row in chart(page, "calls")} == {"0"}


async def test_every_finding(week: Passed) -> None:
    found = week.tally.findings()
    rows = await rows_of(week, "findings.csv?show=any")
    assert {key_of(row) for row in rows} == set(found)
    for row in rows:
        key = key_of(row)
        times = found[key]
        page = await week.page(f"/review/findings/{row['id']}")
        facts = {words(each.xpath("./dt")[0]): words(each.xpath("./dd")[0]) for each in page.xpath("//dl/div")}
        assert facts["Times"] == f"{len(times):,}"
        assert facts["First seen"] == moment(times[0])
        assert facts["Last seen"] == moment(times[-1])
        by_day = Counter(each.date() for each in times)
        counted = {day: int(count) for day, count in chart(page, "days") if count != "0"}
        assert counted == {the_day(day): count for day, count in by_day.items()}
        badges = words(page.xpath("//main//p[@class='badges']")[0]).lower()
        assert week.state(key) in badges
        assert SEVERITY[key[2]] in badges
        history = page.xpath("//ol[@class='history']/li")
        said = [words(each) for each in reversed(history)]
        assert len(said) == len(HISTORY.get(key, []))
        for text, (who, was, became) in zip(said, HISTORY.get(key, []), strict=True):
            labels = {"fixed": "Declared fixed"}
            named = [labels.get(each, each.capitalize()) for each in (was, became)]
            assert f"{who} : {named[0]} → to {named[1]}" in text
        if key[2] not in ("browned-out", "operation-locked", "operation-emulated"):
            assert page.xpath("//section[@id='sample']//pre"), key


async def test_the_life_of_findings_day_by_day(week: Passed) -> None:
    def states(key: FindingKey) -> list[str]:
        return [each.get("|".join(key), "-") for each in week.evenings]

    assert states(QUALIFY) == ["new", *["acknowledged"] * 6]
    assert states(DAHDI) == ["new", "fixed", *["verified"] * 5]
    assert states(EMULATED) == ["ignored"] * 7
    assert states(KEPT) == ["new", "acknowledged", "fixed", "verified", "verified", "new", "new"]
    assert states(ANSWERED) == [*["ignored"] * 4, *["new"] * 3]


async def test_the_list_of_open_findings(week: Passed) -> None:
    page = await week.page("/review/findings")
    wanted = [key for key in week.tally.findings() if week.is_open(key)]
    assert f"{several(len(wanted), 'finding')}" == words(page.xpath("//p[@role='status']")[0])
    assert len(page.xpath("//section[@id='results']//ol[contains(@class, 'rows')]/li")) == len(wanted)


async def test_the_operations_page(week: Passed) -> None:
    page = await week.page("/review/operations?days=7")
    articles = {words(each.xpath(".//h2//code")[0]): each for each in page.xpath("//article")}
    names = {each.operation for each in week.tally.of("old")}
    assert set(articles) == names
    for operation, article in articles.items():
        per_day = sum(week.tally.calls("old", name, operation) / week.observed(name) for name in SEEN)
        assert f"{shown(per_day)} calls a day" in words(article)
        for row in article.xpath(".//li"):
            name = words(row.xpath(".//a")[0])
            assert f"{shown(week.tally.calls('old', name, operation) / week.observed(name))} a day" in words(
                row
            )
            count = len(week.counted(name, operation))
            assert (several(count, "finding") in words(row)) == bool(count)
            assert ("Ported" in words(row)) == ((name, operation) in PORTED)


async def test_the_brownouts_page(week: Passed) -> None:
    text = words(await week.page("/review/brownouts"))
    assert "13 Mar 2026, 12:00 UTC to 13 Mar 2026, 13:00 UTC" in text
    assert " Ended " in text


# ---- files ----


async def rows_of(week: Passed, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(await week.file(path))))


def key_of(row: Mapping[str, Any]) -> FindingKey:
    return row["integration"], row["operation"], row["code"], row["path"]


def when(value: datetime | None) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if value else ""


def integrations_are_right(week: Passed, rows: Iterable[Mapping[str, str]]) -> None:
    found = {row["integration"]: row for row in rows}
    assert set(found) == ALL
    for name, row in found.items():
        tally, counted = week.tally, week.severities([name])
        expected = {
            "configured": "no" if name == "(unknown)" else "yes",
            "left": str(len(week.left(name))),
            "ported": str(len(week.ported(name))),
            "done": "yes" if name in ("portal", "fax-gateway", "probe") else "no",
            "old_calls": str(tally.calls("old", name)),
            "new_calls": str(tally.calls("new", name)),
            "per_day": f"{tally.calls('old', name) / week.observed(name):.1f}",
            "open_findings": str(counted.total()),
            "last_old": when(tally.last("old", name)),
            "last_new": when(tally.last("new", name)),
            **{each: str(counted[each]) for each in WORST_FIRST},
        }
        assert {key: row[key] for key in expected} == expected, name


def operations_are_right(week: Passed, rows: Iterable[Mapping[str, str]], names: Iterable[str]) -> None:
    found = {(row["integration"], row["operation"]): row for row in rows}
    assert set(found) == {(name, each) for name in names for each in week.tally.operations(name)}
    for (name, operation), row in found.items():
        uses = week.tally.of("old", name, operation)
        expected = {
            "becomes": " ".join(SUCCESSORS[operation]),
            "fit": "clean" if (name, operation) in PORTED else week.fit(name, operation),
            "calls": str(len(uses)),
            "per_day": f"{len(uses) / week.observed(name):.1f}",
            "faults": str(week.tally.faulted(name, operation)),
            "new_calls": str(week.natively(name, operation)),
            "rung": "locked" if (name, operation) in LOCKED else "translate",
            "ported": "yes" if (name, operation) in PORTED else "no",
            "open_findings": str(len(week.counted(name, operation))),
            "first_seen": when(uses[0].at),
            "last_seen": when(uses[-1].at),
        }
        assert {key: row[key] for key in expected} == expected, (name, operation)


def findings_are_right(week: Passed, rows: Iterable[Mapping[str, str]], wanted: Iterable[FindingKey]) -> None:
    found = {key_of(row): row for row in rows}
    assert set(found) == set(wanted)
    for key, row in found.items():
        times = week.tally.findings()[key]
        expected = {
            "severity": SEVERITY[key[2]],
            "state": week.state(key),
            "open": "yes" if week.is_open(key) else "no",
            "count": str(len(times)),
            "first_seen": when(times[0]),
            "last_seen": when(times[-1]),
        }
        assert {name: row[name] for name in expected} == expected, key


async def test_the_csv_files(week: Passed) -> None:
    integrations_are_right(week, await rows_of(week, "integrations.csv?days=7"))
    operations_are_right(week, await rows_of(week, "operations.csv?days=7"), SEEN)
    found = week.tally.findings()
    findings_are_right(week, await rows_of(week, "findings.csv?show=any"), found)
    findings_are_right(week, await rows_of(week, "findings.csv"), filter(week.is_open, found))


def overview_is_right(week: Passed, seen: Mapping[str, Any]) -> None:
    left, ported = (sum(len(of(name)) for name in SEEN) for of in (week.left, week.ported))
    assert (seen["left"], seen["ported"]) == (left, ported)
    assert seen["findings"] == week.severities(SEEN)
    assert [(each["day"], each["old"], each["new"]) for each in seen["days"]] == iso(week.tally.by_day(DAYS))
    assert {each["integration"] for each in seen["integrations"]} == ALL
    for card in seen["integrations"]:
        card_is_right(week, card)


def iso(counts: Iterable[tuple[date, int, int]]) -> list[tuple[str, int, int]]:
    return [(day.isoformat(), old, new) for day, old, new in counts]


def card_is_right(week: Passed, card: Mapping[str, Any]) -> None:
    name = card["integration"]
    assert [(each["day"], each["old"], each["new"]) for each in card["days"]] == iso(
        week.tally.by_day(DAYS, name)
    )
    assert (card["left"], card["ported"]) == (len(week.left(name)), len(week.ported(name)))
    assert (card["old_calls"], card["new_calls"]) == (
        week.tally.calls("old", name),
        week.tally.calls("new", name),
    )
    assert card["per_day"] == pytest.approx(week.tally.calls("old", name) / week.observed(name))
    assert card["findings"] == week.severities([name])
    assert card["open_findings"] == len(week.counted(name))
    assert card["fits"] == Counter(week.fit(name, each) for each in week.left(name))
    faults = [each for each in week.tally.of("old", name) if each.fault]
    assert card["failures"]["faults"] == {
        "today": sum(each.day == DAYS[-1] for each in faults),
        "week": len(faults),
        "before": 0,
    }
    reasons = Counter(each.fault for each in faults)
    assert {each["reason"]: each["faults"]["week"] for each in card["failures"]["reasons"]} == reasons
    assert {each["operation"]: each["calls"] for each in card["operations"]} == {
        each: week.tally.calls("old", name, each) for each in week.tally.operations(name)
    }


async def test_the_json_files(week: Passed) -> None:
    overview_is_right(week, json.loads(await week.file("integrations.json?days=7"))["overview"])
    found = json.loads(await week.file("findings.json?show=any"))["findings"]
    assert {key_of(each["row"]): each["row"]["count"] for each in found} == {
        key: len(times) for key, times in week.tally.findings().items()
    }


async def test_the_letters(week: Passed) -> None:
    for name in SEEN:
        letter = await week.file(f"letter.md?integration={name}&days=7")
        left = week.left(name)
        if name == "portal":
            last = week.tally.last("old", name)
            assert f"Nothing is left to port. The last call in 2.5 came on {last:%Y-%m-%d}." in letter
            continue
        used = len(week.tally.operations(name))
        assert (
            f"it made {several(week.tally.calls('old', name), 'call')} of {several(used, 'operation')} in 2.5"
            in letter
        )
        assert f"Left to port: {len(left)}. Ported: {used - len(left)}." in letter
        for operation in left:
            per_day = f"{week.tally.calls('old', name, operation) / week.observed(name):.1f}"
            assert re.search(rf"\| {re.escape(operation)} \| [^|]* \| {per_day} \|", letter), operation
        for key in week.counted(name):
            times = week.tally.findings()[key]
            assert f"Seen {several(len(times), 'time')}, last on {times[-1]:%Y-%m-%d}." in letter


# ---- the report ----


@pytest.fixture
def report(week: Passed, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`shim report` at the week's end, on the store of the shim that runs."""
    monkeypatch.setattr(stored, "now", lambda: week.now)

    async def told(*args: str) -> str:
        command = ["report", *args, "--days", "7", "-c", str(week.fixture.config)]
        done = await asyncio.to_thread(CliRunner(env={"COLUMNS": "400"}).invoke, shim, command)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return told


async def test_the_report(week: Passed, report: Any) -> None:
    overview_is_right(week, json.loads(await report("--format", "json"))["overview"])
    integrations_are_right(week, csv.DictReader(io.StringIO(await report("--format", "csv"))))
    wanted = filter(lambda key: week.state(key) == "new", week.tally.findings())
    found = csv.DictReader(io.StringIO(await report("--format", "csv", "--state", "new")))
    findings_are_right(week, found, wanted)
    assert await report("--format", "csv") == await week.file("integrations.csv?days=7")
    table = await report()
    for name in SEEN:
        line = next(each for each in table.splitlines() if each.split()[:1] == [name])
        figures = line.split()
        assert figures[1:3] == [str(len(week.left(name))), str(len(week.ported(name)))]
        assert f"{week.tally.calls('old', name) / week.observed(name):.1f}" in figures
        assert str(week.tally.calls("new", name)) in figures
    assert "11 operations left, 3 ported" in table


@pytest.mark.parametrize("name", SEEN)
async def test_the_report_of_an_integration(week: Passed, report: Any, name: str) -> None:
    told = json.loads(await report(name, "--format", "json"))
    card_is_right(week, told["scorecard"])
    assert {caller["agent"]: caller["calls"] for caller in told["scorecard"]["callers"]} == week.tally.agents(
        name
    )
    mine = {key: len(times) for key, times in week.tally.findings().items() if key[0] == name}
    assert {key_of(each): each["count"] for each in told["findings"]} == mine
    operations_are_right(week, csv.DictReader(io.StringIO(await report(name, "--format", "csv"))), [name])
    assert await report(name, "--format", "markdown") == await week.file(f"letter.md?integration={name}&days=7")
    table = await report(name)
    assert (
        f"{week.tally.calls('old', name)}, {week.tally.calls('old', name) / week.observed(name):.1f} a day"
        in table
    )
    for operation in week.tally.operations(name):
        line = next(each for each in table.splitlines() if operation in each.split()[1:2])
        assert f"{week.tally.calls('old', name, operation) / week.observed(name):.1f}" in line.split()


async def test_the_report_of_each_finding(week: Passed, report: Any) -> None:
    for row in await rows_of(week, "findings.csv?show=any"):
        times = week.tally.findings()[key_of(row)]
        told = await report("--finding", row["id"])
        assert f"{len(times)} times, {times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M}" in told


# ---- metrics ----


async def test_the_metrics(week: Passed) -> None:
    tally = week.tally
    read = metrics(await week.fixture.browser.get("/metrics"))

    def result(each: Any) -> str:
        return "fault" if each.fault else "answer"

    old = tally.counted(lambda each: (each.integration, each.operation, result(each)), "old")
    old += Counter({(*key, "kept-out"): count for key, count in tally.kept_out.items()})
    assert read["shim_calls_total"] == old
    new = tally.counted(lambda each: (each.integration, each.operation, "answer"), "new")
    assert read["shim_ported_calls_total"] == new
    found = Counter((key[2], SEVERITY[key[2]]) for _, key in tally.found)
    assert read["shim_findings_total"] == found
    assert read["shim_faults_total"] == Counter({(reason,): count for reason, count in tally.faults.items()})
    messages = len(tally.programs) + tally.kept_out.total()
    assert read["shim_call_seconds_count"] == {(): messages}
    forwarded: Counter[str] = Counter(each.operation for each in week.fixture.world.calls)
    forwarded -= Counter(each.operation for each in tally.of("new"))
    assert {key[0]: count for key, count in read["shim_v3_calls_total"].items()} == forwarded
    assert {key[1] for key in read["shim_v3_calls_total"]} == {"answer"}
    assert read["shim_deprecation_waiting_calls"] == {(): 0}
    assert read["shim_store_down"] == {(): 0}


def metrics(text: str) -> Mapping[str, Mapping[tuple[str, ...], float]]:
    """Series by name and label values."""
    made: dict[str, dict[tuple[str, ...], float]] = {}
    for line in text.splitlines():
        if match := re.fullmatch(r"(shim_\w+)(?:\{(.*)\})? (\S+)", line):
            labels = tuple(re.findall(r'="([^"]*)"', match[2] or ""))
            made.setdefault(match[1], {})[labels] = float(match[3])
    return made


async def test_the_pages_of_thirty_days_say_the_same_of_the_week(week: Passed) -> None:
    """A wider window has the same calls, over more days; asked again, the page has added up the same."""
    for _ in range(2):
        seen = json.loads(await week.file("integrations.json"))["overview"]
        assert len(seen["days"]) == 30
        assert [(each["day"], each["old"], each["new"]) for each in seen["days"][-7:]] == iso(
            week.tally.by_day(DAYS)
        )
        for card in seen["integrations"]:
            assert card["old_calls"] == week.tally.calls("old", card["integration"])
            assert card["per_day"] == pytest.approx(card["old_calls"] / card["observed"])
            assert card["observed"] == (7 if card["old_calls"] > 1 else 6 if card["old_calls"] else 30)


async def test_the_time_of_the_page_is_the_clocks(week: Passed) -> None:
    assert week.now == script.START + timedelta(days=6, hours=20)
    assert "9 Mar 2026 to 15 Mar 2026" in words(await week.page("/review/?days=7"))
