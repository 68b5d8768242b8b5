"""The tour of `shim demo --once` notices what does not work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import structlog

from shim.cli.demo.client import TEXT, Tally
from shim.cli.demo.events import DemoEvents, Observer
from shim.cli.demo.tour import has, has_permissions, lacks, lists, succeeded, tour
from shim.cli.demo.world import LOGINS, Ports, running
from shim.emulator.world.seed import load_seed


@pytest.fixture
def events() -> Iterator[DemoEvents]:
    taken = DemoEvents()
    taken.install()
    yield taken
    structlog.reset_defaults()


async def run(events: DemoEvents, folder: Path, action: str | None, stop: Event) -> tuple[Tally, str]:
    lines: list[str] = []
    async with running(Ports(0, 0, 0, 0), folder) as demo:
        if action:
            demo.world.interfere("EditOrganization", action)
        observer = Observer(events, demo.world)
        tally = await asyncio.to_thread(tour, demo.http, observer, lines.append, stop)
    return tally, "\n".join(lines)


@pytest.mark.slow
async def test_a_call_that_fails_ends_its_part_and_no_other(events: DemoEvents, tmp_path: Path) -> None:
    tally, told = await run(events, tmp_path, "fault:520", Event())
    [failed] = tally.failed
    assert "Client.EditClient" in failed
    assert "code 520" in failed
    assert "v3 call  Organization.EditOrganization {company=Tour & Voyage, ID=100}: fault 520" in told
    assert "the rest of this part needs that call" in told
    assert "Reseller.DelReseller" in told


@pytest.mark.slow
async def test_nothing_is_called_once_it_is_stopped(events: DemoEvents, tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    tally, _ = await run(events, tmp_path, None, stop)
    assert (tally.steps, tally.calls) == (0, 0)


def test_events_are_kept_and_only_trouble_is_told(
    events: DemoEvents, capsys: pytest.CaptureFixture[str]
) -> None:
    events.install()  # again: the stderr that is captured is this test's
    log = structlog.get_logger()
    log.info("finding", code="x", path="a/b")
    log.warning("forward repeated", attempt=1)
    assert [each["event"] for each in events.kept] == ["finding", "forward repeated"]
    told = capsys.readouterr().err
    assert "forward repeated" in told
    assert "finding" not in told


def test_the_logins_are_those_of_the_demo_world() -> None:
    world = load_seed(None)
    for login in LOGINS:
        account = world.accounts[login.id]
        assert account.login == login.login
        assert world.apps[f"{login.login}-key"].client_secret == f"{login.login}-app-secret"
    assert len(world.accounts) == len(LOGINS)


def test_expectations() -> None:
    assert succeeded({"result": "success"}) is None
    assert succeeded({"result": "partial"}) == "the result is partial"
    assert has(ID=5, status=True)({"ID": 5, "status": True}) is None
    assert has(ID=5, status=True)({"ID": 6, "status": None}) == "not as expected: ID, status"
    assert has_permissions(clientMax=3)({"userPL": [{"clientMax": {TEXT: 3, "unlimited": False}}]}) is None
    assert has_permissions(clientMax=3)({"userPL": None}) == "not as expected: clientMax"
    assert lists("client", "a", "b")({"client": [{"login": "a"}]}) == "not in the list: b"
    assert lists("client")({"client": None}) is None
    assert lacks("client", "a")({"client": [{"login": "a"}]}) == "a is still in the list"
