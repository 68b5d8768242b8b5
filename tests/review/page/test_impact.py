"""The page that tells what a change would touch: the same as the command line, and nothing is changed by it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shim.edge.app import Application
from shim.edge.porting.exceptions import grant_exception
from shim.edge.porting.ladder import rules, set_rung
from shim.review.page.impact import CHANGES, ImpactForm
from shim.review.page.templates import soft
from shim.review.reading import impact as reading
from shim.review.reading.changes import rung_set
from tests.review.page.running import Browser, admin_user, application, config, served
from tests.review.page.test_pages import words

PAGE = "/review/impact"


def shown(name: str) -> str:
    """A name with the places at which a line may end, as the words of a page have them."""
    return " ".join(soft(name).split("<wbr>"))


async def test_without_a_change_there_is_only_the_form(nora: Browser) -> None:
    page = await nora.get(PAGE)
    assert "What it would touch" not in page
    for group in CHANGES.values():
        for value in group:
            assert f'<option value="{value}">' in page
    assert '<option value="Extension.*">' in page


async def test_a_lock_tells_what_the_reading_tells(shim: Application, nora: Browser) -> None:
    found = await reading.compared(
        shim.store,
        shim.catalogue,
        shim.config.integrations,
        30,
        rung_set("switchboard", "Extension.*", "locked"),
    )
    assert found.refuses
    page = await nora.get(f"{PAGE}?change=rung:locked&integration=switchboard&operation=Extension.*")
    text = words(page)
    for each in found.touches:
        assert f"switchboard {shown(each.operation)} served ✕ refused {each.calls}" in text
    assert "1 integration would be refused something." in text
    for program in found.programs:
        assert program.address in text
    assert "shim impact rung switchboard &#39;Extension.*&#39; locked --days 30" in page
    assert not await rules(shim.store) or all(each.rung != "locked" for each in await rules(shim.store))


@pytest.mark.parametrize("change", [each for group in CHANGES.values() for each in group])
async def test_every_change_that_the_form_offers_can_be_tried(nora: Browser, change: str) -> None:
    page = await nora.get(f"{PAGE}?change={change}&integration=*&operation=*&days=30")
    assert "What it would touch" in page
    assert f'<option value="{change}" selected>' in page


async def test_a_policy_tells_paths_and_shapes(nora: Browser) -> None:
    page = words(await nora.get(f"{PAGE}?change=policy:refuse&finding=field-dropped"))
    assert "dropped, with a finding ✕ refused" in page
    setup = shown("Extension.SetupExtension")
    assert f"switchboard {setup} callback as {{callback}} dropped, with a finding ✕ refused 630" in page


async def test_the_end_of_an_exception_is_held_against_the_calls_it_lets_pass(
    shim: Application, nora: Browser
) -> None:
    await set_rung(shim.store, "crm", "*", "locked", "ann")
    until = shim.store.now().replace(day=20)
    await grant_exception(shim.store, "crm", "*", "Billing", "slips", until, "ann")
    page = words(await nora.get(f"{PAGE}?change=rung:locked&integration=crm"))
    assert "Nothing would be refused." in page, "the exception lets pass what the lock would refuse"
    page = words(await nora.get(f"{PAGE}?change=exception&integration=crm"))
    assert "served, with the finding came-back ✕ refused" in page


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("change=everything", "Choose a change that the list has."),
        ("change=brownout&integration=nobody", "There is no integration nobody."),
        ("change=brownout&operation=Client.Nothing", "There is no Client.Nothing in 2.5"),
    ],
)
async def test_what_cannot_be_tried_is_said(nora: Browser, query: str, told: str) -> None:
    assert told in await nora.get(f"{PAGE}?{query}", 422)


@pytest.mark.parametrize(
    ("form", "command"),
    [
        (ImpactForm("brownout", "*", "Client.*", "", None, 7), "brownout '*' 'Client.*' --days 7"),
        (ImpactForm("login:app_key:warn", "crm", "*", "", None, 30), "login crm app_key warn --days 30"),
        (
            ImpactForm("policy:drop", "crm", "*", "a/b", "field-dropped", 30),
            "policy drop --integration crm --path a/b --finding field-dropped --days 30",
        ),
        (ImpactForm("exception", "crm", "*", "", None, 90), "exception crm '*' --days 90"),
    ],
)
def test_the_same_on_the_command_line(form: ImpactForm, command: str) -> None:
    assert form.command == f"shim impact {command}"


def upload(page: str, file: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("token", page.partition('name="token" value="')[2].partition('"')[0])
    form.add_field("days", "30")
    form.add_field("coverage", io.BytesIO(file), filename="coverage.json", content_type="application/json")
    return form


async def sent(browser: Browser, file: bytes) -> tuple[int, str]:
    page = await browser.get(PAGE)
    async with browser.client.post(PAGE, data=upload(page, file)) as answer:
        return answer.status, await answer.text()


def coverage_file(shim: Application, changed: str | None = None, padding: int = 0) -> bytes:
    """What `shim coverage --format json` prints, as far as it is read, with one path of another fate."""
    rows: list[dict[str, Any]] = []
    for (operation, direction, path), (fate, place, finding) in reading.coverage(shim.catalogue).items():
        service, _, name = operation.partition(".")
        row = {"service": service, "operation": name, "direction": direction, "path": path}
        new = (fate, place, finding) if f"{operation} {path}" != changed else ("carried", "elsewhere", None)
        rows.append(row | dict(zip(("fate", "place", "finding"), new, strict=True)))
    return json.dumps({"paths": rows, "more": "x" * padding}).encode()


@pytest.mark.parametrize("role", ["viewer", "admin"])
async def test_another_release_is_compared_by_the_file_of_its_coverage(tmp_path: Path, role: str) -> None:
    user = admin_user().model_copy(update={"role": role})
    async with application(config(tmp_path, users=[user])) as shim, served(shim) as browser:
        await browser.login()
        status, text = await sent(browser, coverage_file(shim))
        assert status == 200
        assert "Nothing that was called" in text
        changed = "Extension.AddExtension templateID"
        status, text = await sent(browser, coverage_file(shim, changed, padding=2_000_000))
        assert status == 200
        assert f"switchboard {shown('Extension.AddExtension templateID')} (answer)" in words(text)
        assert "carried to elsewhere" in words(text)
        for wrong in (b"[", b'{"paths": [{}]}', b'{"paths": 3}', b"[" * 100_000):
            status, text = await sent(browser, wrong)
            assert (status, "This is not what" in text) == (422, True)
