"""The journal's rows, on both engines. What it is good for is in tests/journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shim.core.commands import Ask, Begin, Close, Identity, Known, Mark, Probe, Step, Undo
from shim.core.errors import BackendError
from shim.core.model import Element
from shim.edge.identity_map import IdentityMap
from shim.edge.journal import Journal, delivering
from shim.edge.settings import Identities
from shim.edge.settings import Journal as Settings
from shim.edge.store import Store

pytest_plugins = ["tests.support.postgres"]

STEP = Step(
    "add-user",
    Ask("User.AddUser", Element("AddUser", children=[Element("login", "d", {"a": "1"})])),
    Probe(Ask("User.GetUsers", Element("GetUsers")), "user", "ID", {"login": "d"}, ("7",), True),
    Undo("User.DelUser", "ID", "Extension.GetExtensions"),
    Ask("User.Other"),
    falls=True,
    gone=True,
    state="started",
    found="40",
)
BEGIN = Begin("Extension.AddExtension", "k", "undo", "login d", (STEP,))


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")()
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
def journal(store: Store) -> Journal:
    return Journal(store, Settings(wait=0.01))


async def test_steps_come_back_as_they_went(journal: Journal) -> None:
    await journal.begin("billing", BEGIN)
    [entry] = await journal.entries()
    assert [replace(each, settled=False) for each in entry.steps] == [STEP]
    assert (entry.integration, entry.operation, entry.state, entry.policy) == (
        "billing",
        "Extension.AddExtension",
        "running",
        "undo",
    )


async def test_settled_is_what_started_long_enough_ago(journal: Journal, store: Store) -> None:
    opened = await journal.begin("billing", BEGIN)
    journal.abandon(opened)
    assert journal.wake.is_set()
    [taken] = await journal.take()
    assert not taken.steps[0].settled
    later = datetime.now(UTC) + timedelta(seconds=100)
    store._clock = lambda: later
    [taken] = await Journal(store).take()
    assert taken.steps[0].settled


async def test_an_end_drops_what_the_entry_needed(journal: Journal) -> None:
    opened = await journal.begin("billing", BEGIN)
    with delivering() as pending:
        await journal.close(Close(opened, "done", lambda _: Element("A", children=[Element("ID", "1")])))
    assert pending == [opened.entry]
    [entry] = await journal.entries("done-unclean")
    assert entry.steps[0].probe is None
    await journal.delivered(opened.entry, True)
    assert [each.state for each in await journal.entries()] == ["done-clean"]
    ended = journal.metrics.registry.get_sample_value
    for state in ("done-unclean", "delivered"):
        assert ended("shim_journal_entries_total", {"result": state, "recovered": "no"}) == 1


async def test_an_end_and_what_is_learned_with_it_are_one_transaction(journal: Journal, store: Store) -> None:
    identities = IdentityMap(store, Identities())
    opened = await journal.begin("billing", BEGIN)
    known = Known("40", "0020*001", origin="created")

    def answering(learned: tuple[Identity, ...]) -> Element:
        return Element("A", children=[Element("extensionID", each.extension_id) for each in learned])

    async def end(fails: bool) -> None:
        async with identities.changing() as change:
            [identity] = (await change.learn({known.number: known})).values()
            ended = await journal.end(
                change.connection, Close(opened, "done", answering), (identity,), recovered=True
            )
            if fails:
                raise OSError("disk full")
        journal.ended(ended)

    with pytest.raises(BackendError):
        await end(fails=True)
    assert await identities.find("number", ["0020*001"]) == {}
    assert [each.state for each in await journal.entries()] == ["running"]
    journal.require(opened)
    await end(fails=False)
    [identity] = (await identities.find("number", ["0020*001"]))["0020*001"]
    assert [each.state for each in await journal.entries()] == ["done-unclean"]
    again = await journal.begin("billing", BEGIN)
    assert again.answer is not None
    assert again.answer.get("extensionID") == identity.extension_id


async def test_what_is_left_waits_longer_each_time_and_is_paused_in_the_end(store: Store) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    store._clock = lambda: now
    journal = Journal(store, Settings(attempts=3))
    opened = await journal.begin("billing", BEGIN)
    await journal.close(Close(opened, "undoing", why="backend-late"))
    waited = []
    for _ in range(3):
        before = now
        while not (taken := await journal.take()):
            now += timedelta(seconds=1)
        waited.append((now - before).seconds)
        [entry] = taken
        opened = type(opened)(entry.id, entry.epoch)
        state = await journal.close(Close(opened, "undoing", why="backend-late"), recovered=True)
    assert (state, waited) == ("paused", [1, 2, 4])


async def test_who_lost_an_entry_can_do_nothing_with_it(journal: Journal, store: Store) -> None:
    opened = await journal.begin("billing", BEGIN)
    await journal.release()
    [_] = await Journal(store).take()
    for command in (Mark(opened, "running", ((0, STEP),)),):
        with pytest.raises(BackendError, match="took over"):
            await journal.mark(command)
    with pytest.raises(BackendError, match="took over"):
        await journal.close(Close(opened, "undone"))
    with pytest.raises(BackendError, match="took over"):
        journal.require(opened)
