"""A quarter of 40 integrations: every number on pages, in files, answers, report and digest is the tally's."""

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
from shim.edge.notify.events import Since, noticed
from shim.edge.settings.notify import Notify
from tests.review.quarter import script
from tests.review.quarter.expected import ALL, ON_PURPOSE, SEVERITY, WORST_FIRST, Expected, told
from tests.review.quarter.script import NAMES, Quarter, owner_of
from tests.review.week.running import fixture
from tests.review.week.script import CLIENTS
from tests.review.week.shown import chart, moment, numbers, several, shown, table, the_day, words
from tests.review.week.tally import FindingKey, Tally

WINDOWS = (7, 30, 90)
LOOKS = (20, 45, 70)
"""Days on whose evenings all is compared as well; Mondays are compared with the digest."""
TOKEN = "shim_quarter"
TOKENS = [{"name": "a", "role": "admin", "sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quarter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quarter]:
    folder = tmp_path_factory.mktemp("quarter")
    apps = dict.fromkeys(NAMES, "admin")
    async with fixture(folder, script.START, apps, script.more(), TOKENS) as running:
        made = Quarter(running, Tally())

        async def evening(day: int) -> None:
            if day in LOOKS:
                for days in WINDOWS:
                    seen = json.loads(await file(made, f"integrations.json?days={days}"))["overview"]
                    overview_is_right(Expected(made, days), seen)
            if day % 7 == 0 and day:
                await the_digest_is_right(made)

        await script.run(made, evening)
        await running.settle()
        yield made


pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def file(quarter: Quarter, path: str) -> str:
    return (await quarter.fixture.browser.get(f"/review/export/{path}")).removeprefix("\ufeff")


async def page_of(quarter: Quarter, path: str) -> html.HtmlElement:
    return html.fromstring(await quarter.fixture.browser.get(f"/review/{path}"))


async def asked(quarter: Quarter, path: str) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with quarter.fixture.browser.client.get(f"/api/v1{path}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def rows_of(quarter: Quarter, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(await file(quarter, path))))


def key_of(row: Mapping[str, Any]) -> FindingKey:
    return row["integration"], row["operation"], row["code"], row["path"]


def when(value: datetime | None) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if value else ""


# ---- what is compared in more than one place ----


def card_is_right(expected: Expected, card: Mapping[str, Any]) -> None:
    name = card["integration"]
    wanted, seen = expected.card(name), told(card)
    assert {key: seen[key] for key in wanted} == wanted, name
    assert card["per_day"] == pytest.approx(wanted["old_calls"] / wanted["observed"])
    trend = expected.trend(name)
    assert {key: card["trend"][key] for key in trend} == trend, name
    assert {each["operation"] for each in card["operations"]} == expected.operations(name)
    for use in card["operations"]:
        use_is_right(expected, use)
    orders = [each["order"] for each in card["operations"] if not each["ported"]]
    assert orders == list(range(1, len(orders) + 1))


def use_is_right(expected: Expected, use: Mapping[str, Any]) -> None:
    wanted = expected.use(use["integration"], use["operation"])
    seen = dict(use)
    for each in ("first_seen", "last_seen"):
        seen[each] = datetime.fromisoformat(use[each]).isoformat()
    assert {key: seen[key] for key in wanted} == wanted, (use["integration"], use["operation"])
    assert use["per_day"] == pytest.approx(wanted["calls"] / expected.observed(use["integration"]))


def overview_is_right(expected: Expected, seen: Mapping[str, Any]) -> None:
    names = {each["integration"] for each in seen["integrations"]}
    assert names == {name for name in ALL if name in NAMES or expected.last("old", name)}
    for card in seen["integrations"]:
        card_is_right(expected, card)
    assert seen["days"] == expected.by_day(*ALL)
    assert (seen["since"], seen["until"]) == (expected.since.isoformat(), expected.today.isoformat())
    assert seen["left"] == sum(len(expected.left(name)) for name in ALL)
    assert seen["ported"] == sum(len(expected.ported(name)) for name in ALL)
    assert seen["findings"] == expected.severities(*ALL)
    assert told({**seen, "native": [], "last_old": None, "last_new": None})["failures"] == expected.failures(
        *ALL
    )
    trend = expected.trend(*NAMES)
    assert {key: seen["trend"][key] for key in trend} == trend
    ever = [name for name in ALL if expected.last("old", name) or expected.last("new", name)]
    observed = max(expected.observed(name) for name in ever)
    assert seen["observed"] == observed
    assert seen["old_per_day"] == pytest.approx(sum(len(expected.uses("old", name)) for name in ALL) / observed)
    assert seen["new_per_day"] == pytest.approx(sum(len(expected.uses("new", name)) for name in ALL) / observed)


async def the_digest_is_right(quarter: Quarter) -> None:
    """That of a Monday: the seven days before it."""
    expected = Expected(quarter, 8)
    until = expected.today - timedelta(days=1)
    store, now = quarter.fixture.application.store, quarter.fixture.clock.now
    async with store.reading() as connection:
        made = [each async for each in noticed(connection, Since(script.START), Notify(), now)]
    [digest] = [each for each in made if each.event == "digest"]
    use = {}
    for side in ("old", "new"):
        for name in ALL:
            uses = [each for each in expected.uses(side, name, since=expected.since) if each.day <= until]
            if uses:
                use[name, side] = len(uses), sum(each.fault is not None for each in uses)
    facts = digest.facts
    assert (facts["from"], facts["to"]) == (expected.since.isoformat(), until.isoformat())
    assert {
        (each["integration"], each["side"]): (each["calls"], each["faults"]) for each in facts["use"]
    } == use
    found = expected.tally.findings()
    opened = Counter(SEVERITY[key[2]] for key in found if expected.is_open(key))
    assert facts["open_findings"] == opened, expected.today
    fresh = sum(expected.since <= times[0].date() <= until for times in found.values())
    assert facts["new_findings"] == fresh, expected.today
    old = {name: counts for (name, side), counts in use.items() if side == "old"}
    assert digest.subject.startswith(
        f"Digest: {several(sum(calls for calls, _ in old.values()), 'call').replace(',', '')} of 2.5, "
    )
    for name, (calls, faults) in old.items():
        line = next(each for each in digest.text.splitlines() if each.startswith(f"  {name}: "))
        assert line.startswith(f"  {name}: {several(calls, 'call')}")
        assert (f", {several(faults, 'fault')}" in line) == bool(faults)


# ---- answers and files ----


@pytest.mark.parametrize("days", [*WINDOWS, 1, 365])
async def test_the_answers_of_the_interface(quarter: Quarter, days: int) -> None:
    expected = Expected(quarter, days)
    overview_is_right(expected, await asked(quarter, f"/report?days={days}"))
    cards = await asked(quarter, f"/integrations?limit=500&days={days}")
    assert cards["total"] == len(cards["items"]) == len(ALL)
    for card in cards["items"]:
        card_is_right(expected, card)
    uses = await asked(quarter, f"/operations?limit=500&days={days}")
    assert uses["total"] == sum(len(expected.operations(name)) for name in ALL)
    for use in uses["items"]:
        use_is_right(expected, use)


async def test_the_answers_of_single_integrations(quarter: Quarter) -> None:
    expected = Expected(quarter, 90)
    for name in ALL:
        card = await asked(quarter, f"/integrations/{name}?days=90")
        card_is_right(expected, card)
        callers = {each["agent"]: each["calls"] for each in card["callers"]}
        assert callers == expected.tally.agents(name)
        if owner_of(name) if name in NAMES else "":
            assert card["about"]["owner"] == owner_of(name)
    assert (await asked(quarter, "/integrations/reader-1"))["about"]["notes"] == "Runs on Sundays"


async def test_the_answers_about_findings(quarter: Quarter) -> None:
    expected, found = Expected(quarter, 90), quarter.tally.findings()
    rows = (await asked(quarter, "/findings?limit=500"))["items"]
    assert {key_of(row): row["count"] for row in rows} == {key: len(times) for key, times in found.items()}
    for row in rows:
        key = key_of(row)
        assert (row["state"], row["open"]) == (expected.state(key), expected.is_open(key)), key
        page = await asked(quarter, f"/findings/{row['id']}")
        by_day = Counter(each.date().isoformat() for each in found[key])
        assert dict(page["days"]) == by_day
    for state in ("new", "acknowledged", "ignored", "fixed", "verified"):
        count = sum(expected.state(key) == state for key in found)
        assert (await asked(quarter, f"/findings?state={state}"))["total"] == count
    for truth in (True, False):
        count = sum(expected.is_open(key) == truth for key in found)
        assert (await asked(quarter, f"/findings?open={str(truth).lower()}"))["total"] == count


def integrations_are_right(expected: Expected, rows: Iterable[Mapping[str, str]]) -> None:
    found = {row["integration"]: row for row in rows}
    assert set(found) == set(ALL)
    for name, row in found.items():
        card = expected.card(name)
        wanted = {key: str(card[key]) for key in ("left", "ported", "old_calls", "new_calls", "open_findings")}
        wanted |= {each: str(card["findings"][each]) for each in WORST_FIRST}
        wanted["per_day"] = f"{card['old_calls'] / card['observed']:.1f}"
        wanted["done"] = "yes" if card["done"] else "no"
        wanted |= {f"last_{side}": when(expected.last(side, name)) for side in ("old", "new")}
        assert {key: row[key] for key in wanted} == wanted, name


def operations_are_right(expected: Expected, rows: Iterable[Mapping[str, str]]) -> None:
    found = {(row["integration"], row["operation"]): row for row in rows}
    assert set(found) == {(name, each) for name in ALL for each in expected.operations(name)}
    for (name, operation), row in found.items():
        use = expected.use(name, operation)
        wanted = {
            key: str(use[key]) for key in ("fit", "calls", "faults", "new_calls", "rung", "open_findings")
        }
        wanted["ported"] = "yes" if use["ported"] else "no"
        wanted["per_day"] = f"{use['calls'] / expected.observed(name):.1f}"
        assert {key: row[key] for key in wanted} == wanted, (name, operation)


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_files(quarter: Quarter, days: int) -> None:
    expected = Expected(quarter, days)
    integrations_are_right(expected, await rows_of(quarter, f"integrations.csv?days={days}"))
    operations_are_right(expected, await rows_of(quarter, f"operations.csv?days={days}"))
    overview_is_right(expected, json.loads(await file(quarter, f"integrations.json?days={days}"))["overview"])
    for show, wanted in (("any", lambda key: True), ("", expected.is_open)):
        rows = {key_of(row): row for row in await rows_of(quarter, f"findings.csv?show={show}")}
        assert set(rows) == set(filter(wanted, quarter.tally.findings()))
        for key, row in rows.items():
            times = quarter.tally.findings()[key]
            assert (row["count"], row["severity"]) == (str(len(times)), SEVERITY[key[2]])
            assert (row["first_seen"], row["last_seen"]) == (when(times[0]), when(times[-1]))
    pages = json.loads(await file(quarter, "findings.json?show=any"))["findings"]
    counts = {key_of(each["row"]): (each["row"]["count"], each["row"]["state"]) for each in pages}
    assert counts == {key: (len(times), expected.state(key)) for key, times in quarter.tally.findings().items()}


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_report(quarter: Quarter, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, now = Expected(quarter, days), quarter.fixture.clock.now
    monkeypatch.setattr(stored, "now", lambda: now)

    async def report(*args: str) -> str:
        command = ["report", *args, "--days", str(days), "-c", str(quarter.fixture.config)]
        done = await asyncio.to_thread(CliRunner(env={"COLUMNS": "400"}).invoke, shim, command)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    overview_is_right(expected, json.loads(await report("--format", "json"))["overview"])
    for name in ("back-2", "lossy-5"):
        card_is_right(expected, json.loads(await report(name, "--format", "json"))["scorecard"])
    assert await report("--format", "csv") == await file(quarter, f"integrations.csv?days={days}")


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_letters(quarter: Quarter, days: int) -> None:
    expected = Expected(quarter, days)
    for name in ALL:
        letter = await file(quarter, f"letter.md?integration={name}&days={days}")
        left, used = expected.left(name), expected.operations(name)
        read = words(await page_of(quarter, f"integrations/{name}/letter?days={days}"))
        if left:
            calls = several(len(expected.uses("old", name)), "call")
            told_ = f"it made {calls} of {several(len(used), 'operation')} in 2.5"
            assert told_ in letter, name
            assert told_ in read, name
            assert f"Left to port: {len(left)}. Ported: {len(used) - len(left)}." in letter
        for operation in left:
            per_day = len(expected.uses("old", name, operation)) / expected.observed(name)
            assert re.search(rf"\| {re.escape(operation)} \| [^|]* \| {per_day:.1f} \|", letter), operation
            for key in expected.counted(name, operation):
                times = quarter.tally.findings()[key]
                assert f"Seen {several(len(times), 'time')}, last on {times[-1]:%Y-%m-%d}." in letter


# ---- pages ----


def drawn(days: list[dict[str, Any]]) -> list[tuple[date, int, int]]:
    """The days of a chart: from the first one with a call on, a week at least; all, where there is no call."""
    first = next((at for at, each in enumerate(days) if each["old"] or each["new"]), 0)
    in_chart = days[min(first, len(days) - 7) :]
    return [(date.fromisoformat(each["day"]), each["old"], each["new"]) for each in in_chart]


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_overview(quarter: Quarter, days: int) -> None:
    expected = Expected(quarter, days)
    page = await page_of(quarter, f"?days={days}")
    left, ported = (sum(len(of(name)) for name in ALL) for of in (expected.left, expected.ported))
    old, new = (sum(len(expected.uses(side, name)) for name in ALL) for side in ("old", "new"))
    active = [name for name in NAMES if expected.last("old", name)]
    found = expected.severities(*ALL)
    tiles = [words(each) for each in page.xpath("//section[@class='tiles']/div")]
    assert tiles[0].startswith(f"{left} operations left to port")
    assert tiles[0].endswith(f"{ported} of {left + ported} are ported")
    assert tiles[1].startswith(f"{shown(old / days)} 2.5 calls a day against {shown(new / days)} in v3")
    assert tiles[2].startswith(
        f"{sum(expected.card(name)['done'] for name in active)} / {len(active)} integrations"
    )
    assert tiles[2].endswith(f"{len(NAMES) - len(active)} never called")
    assert tiles[3].startswith(f"{found.total()} open finding")
    past = sum(expected.card(name)["past_findings"] for name in ALL)
    assert (f"{past} more of what is ported left out" in tiles[3]) == bool(past)
    badges = [int(words(each).rsplit(" ", 1)[1]) for each in page.xpath("//section[@class='tiles']//li")]
    assert sorted(badges) == sorted(found.values())
    assert chart(page, "all") == numbers(drawn(expected.by_day(*ALL)))
    [failing] = page.xpath("//section[@id='failing']")
    assert {words(each) for each in failing.xpath(".//h3")} == {
        name for name in ALL if expected.failures(name)["failing"]
    }
    rows = {row[0].split()[0]: row[1:] for row in table(failing)}
    all_of = expected.failures(*ALL)
    assert rows.pop("All")[1].startswith(f"{all_of['faults']['week']} of {all_of['calls']['week']}, ")
    assert {reason: int(row[1]) for reason, row in rows.items()} == {
        reason: span["week"] for reason, span in all_of["reasons"].items()
    }
    assert words(page.xpath("//section[@id='logins']")[0]).count("Wrong password") == 1


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_cards_of_the_overview(quarter: Quarter, days: int) -> None:
    expected, cards = Expected(quarter, days), {}
    for number in (1, 2):
        page = await page_of(quarter, f"?days={days}&page={number}")
        cards |= {
            words(each.xpath(".//h3/a")[0]): words(each)
            for each in page.xpath("//li[contains(@class, 'integration')]")
        }
    assert set(cards) == set(ALL)
    for name in NAMES:
        left, ported, text = expected.left(name), expected.ported(name), cards[name]
        if not left | ported:
            last = "No call in these" if expected.last("old", name) else "It may call, and has not called yet."
            assert last in text, name
            continue
        said = several(len(left), "operation") + " left" if left else "Nothing left"
        assert f"{said} , {len(ported)} ported" in text, name
        per_day = len(expected.uses("old", name)) / expected.observed(name)
        assert f"{shown(per_day)} 2.5 calls a day" in text, name
        count = len(expected.counted(name))
        assert (several(count, "open finding") in text) == bool(count), name


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_pages_of_integrations(quarter: Quarter, days: int) -> None:
    expected = Expected(quarter, days)
    for name in ALL:
        page = await page_of(quarter, f"integrations/{name}?days={days}")
        card, text = expected.card(name), words(page)
        tiles = [words(each) for each in page.xpath("//section[@class='tiles']/div")]
        if name == "(unknown)":
            faults = card["failures"]["faults"]["week"]
            assert tiles[0].startswith(f"{several(faults, 'call')} failed in 7 days")
        else:
            assert tiles[0].startswith(several(card["left"], "operation") + " left")
            assert f"{card['ported']} of {card['left'] + card['ported']} are ported" in tiles[0]
        assert tiles[1].startswith(f"{shown(card['old_calls'] / card['observed'])} 2.5 calls a day"), name
        assert tiles[2].startswith(several(card["new_calls"], "native v3 call") + " "), name
        assert tiles[3].startswith(several(card["open_findings"], "open finding") + " "), name
        by_day = drawn(card["days"])
        assert chart(page, "calls") == numbers(by_day)
        assert ("It has not called yet" in text) == (expected.last("old", name) is None), name
        rows = {
            row.xpath("string(.//th//code)"): row for row in page.xpath("//section[@id='scorecard']//tbody/tr")
        }
        assert set(rows) == expected.operations(name)
        for operation, row in rows.items():
            use = expected.use(name, operation)
            cells = {each.get("data-label"): words(each) for each in row.xpath("./td")}
            assert row.xpath("string(.//option[@selected]/@value)") == use["rung"]
            if use["ported"]:
                assert cells["v3 calls"] == str(use["new_calls"])
                continue
            faults = f" ( {several(use['faults'], 'fault')} )" if use["faults"] else ""
            per_day = shown(use["calls"] / expected.observed(name))
            assert cells["Calls a day"].replace("(", "( ").replace(")", " )") == per_day + faults
            assert (several(use["open_findings"], "finding") in cells["Maps"]) == bool(use["open_findings"])
        native = page.xpath("//section[@id='native']")
        assert {row[0]: int(row[1]) for row in (table(native[0]) if native else [])} == card["native"]
        callers = {row[0]: int(row[4]) for row in table(page.xpath("//section[@id='callers']")[0])}
        assert {
            agent.replace("(none)", ""): calls for agent, calls in callers.items()
        } == expected.tally.agents(name)
        if owner := owner_of(name) if name in NAMES else "":
            assert f"Owner {owner}" in text
        forms = page.xpath("//section[@id='login-forms']")
        month = expected.today - timedelta(days=29)
        logged_in = len(expected.uses("old", name, since=month)) if name in NAMES else 0
        assert [int(row[1]) for row in (table(forms[0]) if forms else [])] == (
            [logged_in] if logged_in else []
        ), name


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_pages_of_operations(quarter: Quarter, days: int) -> None:
    expected = Expected(quarter, days)
    page = await page_of(quarter, f"operations?days={days}")
    articles = {words(each.xpath(".//h2//code")[0]): words(each) for each in page.xpath("//article")}
    assert set(articles) == {operation for name in ALL for operation in expected.operations(name)}
    for operation, text in articles.items():
        users = {name: expected.use(name, operation) for name in ALL if operation in expected.operations(name)}
        per_day = sum(use["calls"] / expected.observed(name) for name, use in users.items())
        assert f"{shown(per_day)} calls a day" in text, operation
        alone = await page_of(quarter, f"operations/{operation}?days={days}")
        seen = {words(row.xpath(".//a")[0]): words(row) for row in alone.xpath("//section[@id='users']//li")}
        for name, use in users.items():
            assert f"{shown(use['calls'] / expected.observed(name))}" in seen[name], (operation, name)


async def test_the_pages_of_findings(quarter: Quarter) -> None:
    expected, found = Expected(quarter, 90), quarter.tally.findings()
    page = await page_of(quarter, "findings")
    opened = [key for key in found if expected.is_open(key)]
    assert words(page.xpath("//p[@role='status']")[0]) == several(len(opened), "finding")
    for row in await rows_of(quarter, "findings.csv?show=any"):
        key = key_of(row)
        times, page = found[key], await page_of(quarter, f"findings/{row['id']}")
        facts = {words(each.xpath("./dt")[0]): words(each.xpath("./dd")[0]) for each in page.xpath("//dl/div")}
        assert facts["Times"] == f"{len(times):,}"
        assert facts["First seen"] == moment(times[0])
        assert facts["Last seen"] == moment(times[-1])
        by_day = Counter(each.date() for each in times)
        counted = {day: int(count) for day, count in chart(page, "days") if count != "0"}
        assert sum(counted.values()) == sum(count for day, count in by_day.items() if the_day(day) in counted)
        assert expected.state(key) in words(page.xpath("//main//p[@class='badges']")[0]).lower()


async def test_the_refused_logins(quarter: Quarter) -> None:
    page = await page_of(quarter, "logins")
    said = {"wrong-secret": "Wrong password", "unknown": "unknown", "disabled": "disabled"}
    rows = table(page)
    assert len(rows) == len(quarter.refused)
    for (_, why), count in quarter.refused.items():
        [row] = [each for each in rows if said[why].lower() in " ".join(each).lower()]
        assert str(count) in row, row


async def test_who_fails_is_not_who_was_refused_on_purpose(quarter: Quarter) -> None:
    """Of the fates, so that the tally cannot be wrong in the same way as the page."""
    seen = await asked(quarter, "/report?days=7")
    failing = {each["integration"] for each in seen["integrations"] if each["failures"]["failing"]}
    assert failing == {"(unknown)", "faulty-1", "faulty-2", "ending-1"}
    assert ON_PURPOSE == ("brownout", "locked")


# ---- changes: those that people made, and those that are tried ----

NOW = {"translate": "served", "v3": "served, with the finding came-back"}


@pytest.mark.parametrize("days", WINDOWS)
async def test_the_impact_of_a_lock(quarter: Quarter, days: int) -> None:
    expected = Expected(quarter, days)
    wanted = {
        (name, operation): (NOW[expected.rung(name, operation)], len(expected.uses("old", name, operation)))
        for name in NAMES
        for operation in expected.operations(name)
        if expected.rung(name, operation) != "locked"
    }
    seen, text = {}, ""
    for number in range(1, len(wanted) // 50 + 2):
        page = await page_of(quarter, f"impact?change=rung:locked&days={days}&page={number}")
        text = words(page)
        for name, operation, now, then, calls, _ in table(
            page.xpath("//section[@aria-labelledby='touched']")[0]
        ):
            assert then == "✕ refused"
            seen[name, operation.replace(" ", "")] = now, int(calls.replace(",", ""))
    assert seen == wanted
    who, what = {name for name, _ in wanted}, {operation for _, operation in wanted}
    assert f"{several(len(who), 'integration')} and {several(len(what), 'operation')} would be touched" in text
    assert f"{several(len(who), 'integration')} would be refused something." in text


async def test_the_brownouts(quarter: Quarter) -> None:
    page = await page_of(quarter, "brownouts")
    begun = script.START + timedelta(days=50)
    over = [words(each) for each in page.xpath("//section[h2='Over']//li")]
    assert len(over) == 2
    for name in ("dark-1", "dark-2"):
        [text] = [each for each in over if each.startswith(name)]
        assert f"{name} , Channel.* {the_day(begun.date())}, " in text
        assert "planned by ann" in text
    window = {"starts": "2026-04-07T10:00", "ends": "2026-04-07T11:00"}
    fields = {"integration": "*", "operation": "*", "do": "try", **window}
    form = await quarter.fixture.browser.get("/review/brownouts")
    tried = html.fromstring(await quarter.fixture.browser.post("/review/brownouts", form, **fields))
    expected = Expected(quarter, 7)
    rows = table(tried.xpath("//section[@aria-labelledby='trial']")[0])
    seen = {(row[0], row[1]): (row[2], int(row[3].replace(",", ""))) for row in rows}
    assert seen == {
        (name, operation): (shown(calls / 7 / 24), calls)
        for name in ALL
        for operation in expected.operations(name)
        if (calls := len(expected.uses("old", name, operation)))
    }


async def test_the_history_of_the_ladder_and_what_locks_refused(quarter: Quarter) -> None:
    week = Expected(quarter, 7)
    for name in {whose for whose, _ in quarter.rungs}:
        [ladder] = (await page_of(quarter, f"integrations/{name}")).xpath("//section[@id='ladder']")
        steps = [words(each) for each in ladder.xpath(".//ol[@class='history']/li")]
        for (whose, operation), (rung, _) in quarter.rungs.items():
            if whose == name:
                assert any(f"{operation} : nothing set → to {rung}" in each for each in steps), (
                    steps,
                    operation,
                )
        standing = {
            words(row.xpath(".//code")[0]) for row in ladder.xpath(".//h3[.='What is set']/following::ul[1]/li")
        }
        assert standing == {operation for whose, operation in quarter.rungs if whose == name}
        locked = Counter(each.operation for each in week.uses("old", name) if each.fault == "locked")
        refused = ladder.xpath(".//p[starts-with(., 'Locks refused')]/following::ul[1]/li")
        seen = {words(row.xpath(".//code")[0]): words(row).split(" on ")[0] for row in refused}
        assert seen == {each: f"{each} {several(count, 'call')}" for each, count in locked.items()}


async def test_the_audit_has_every_change(quarter: Quarter) -> None:
    """Of findings what was said of them, and what the shim saw itself: one that was fixed came again."""
    seen = Counter(
        (
            each["action"],
            each["who"],
            each["subject"],
            re.sub(r"[ :(].*", "", each["detail"].partition(" to ")[2]),
        )
        for each in (await asked(quarter, "/audit?limit=500"))["items"]
    )
    said = {key: "fixed" if key == script.KEPT_OF_3 else state for key, state in quarter.states.items()}
    wanted = Counter(
        ("finding", "nora", f"{whose} {operation} {code}", state)
        for (whose, operation, code, _), state in said.items()
    )
    whose, operation, code, _ = script.KEPT_OF_3
    wanted["finding", "shim", f"{whose} {operation} {code}", "new"] = 1
    for (name, moved), (rung, _) in quarter.rungs.items():
        wanted["porting", "ann", f"{name} {moved}", rung] += 1
    wanted["porting", "ann", f"except-1 {CLIENTS.operation}", "exception"] = 1
    for name in ("dark-1", "dark-2"):
        wanted["porting", "ann", f"{name} Channel.*", "brownout"] = 1
    wanted["notes", "nora", "reader-1", ""] = 1
    assert seen == wanted
