"""What forms do: each changes what it says, in the name of who is logged in, or tells why not."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from shim.edge.app import Application
from shim.edge.porting.brownouts import read_brownouts
from shim.edge.porting.ladder import history, rules
from shim.review.page.forms import WrongForm, finding_filter, plan, read_state
from shim.review.reading.finding_queries import finding
from tests.review.page.running import USER, Browser
from tests.review.page.test_pages import words
from tests.review.world import NOW

STATE = re.compile(r'<p class="badges">.*?</p>', re.DOTALL)


def state(page: str) -> str:
    """What the badges under the heading of a finding say."""
    shown = STATE.search(page)
    assert shown
    return words("<main>" + shown[0])


async def say(browser: Browser, id: int, status: int = 200, **fields: str) -> str:
    path = f"/review/findings/{id}"
    return await browser.post(path, await browser.get(path), status, **fields)


# ---- findings ----


async def test_the_life_of_a_finding(shim: Application, nora: Browser) -> None:
    page = await say(nora, 2, do="acknowledge", text="On it.")
    assert "It was saved." in page
    assert "Acknowledged" in state(page)
    assert "Declared fixed" in state(await say(nora, 2, do="fixed", text="Release 7"))
    assert "New" in state(await say(nora, 2, do="reopen"))
    page = await say(nora, 2, do="ignore", text="Until the move", until="2026-04-01")
    assert "Ignored until 1 Apr 2026, 00:00 UTC" in state(page)
    page = await say(nora, 2, do="ignore", text="Never mind")
    assert "until" not in state(page)
    page = await say(nora, 2, do="note", text="Two\nlines")
    assert "Your note was added." in page
    assert "It was saved." not in await nora.get("/review/findings/2"), "told once"
    found = await finding(shim.store, NOW, 2)
    assert found
    assert [(each.who, each.became, each.text.partition(" (until")[0]) for each in found.history] == [
        (USER, "acknowledged", "On it."),
        (USER, "fixed", "Release 7"),
        (USER, "new", ""),
        (USER, "ignored", "Until the move"),
        (USER, "ignored", "Never mind"),
        (USER, "ignored", "Two\nlines"),
    ]


async def test_what_cannot_be_said_comes_back_with_the_reason(nora: Browser) -> None:
    for fields, told in (
        ({"do": "ignore"}, "Ignoring needs a reason"),
        ({"do": "ignore", "text": "why", "until": "2026-03-01"}, "has to lie ahead"),
        ({"do": "ignore", "text": "why", "until": "soon"}, "Say until when to ignore it"),
        ({"do": "note", "text": " "}, "A note needs a text."),
        ({"do": "nothing"}, "Choose what to say of it."),
        ({}, "Choose what to say of it."),
    ):
        page = await say(nora, 2, 422, **fields)
        assert f'role="alert"><span aria-hidden="true">✕</span> {told}' in page or told in words(page)
        if text := fields.get("text", "").strip():
            assert f">{text}</textarea>" in page, "what was typed is kept"
    assert "New" in state(await nora.get("/review/findings/2"))
    assert "Nobody has said anything of it yet." in words(await nora.get("/review/findings/2"))


async def test_a_finding_that_is_not_there_cannot_be_changed(nora: Browser) -> None:
    page = await nora.get("/review/findings/2")
    assert "no finding" in await nora.post("/review/findings/999", page, 404, do="acknowledge")


# ---- the ladder ----


async def move(browser: Browser, integration: str, status: int = 200, **fields: str) -> str:
    page = await browser.get(f"/review/integrations/{integration}")
    return await browser.post(f"/review/integrations/{integration}/ladder", page, status, **fields)


async def test_an_operation_moves_on_the_ladder(shim: Application, nora: Browser) -> None:
    page = await move(nora, "crm", operation="Client.AddClient", rung="compare", text="Port begins")
    assert "Client.AddClient: the rung is Compare now." in words(page)
    row = page.partition('value="Client.AddClient"')[2].partition("</form>")[0]
    assert re.search(r'value="compare" selected', row)
    assert "nora · Client.AddClient : nothing set → to compare Port begins" in words(page).replace(
        "just now · ", ""
    )
    held = {(each.integration, each.operation): (each.rung, each.who) for each in await rules(shim.store)}
    assert held["crm", "Client.AddClient"] == ("compare", USER)


async def test_all_operations_move_and_it_can_be_taken_back(shim: Application, nora: Browser) -> None:
    page = await move(nora, "portal", operation="*", rung="v3")
    assert "All operations: the rung is v3 now." in words(page)
    page = await nora.post("/review/integrations/portal/reset", page, operation="*")
    assert "All operations: what was set is taken back." in words(page)
    assert [each for each in await rules(shim.store) if each.integration == "portal"] == []
    assert [each.who for each in await history(shim.store, "portal")] == [USER, USER]


async def test_locking_what_is_still_called_is_asked_first(shim: Application, nora: Browser) -> None:
    page = await move(nora, "crm", operation="Client.AddClient", rung="locked", text="Time is up")
    text = words(page)
    assert "Lock Client.AddClient?" in text
    assert "crm still makes 5 such 2.5 calls a day , the last 3 h ago" in text
    assert "locked" not in {each.rung for each in await rules(shim.store)}
    assert 'value="Time is up"' in page
    page = await nora.post(
        "/review/integrations/crm/ladder",
        page,
        operation="Client.AddClient",
        rung="locked",
        sure="yes",
        text="Time is up",
    )
    assert "Client.AddClient: the rung is Locked now." in words(page)
    assert "locked" in {each.rung for each in await rules(shim.store)}


async def test_locking_what_nobody_calls_needs_no_question(shim: Application, nora: Browser) -> None:
    page = await move(nora, "crm", operation="PBX.Ping", rung="locked")
    assert "PBX.Ping: the rung is Locked now." in words(page)


async def test_moves_that_make_no_sense_come_back(nora: Browser) -> None:
    for fields, told in (
        ({"operation": "Client.AddClient", "rung": "higher"}, "Choose an operation and a rung."),
        ({"rung": "v3"}, "Choose an operation and a rung."),
        ({"operation": "Client.Nothing", "rung": "v3"}, "There is no Client.Nothing in 2.5"),
    ):
        assert told in words(await move(nora, "crm", 422, **fields))
    page = await nora.get("/review/integrations/crm")
    await nora.post("/review/integrations/nobody/ladder", page, 404, operation="*", rung="v3")


# ---- brownouts ----

WINDOW = {"starts": "2026-03-12T13:00", "ends": "2026-03-12T15:00"}


async def brownout(browser: Browser, status: int = 200, **fields: str) -> str:
    page = await browser.get("/review/brownouts")
    return await browser.post("/review/brownouts", page, status, **fields)


async def test_a_dry_run_shows_whom_it_hits_and_plans_nothing(shim: Application, nora: Browser) -> None:
    page = await brownout(nora, do="try", integration="switchboard", operation="*", text="Soon", **WINDOW)
    text = words(page)
    assert "Nothing was planned yet." in text
    assert "12 Mar 2026, 13:00 UTC to 12 Mar 2026, 15:00 UTC (2 h)" in text
    assert "switchboard Extension.SetupExtension" in text
    assert "switchboard: SOAP::Lite/Perl/1.27" in text
    assert 'value="Soon"' in page, "what was typed is kept"
    assert await read_brownouts(shim.store, everything=True) == []
    nobody = words(await brownout(nora, do="try", integration="fax-gateway", operation="*", **WINDOW))
    assert "it would probably hit nobody" in nobody


async def test_planned_then_stopped(shim: Application, nora: Browser) -> None:
    page = await brownout(
        nora, do="plan", integration="crm", operation="Client.*", text="End of 2.5",
        link="https://example.com/v3", **WINDOW,
    )  # fmt: skip
    assert "The brownout is planned, from 12 Mar 2026, 13:00 UTC." in words(page)
    assert "crm , Client.* 12 Mar 2026, 13:00 UTC to 12 Mar 2026, 15:00 UTC, planned by nora" in words(page)
    [planned] = await read_brownouts(shim.store)
    assert (planned.integration, planned.operation, planned.who) == ("crm", "Client.*", USER)
    assert (planned.starts_at, planned.ends_at) == (NOW + timedelta(hours=1), NOW + timedelta(hours=3))
    page = await nora.post(f"/review/brownouts/{planned.id}/stop", page)
    assert "The brownout is stopped." in words(page)
    assert await read_brownouts(shim.store) == []
    assert "There was nothing to stop" in words(await nora.post("/review/brownouts/nothing/stop", page))


async def test_windows_that_make_no_sense_come_back(shim: Application, nora: Browser) -> None:
    for fields, told in (
        ({**WINDOW, "ends": "2026-03-12T13:00"}, "It has to end after it starts."),
        ({**WINDOW, "starts": "2026-03-12T11:00"}, "It cannot start in the past."),
        ({**WINDOW, "ends": "2026-03-16T13:00"}, "A brownout lasts two days at most"),
        ({**WINDOW, "starts": "at noon"}, "Say when it starts"),
        ({**WINDOW, "integration": ""}, "Choose an integration, or all of them."),
        ({**WINDOW, "operation": "Nothing.At"}, "Service.Operation"),
        ({**WINDOW, "link": "javascript:alert(1)"}, "https://"),
    ):
        page = await brownout(nora, 422, do="plan", **{"text": "kept", "integration": "crm", **fields})
        assert told in words(page)
        assert 'value="kept"' in page
    assert await read_brownouts(shim.store, everything=True) == []


# ---- forms by themselves ----


def test_a_start_within_the_last_minute_is_now() -> None:
    form = {"integration": "crm", "starts": "2026-03-12T11:59:30", "ends": "2026-03-12T12:30"}
    assert plan(form, NOW).starts_at == NOW


def test_files_in_place_of_texts_are_none() -> None:
    assert finding_filter({"text": "x"}).text == "x"
    with pytest.raises(WrongForm):
        read_state({"do": object()})


def test_only_ignoring_has_an_end() -> None:
    assert read_state({"do": "fixed", "until": "2026-04-01"}).until is None
