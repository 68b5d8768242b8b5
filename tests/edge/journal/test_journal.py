"""The journal's rows, on both engines. What it is good for is in tests/journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shim.core.commands.extensions import Identity, Known
from shim.core.commands.journal import Ask, Begin, Close, MarkSteps, Opened, Probe, Step, Undo
from shim.core.errors import ShimError, StoreUnavailable
from shim.core.message import Element
from shim.edge.exchange.recovery import Recovery
from shim.edge.identities.change import MapChange
from shim.edge.identities.map import IdentityMap
from shim.edge.journal.journal import ClosedEntry, JournalStore
from shim.edge.journal.operating import JournalStanding
from shim.edge.settings.model import Identities
from shim.edge.settings.model import JournalSettings as Settings
from shim.edge.store.database import Store

pytest_plugins = ["tests.support.postgres"]

STEP = Step(
    "add-user",
    Ask("User.AddUser", Element("AddUser", children=[Element("login", "d", {"a": "1"})])),
    Probe(Ask("User.GetUsers", Element("GetUsers")), "user", "ID", {"login": "d"}, ("7",), True),
    Undo("User.DelUser", "ID", "Extension.GetExtensions"),
    Ask("User.Other"),
    cascades=True,
    deletes_extension=True,
    state="started",
    row_key="40",
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
def journal(store: Store) -> JournalStore:
    return JournalStore(store, Settings(wait=0.01))


async def test_steps_come_back_as_they_went(journal: JournalStore) -> None:
    await journal.begin("billing", BEGIN)
    [entry] = await journal.entries()
    assert [replace(each, past_backend_timeout=False) for each in entry.steps] == [STEP]
    assert (entry.integration, entry.operation, entry.state, entry.policy) == (
        "billing",
        "Extension.AddExtension",
        "running",
        "undo",
    )


async def test_settled_is_what_started_long_enough_ago(journal: JournalStore, store: Store) -> None:
    opened = await journal.begin("billing", BEGIN)
    journal.abandon(opened)
    assert journal.wake.is_set()
    [taken] = await journal.take()
    assert not taken.steps[0].past_backend_timeout
    later = datetime.now(UTC) + timedelta(seconds=100)
    store._clock = lambda: later
    [taken] = await JournalStore(store).take()
    assert taken.steps[0].past_backend_timeout


async def test_what_nobody_works_on_any_more_is_not_held_but_given_to_recovery(journal: JournalStore) -> None:
    async def work() -> Opened:
        return await journal.begin("billing", BEGIN)

    opened = await asyncio.create_task(work())
    assert await journal.take() == []
    await journal.renew()
    assert journal.wake.is_set()
    with pytest.raises(ShimError, match="took over"):
        journal.require(opened)
    assert [each.id for each in await journal.take()] == [opened.entry]


async def test_a_clock_that_was_set_back_hides_nothing(journal: JournalStore, store: Store) -> None:
    ahead = store.now() + timedelta(days=1)
    store._clock = lambda: ahead
    opened = await journal.begin("billing", BEGIN)
    store._clock = lambda: ahead - timedelta(days=1)
    await journal.release()
    assert [each.id for each in await JournalStore(store).take()] == [opened.entry]


async def test_what_is_worked_on_is_renewed(journal: JournalStore, store: Store) -> None:
    opened = await journal.begin("billing", BEGIN)
    later = store.now() + timedelta(seconds=50)
    store._clock = lambda: later
    await journal.renew()
    [entry] = await journal.entries("running")
    assert entry.lease_until == later + timedelta(seconds=60)
    assert entry.owner == journal.owner
    journal.require(opened)


async def test_redrive_takes_what_is_under_way_from_whoever_has_it(journal: JournalStore, store: Store) -> None:
    opened = await journal.begin("billing", BEGIN)
    other = JournalStore(store)
    assert await other.take() == []
    assert await other.redrive(opened.entry)
    [taken] = await other.take()
    assert (taken.id, taken.epoch, taken.state) == (opened.entry, 3, "running")
    with pytest.raises(ShimError, match="took over"):
        await journal.mark(MarkSteps(opened, "running", ()))
    await journal.renew()
    assert not await other.redrive("nothing")


async def test_what_stands_is_counted(journal: JournalStore, store: Store) -> None:
    assert await journal.standing() == JournalStanding()
    await journal.begin("billing", BEGIN)
    assert (await journal.standing()).overdue == 0
    second = await journal.begin("billing", replace(BEGIN, key="l", lock=None))
    later = store.now() + timedelta(seconds=61)
    store._clock = lambda: later
    await journal.close(Close(second, "paused", why="refused"))
    standing = await journal.standing()
    assert (standing.under_way, standing.overdue, standing.paused) == (1, 1, 1)
    assert standing.oldest >= 61


async def test_a_call_whose_client_has_left_is_not_begun_and_waits_no_more(store: Store) -> None:
    journal, left = JournalStore(store, Settings(wait=60)), False
    opened = await journal.begin("billing", BEGIN)
    waiting = asyncio.create_task(journal.begin("billing", BEGIN, lambda: left))
    await asyncio.sleep(0)
    left = True
    with pytest.raises(ShimError) as caught:
        await waiting
    assert caught.value.reason == "client-left"
    await journal.close(Close(opened, "undone"))
    with pytest.raises(ShimError) as caught:
        await journal.begin("billing", BEGIN, lambda: left)
    assert caught.value.reason == "client-left"
    assert [each.state for each in await journal.entries()] == ["undone"]


async def test_a_delivery_that_the_store_did_not_take_is_written_when_it_does(
    journal: JournalStore, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await journal.begin("billing", BEGIN)
    await journal.close(Close(opened, "done", lambda _: Element("A")), delivers=True)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", _away)
        with pytest.raises(ShimError):
            await journal.delivered(opened.entry, True)
    assert [each.state for each in await journal.entries()] == ["done-unclean"]
    await journal.take()
    assert [each.state for each in await journal.entries()] == ["done-clean"]


async def _away(*_: object) -> None:
    raise StoreUnavailable("store-unavailable", "The store is away.")


async def test_a_store_that_is_away_is_told_once_and_told_again_when_it_is_back(
    journal: JournalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody: Any = None
    recovery = Recovery(nobody, nobody, journal, lambda _: None)

    async def look() -> bool:
        return await recovery._guarded("sweep", recovery._once, False)

    with capture_logs() as logged:
        with monkeypatch.context() as patch:
            patch.setattr(Store, "write", _away)
            assert [await look() for _ in range(3)] == [False] * 3
        assert await look()
    assert [each["event"] for each in logged] == ["journal unavailable", "journal available again"]
    value = journal.metrics.registry.get_sample_value
    assert value("shim_journal_overdue") == value("shim_journal_under_way") == 0


async def test_an_end_drops_what_the_entry_needed(journal: JournalStore) -> None:
    opened = await journal.begin("billing", BEGIN)
    command = Close(opened, "done", lambda _: Element("A", children=[Element("ID", "1")]))
    assert (await journal.close(command, delivers=True)).to_deliver
    [entry] = await journal.entries("done-unclean")
    assert entry.steps[0].probe is None
    await journal.delivered(opened.entry, True)
    assert [each.state for each in await journal.entries()] == ["done-clean"]
    ended = journal.metrics.registry.get_sample_value
    for state in ("done-unclean", "delivered"):
        assert ended("shim_journal_entries_total", {"result": state, "recovered": "no"}) == 1


async def test_an_end_and_what_is_learned_with_it_are_one_transaction(
    journal: JournalStore, store: Store
) -> None:
    identities = IdentityMap(store, Identities())
    opened = await journal.begin("billing", BEGIN)
    known = Known("40", "0020*001", origin="created")

    def answering(learned: tuple[Identity, ...]) -> Element:
        return Element("A", children=[Element("extensionID", each.extension_id) for each in learned])

    async def end(fails: bool) -> None:
        def write(change: MapChange) -> ClosedEntry:
            [identity] = change.learn({known.number: known}).values()
            command = Close(opened, "done", answering)
            ended = journal.end(change.connection, command, (identity,), recovered=True)
            if fails:
                raise OSError("disk full")
            return ended

        journal.ended(await identities.change(write))

    with pytest.raises(ShimError):
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
    journal = JournalStore(store, Settings(attempts=3))
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
        state = (await journal.close(Close(opened, "undoing", why="backend-late"), recovered=True)).state
    assert (state, waited) == ("paused", [1, 2, 4])


async def test_who_lost_an_entry_can_do_nothing_with_it(journal: JournalStore, store: Store) -> None:
    opened = await journal.begin("billing", BEGIN)
    await journal.release()
    [_] = await JournalStore(store).take()
    for command in (MarkSteps(opened, "running", ((0, STEP),)),):
        with pytest.raises(ShimError, match="took over"):
            await journal.mark(command)
    with pytest.raises(ShimError, match="took over"):
        await journal.close(Close(opened, "undone"))
    with pytest.raises(ShimError, match="took over"):
        journal.require(opened)
