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
from tests.journal.house import SECRET, House, added, orphans
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


def numbers(house: House) -> int:
    return len(added(house)[1])


async def again(house: House, **how: bool) -> str | None:
    """The ID that AddExtension answers; None for a fault."""
    outcome = await house.process().call("AddExtension", [*ADD, ("forceUpdate", "1")], **how)
    if outcome.fault is not None or outcome.answer is None:
        return None
    return outcome.answer.partition(b":ID>")[2].partition(b"<")[0].decode()


async def test_an_answer_that_nobody_received_is_given_to_an_equal_call_once(house: House) -> None:
    first = await again(house, received=False)
    second = await again(house)
    assert first == second
    assert numbers(house) == 1
    third = await again(house)
    assert third not in (None, first)
    assert numbers(house) == 2


async def test_two_deliberate_equal_adds_stay_two(house: House) -> None:
    assert await again(house) != await again(house)
    assert numbers(house) == 2


async def test_an_answer_is_kept_for_a_day_only(house: House) -> None:
    await again(house, received=False)
    house.ahead += 86_401
    house.backend = type(house.backend)(house.world, house.trouble)
    await house.process().journal.purge()
    assert await house.text() == ""
    await again(house)
    assert numbers(house) == 2


async def test_what_is_kept_has_no_secret(house: House) -> None:
    await house.process().call("AddExtension", [*ADD, ("passwordAuto", "1")], received=False)
    text = await house.text()
    assert "done-unclean" in text
    assert SECRET not in text
    assert ":password" not in text


async def test_an_equal_call_waits_for_the_one_under_way_and_then_says_so(house: House) -> None:
    process = house.process()
    opened = await process.journal.begin("billing", Begin("Extension.AddExtension", "k", "undo", "login x"))
    for key, subject in (("k", None), ("other", "login x")):
        with pytest.raises(ShimError) as caught:
            await house.process().journal.begin(
                "billing", Begin("Extension.AddExtension", key, "undo", subject)
            )
        assert caught.value.reason == "still-running"
    house.settings = house.settings.model_copy(update={"wait": 30.0})
    waiting = asyncio.create_task(
        house.process().journal.begin("billing", Begin("Extension.AddExtension", "k", "undo"))
    )
    await asyncio.sleep(0)
    await process.journal.close(Close(opened, "undone"))
    assert (await waiting).answer is None


async def test_of_many_equal_calls_at_once_one_begins(house: House) -> None:
    begin = Begin("Extension.AddExtension", "k", "undo", "login x")
    calls = (house.process().journal.begin("billing", begin) for _ in range(8))
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, Opened) for each in ended) == 1
    assert all(isinstance(each, Opened | ShimError) for each in ended)


async def test_a_replica_that_stood_still_makes_no_second_write(house: House) -> None:
    """It stops right before its second write, past its lease; another replica undoes; then it goes on."""
    slow = house.process()
    forward = slow.house.backend.forward
    others: list[str] = []

    async def stands_still(call, integration, heard):  # type: ignore[no-untyped-def]
        if call.full_name == "User.SetUserPL" and not others:
            house.ahead += 100
            others.append("took over")
            other = house.process()
            others.extend(state for _, state in await other.recovery.sweep())
        return await forward(call, integration, heard)

    house.backend.forward = stands_still  # type: ignore[method-assign]
    outcome = await slow.call("AddExtension", ADD)
    assert others == ["took over", "undone"]
    assert outcome.fault is not None
    assert outcome.fault.reason == "unfinished"
    assert [each.operation for each in house.world.calls if each.outcome == "ok"][-1] == "User.DelUser"
    assert added(house) == ([], [])


async def test_a_lease_that_is_renewed_is_not_taken_over(house: House) -> None:
    process, other = house.process(), house.process()
    opened = await process.journal.begin("billing", Begin("Extension.AddExtension", "k", "undo"))
    for _ in range(5):
        house.ahead += 45
        await process.journal.renew()
        assert await other.journal.take() == []
        process.journal.require(opened)
    house.ahead += 61
    [taken] = await other.journal.take()
    assert taken.epoch == opened.epoch + 1
    with pytest.raises(ShimError, match="took over"):
        await process.journal.mark(MarkSteps(opened, "running", ()))
    with pytest.raises(ShimError, match="took over"):
        process.journal.require(opened)


async def test_a_call_that_is_cancelled_is_recovered_at_once(house: House) -> None:
    process = house.process()
    forward, added_user = house.backend.forward, asyncio.Event()

    async def hangs(call, integration, heard):  # type: ignore[no-untyped-def]
        answer = await forward(call, integration, heard)
        if call.full_name == "User.AddUser":
            added_user.set()
            await asyncio.Event().wait()
        return answer

    house.backend.forward = hangs  # type: ignore[method-assign]
    under_way = asyncio.create_task(process.call("AddExtension", ADD))
    await added_user.wait()
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert orphans(house)
    assert [state for _, state in await process.recovery.sweep()] == ["undone"]
    assert not added(house)[0]


async def paused(house: House) -> str:
    house.trouble.actions = {("Extension.AddExtension", 0): "fault:520", ("User.DelUser", -1): "fault:520"}
    outcome = await house.process().call("AddExtension", ADD)
    [entry] = await house.process().journal.paused()
    assert outcome.fault is not None
    assert outcome.fault.reason == "half-done"
    assert entry.id in outcome.fault.text
    return entry.id


async def test_what_cannot_be_undone_is_paused_with_the_calls_that_repair_it(house: House) -> None:
    entry = await paused(house)
    [user] = orphans(house)
    journal = house.process().journal
    [shown] = await journal.paused()
    assert shown.repairs() == [("User.DelUser", {"ID": str(user)})]
    again = await house.process().call("AddExtension", ADD)
    assert again.fault is not None
    assert again.fault.reason == "still-running"  # for it has the other tried again
    assert await house.recover() == ["paused"]
    house.trouble.actions = {}
    assert await journal.redrive(entry)
    assert await house.recover() == ["undone"]
    assert added(house) == ([], [])
    assert not await journal.redrive(entry)


async def test_an_equal_call_drives_a_paused_one_again(house: House) -> None:
    await paused(house)
    house.trouble.actions = {}
    process = house.process()
    house.settings = house.settings.model_copy(update={"wait": 5.0})
    calling = asyncio.create_task(house.process().call("AddExtension", ADD))
    while (await process.journal.paused()) or not calling.done():
        await process.recovery.sweep()
        await asyncio.sleep(0.01)
    assert (await calling).fault is None
    assert numbers(house) == 1


async def test_a_dismissed_entry_keeps_its_reason_and_nothing_else(house: House) -> None:
    entry = await paused(house)
    journal = house.process().journal
    assert await journal.dismiss(entry, "deleted by hand")
    assert not await journal.paused()
    [shown] = await journal.entries()
    assert (shown.state, shown.why) == ("undone", "dismissed: deleted by hand")
    assert not await journal.dismiss(entry, "again")


async def test_what_is_paused_in_an_edit_is_settled_by_a_later_one(house: House) -> None:
    house.trouble.actions = {("Extension.EditExtension", 0): "fault:520"}
    await house.process().call("EditExtension", EDIT)
    [entry] = await house.process().journal.paused()
    assert entry.repairs() == [
        (
            "Extension.EditExtension",
            {"label": "Nils Anew", "password": "(secret)", "extendedNumber": "0020*002"},
        )
    ]
    assert SECRET in await house.text()
    better = [("name", "Nils Better"), ("password", SECRET + "x"), ("ID", "31")]
    assert (await house.process().call("EditExtension", better)).fault is None
    assert not await house.process().journal.paused()
    assert SECRET not in await house.text()


async def test_what_is_paused_in_an_edit_is_settled_by_deleting_the_extension(house: House) -> None:
    house.trouble.actions = {("Extension.EditExtension", 0): "fault:520"}
    await house.process().call("EditExtension", EDIT)
    assert await house.process().journal.paused()
    assert (await house.process().call("DelExtension", [("ID", "31")])).fault is None
    assert not await house.process().journal.paused()
    assert SECRET not in await house.text()


async def test_without_its_integration_an_entry_is_paused(house: House) -> None:
    house.trouble.actions = {("User.AddUser", 0): "drop"}
    await house.process().call("AddExtension", ADD)
    house.ahead += 100
    process = house.process()
    process.recovery._integration = lambda name: None
    assert [state for _, state in await process.recovery.sweep()] == ["paused"]


async def test_a_backend_that_stays_away_ends_in_a_pause(house: House) -> None:
    house.trouble.actions = {("Extension.AddExtension", 0): "fault:520", ("User.DelUser", -1): "away"}
    await house.process().call("AddExtension", ADD)
    await house.recover()
    [entry] = await house.process().journal.paused()
    assert entry.why == "backend-unreachable"


async def test_somebody_elses_user_is_never_deleted(house: House) -> None:
    """Made natively, with a phone, while nobody knew how AddUser ended."""
    house.trouble.actions = {("User.AddUser", 0): "drop", ("User.GetUsers", 1): "away"}
    await house.process().call("AddExtension", ADD)
    theirs = deepcopy(house.world.accounts[30])
    theirs.id, theirs.identifier, theirs.profile = 500, "theirs", {**theirs.profile, "login": "desk1"}
    house.world.enter(theirs)
    house.world.enter_extension(EmulatedExtension("0020*500", 500, "term", "Theirs", house.now()))
    await house.recover()
    assert 500 in house.world.accounts
    [entry] = await house.process().journal.paused()
    assert entry.why == "unclear"


@pytest.mark.parametrize("force", [(), (("forceUpdate", "1"),)])
async def test_a_user_that_was_there_before_is_never_deleted(
    house: House, force: tuple[tuple[str, str], ...]
) -> None:
    """It has the login that is asked for, and no extension."""
    theirs = deepcopy(house.world.accounts[30])
    theirs.id, theirs.identifier, theirs.profile = 500, "theirs", {**theirs.profile, "login": "desk1"}
    house.world.enter(theirs)
    house.trouble.actions = {("User.AddUser", 0): "drop"}
    outcome = await house.process().call("AddExtension", [*ADD, *force])
    assert outcome.fault is not None
    await house.recover()
    assert 500 in house.world.accounts
    assert not await house.process().journal.paused()


def test_equal_requests_have_one_digest_whatever_their_order() -> None:
    one = Element("A", children=[Element("x", "1"), Element("y", " 2 ")])
    other = Element("A", children=[Element("y", "2"), Element("x", "1")])
    assert digest(one) == digest(other) != digest(Element("A", children=[Element("x", "1")]))
    assert digest(Element("A", children=[Element("x", "1"), Element("x", "2")])) != digest(
        Element("A", children=[Element("x", "2"), Element("x", "1")])
    )


async def test_recovery_leaves_calls_under_way_alone(house: House) -> None:
    process = house.process()
    logins = [f"busy{number}" for number in range(6)]

    async def add(login: str) -> bool:
        fields = [("name", login), ("login", login), ("password", SECRET), ("parentID", "20")]
        return (await process.call("AddExtension", fields)).fault is None

    calls = asyncio.gather(*map(add, logins))
    while not calls.done():
        assert await process.recovery.sweep() == []
        await asyncio.sleep(0)
    assert all(await calls)
    assert numbers(house) == 6
