"""Equal calls, leases and takeovers, and what the operator can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path

import pytest

from shim.core.commands.journal import Begin, Close, MarkSteps, Opened
from shim.core.errors import ShimError
from shim.core.journal.run import digest
from shim.core.message import Element
from shim.edge.store.database import Store
from shim.emulator.world.world import EmulatedExtension
from tests.journal.fixture import SECRET, JournalFixture, added, orphans
from tests.journal.test_calls import ADD, EDIT

pytest_plugins = ["tests.support.postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")()
    store = await Store.open(url)
    yield store
    await store.close()


def numbers(fixture: JournalFixture) -> int:
    return len(added(fixture)[1])


async def again(fixture: JournalFixture, **how: bool) -> str | None:
    """The ID that AddExtension answers; None for a fault."""
    outcome = await fixture.process().call("AddExtension", [*ADD, ("forceUpdate", "1")], **how)
    if outcome.fault is not None or outcome.answer is None:
        return None
    return outcome.answer.partition(b":ID>")[2].partition(b"<")[0].decode()


async def test_an_answer_that_nobody_received_is_given_to_an_equal_call_once(fixture: JournalFixture) -> None:
    first = await again(fixture, received=False)
    second = await again(fixture)
    assert first == second
    assert numbers(fixture) == 1
    third = await again(fixture)
    assert third not in (None, first)
    assert numbers(fixture) == 2


async def test_two_deliberate_equal_adds_stay_two(fixture: JournalFixture) -> None:
    assert await again(fixture) != await again(fixture)
    assert numbers(fixture) == 2


async def test_an_answer_is_kept_for_a_day_only(fixture: JournalFixture) -> None:
    await again(fixture, received=False)
    fixture.ahead += 86_401
    fixture.backend = type(fixture.backend)(fixture.world, fixture.trouble)
    await fixture.process().journal.purge()
    assert await fixture.text() == ""
    await again(fixture)
    assert numbers(fixture) == 2


async def test_what_is_kept_has_no_secret(fixture: JournalFixture) -> None:
    await fixture.process().call("AddExtension", [*ADD, ("passwordAuto", "1")], received=False)
    text = await fixture.text()
    assert "done-unclean" in text
    assert SECRET not in text
    assert ":password" not in text


async def test_an_equal_call_waits_for_the_one_under_way_and_then_says_so(fixture: JournalFixture) -> None:
    process = fixture.process()
    opened = await process.journal.begin("billing", Begin("Extension.AddExtension", "k", "undo", "login x"))
    for key, subject in (("k", None), ("other", "login x")):
        with pytest.raises(ShimError) as caught:
            await fixture.process().journal.begin(
                "billing", Begin("Extension.AddExtension", key, "undo", subject)
            )
        assert caught.value.reason == "still-running"
    fixture.settings = fixture.settings.model_copy(update={"wait": 30.0})
    waiting = asyncio.create_task(
        fixture.process().journal.begin("billing", Begin("Extension.AddExtension", "k", "undo"))
    )
    await asyncio.sleep(0)
    await process.journal.close(Close(opened, "undone"))
    assert (await waiting).answer is None


async def test_of_many_equal_calls_at_once_one_begins(fixture: JournalFixture) -> None:
    begin = Begin("Extension.AddExtension", "k", "undo", "login x")
    calls = (fixture.process().journal.begin("billing", begin) for _ in range(8))
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, Opened) for each in ended) == 1
    assert all(isinstance(each, Opened | ShimError) for each in ended)


async def test_a_replica_that_stood_still_makes_no_second_write(fixture: JournalFixture) -> None:
    """It stops right before its second write, past its lease; another replica undoes; then it goes on."""
    slow = fixture.process()
    forward = slow.fixture.backend.forward
    others: list[str] = []

    async def stands_still(call, integration, heard):  # type: ignore[no-untyped-def]
        if call.full_name == "User.SetUserPL" and not others:
            fixture.ahead += 100
            others.append("took over")
            other = fixture.process()
            others.extend(state for _, state in await other.recovery.sweep())
        return await forward(call, integration, heard)

    fixture.backend.forward = stands_still  # type: ignore[method-assign]
    outcome = await slow.call("AddExtension", ADD)
    assert others == ["took over", "undone"]
    assert outcome.fault is not None
    assert outcome.fault.reason == "unfinished"
    assert [each.operation for each in fixture.world.calls if each.outcome == "ok"][-1] == "User.DelUser"
    assert added(fixture) == ([], [])


async def test_a_lease_that_is_renewed_is_not_taken_over(fixture: JournalFixture) -> None:
    process, other = fixture.process(), fixture.process()
    opened = await process.journal.begin("billing", Begin("Extension.AddExtension", "k", "undo"))
    for _ in range(5):
        fixture.ahead += 45
        await process.journal.renew()
        assert await other.journal.take() == []
        process.journal.require(opened)
    fixture.ahead += 61
    [taken] = await other.journal.take()
    assert taken.epoch == opened.epoch + 1
    with pytest.raises(ShimError, match="took over"):
        await process.journal.mark(MarkSteps(opened, "running", ()))
    with pytest.raises(ShimError, match="took over"):
        process.journal.require(opened)


async def test_a_call_that_is_cancelled_is_recovered_at_once(fixture: JournalFixture) -> None:
    process = fixture.process()
    forward, added_user = fixture.backend.forward, asyncio.Event()

    async def hangs(call, integration, heard):  # type: ignore[no-untyped-def]
        answer = await forward(call, integration, heard)
        if call.full_name == "User.AddUser":
            added_user.set()
            await asyncio.Event().wait()
        return answer

    fixture.backend.forward = hangs  # type: ignore[method-assign]
    under_way = asyncio.create_task(process.call("AddExtension", ADD))
    await added_user.wait()
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert orphans(fixture)
    assert [state for _, state in await process.recovery.sweep()] == ["undone"]
    assert not added(fixture)[0]


async def paused(fixture: JournalFixture) -> str:
    fixture.trouble.actions = {("Extension.AddExtension", 0): "fault:520", ("User.DelUser", -1): "fault:520"}
    outcome = await fixture.process().call("AddExtension", ADD)
    [entry] = await fixture.process().journal.paused()
    assert outcome.fault is not None
    assert outcome.fault.reason == "half-done"
    assert entry.id in outcome.fault.text
    return entry.id


async def test_what_cannot_be_undone_is_paused_with_the_calls_that_repair_it(fixture: JournalFixture) -> None:
    entry = await paused(fixture)
    [user] = orphans(fixture)
    journal = fixture.process().journal
    [shown] = await journal.paused()
    assert shown.repairs() == [("User.DelUser", {"ID": str(user)})]
    again = await fixture.process().call("AddExtension", ADD)
    assert again.fault is not None
    assert again.fault.reason == "still-running"  # for it has the other tried again
    assert await fixture.recover() == ["paused"]
    fixture.trouble.actions = {}
    assert await journal.redrive(entry)
    assert await fixture.recover() == ["undone"]
    assert added(fixture) == ([], [])
    assert not await journal.redrive(entry)


async def test_an_equal_call_drives_a_paused_one_again(fixture: JournalFixture) -> None:
    await paused(fixture)
    fixture.trouble.actions = {}
    process = fixture.process()
    fixture.settings = fixture.settings.model_copy(update={"wait": 5.0})
    calling = asyncio.create_task(fixture.process().call("AddExtension", ADD))
    while (await process.journal.paused()) or not calling.done():
        await process.recovery.sweep()
        await asyncio.sleep(0.01)
    assert (await calling).fault is None
    assert numbers(fixture) == 1


async def test_a_dismissed_entry_keeps_its_reason_and_nothing_else(fixture: JournalFixture) -> None:
    entry = await paused(fixture)
    journal = fixture.process().journal
    assert await journal.dismiss(entry, "deleted by hand")
    assert not await journal.paused()
    [shown] = await journal.entries()
    assert (shown.state, shown.why) == ("undone", "dismissed: deleted by hand")
    assert not await journal.dismiss(entry, "again")


async def test_what_is_paused_in_an_edit_is_settled_by_a_later_one(fixture: JournalFixture) -> None:
    fixture.trouble.actions = {("Extension.EditExtension", 0): "fault:520"}
    await fixture.process().call("EditExtension", EDIT)
    [entry] = await fixture.process().journal.paused()
    assert entry.repairs() == [
        (
            "Extension.EditExtension",
            {"label": "Nils Anew", "password": "(secret)", "extendedNumber": "0020*002"},
        )
    ]
    assert SECRET in await fixture.text()
    better = [("name", "Nils Better"), ("password", SECRET + "x"), ("ID", "31")]
    assert (await fixture.process().call("EditExtension", better)).fault is None
    assert not await fixture.process().journal.paused()
    assert SECRET not in await fixture.text()


async def test_what_is_paused_in_an_edit_is_settled_by_deleting_the_extension(fixture: JournalFixture) -> None:
    fixture.trouble.actions = {("Extension.EditExtension", 0): "fault:520"}
    await fixture.process().call("EditExtension", EDIT)
    assert await fixture.process().journal.paused()
    assert (await fixture.process().call("DelExtension", [("ID", "31")])).fault is None
    assert not await fixture.process().journal.paused()
    assert SECRET not in await fixture.text()


async def test_without_its_integration_an_entry_is_paused(fixture: JournalFixture) -> None:
    fixture.trouble.actions = {("User.AddUser", 0): "drop"}
    await fixture.process().call("AddExtension", ADD)
    fixture.ahead += 100
    process = fixture.process()
    process.recovery._integration = lambda name: None
    assert [state for _, state in await process.recovery.sweep()] == ["paused"]


async def test_a_backend_that_stays_away_ends_in_a_pause(fixture: JournalFixture) -> None:
    fixture.trouble.actions = {("Extension.AddExtension", 0): "fault:520", ("User.DelUser", -1): "away"}
    await fixture.process().call("AddExtension", ADD)
    await fixture.recover()
    [entry] = await fixture.process().journal.paused()
    assert entry.why == "backend-unreachable"


async def test_somebody_elses_user_is_never_deleted(fixture: JournalFixture) -> None:
    """Made natively, with a phone, while nobody knew how AddUser ended."""
    fixture.trouble.actions = {("User.AddUser", 0): "drop", ("User.GetUsers", 1): "away"}
    await fixture.process().call("AddExtension", ADD)
    theirs = deepcopy(fixture.world.accounts[30])
    theirs.id, theirs.identifier, theirs.profile = 500, "theirs", {**theirs.profile, "login": "desk1"}
    fixture.world.enter(theirs)
    fixture.world.enter_extension(EmulatedExtension("0020*500", 500, "term", "Theirs", fixture.now()))
    await fixture.recover()
    assert 500 in fixture.world.accounts
    [entry] = await fixture.process().journal.paused()
    assert entry.why == "unclear"


@pytest.mark.parametrize("force", [(), (("forceUpdate", "1"),)])
async def test_a_user_that_was_there_before_is_never_deleted(
    fixture: JournalFixture, force: tuple[tuple[str, str], ...]
) -> None:
    """It has the login that is asked for, and no extension."""
    theirs = deepcopy(fixture.world.accounts[30])
    theirs.id, theirs.identifier, theirs.profile = 500, "theirs", {**theirs.profile, "login": "desk1"}
    fixture.world.enter(theirs)
    fixture.trouble.actions = {("User.AddUser", 0): "drop"}
    outcome = await fixture.process().call("AddExtension", [*ADD, *force])
    assert outcome.fault is not None
    await fixture.recover()
    assert 500 in fixture.world.accounts
    assert not await fixture.process().journal.paused()


def test_equal_requests_have_one_digest_whatever_their_order() -> None:
    one = Element("A", children=[Element("x", "1"), Element("y", " 2 ")])
    other = Element("A", children=[Element("y", "2"), Element("x", "1")])
    assert digest(one) == digest(other) != digest(Element("A", children=[Element("x", "1")]))
    assert digest(Element("A", children=[Element("x", "1"), Element("x", "2")])) != digest(
        Element("A", children=[Element("x", "2"), Element("x", "1")])
    )


async def test_recovery_leaves_calls_under_way_alone(fixture: JournalFixture) -> None:
    process = fixture.process()
    logins = [f"busy{number}" for number in range(6)]

    async def add(login: str) -> bool:
        fields = [("name", login), ("login", login), ("password", SECRET), ("parentID", "20")]
        return (await process.call("AddExtension", fields)).fault is None

    calls = asyncio.gather(*map(add, logins))
    while not calls.done():
        assert await process.recovery.sweep() == []
        await asyncio.sleep(0)
    assert all(await calls)
    assert numbers(fixture) == 6
