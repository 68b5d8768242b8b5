"""The answer, the end of the entry and what the identity map learns or forgets: all committed, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from shim.core.commands.backend import Answer, Call
from shim.core.commands.extensions import ForgetIdentities, LearnIdentities
from shim.core.commands.journal import Ask, Begin, Close, MarkSteps, Opened, Step, StepState
from shim.core.errors import StoreUnavailable
from shim.core.message import Element
from shim.edge.exchange.performer import Performer
from shim.edge.identities.map import IdentityMap
from shim.edge.identities.tables import IDENTITIES
from shim.edge.journal import journal
from shim.edge.journal.tables import STEPS
from shim.edge.settings.model import Identities
from tests.journal.fixture import INTEGRATION, JournalFixture, KillablePerformer, added, check_identities
from tests.journal.test_calls import ADD, ADDING, DELETING, Plan


async def numbers(fixture: JournalFixture) -> set[str]:
    """The extensions that the map says are there."""
    return {each.identity.number for each in await IdentityMap(fixture.store, Identities()).all()}


async def rows(fixture: JournalFixture) -> int:
    async with fixture.store.reading() as connection:
        return len((await connection.execute(sa.select(IDENTITIES))).all())


async def test_an_end_that_fails_learns_nothing_and_is_undone(
    fixture: JournalFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry's own rows fail after the identity was written in the same transaction."""
    seen: list[int] = []

    def fails(connection: object, entries: object) -> None:
        monkeypatch.undo()
        seen.append(len(seen))
        raise OSError("disk full")

    monkeypatch.setattr(journal, "drop_payloads", fails)
    outcome = await fixture.process().call("AddExtension", ADD)
    assert seen
    assert outcome.fault is not None
    assert "undone" in outcome.fault.text
    assert await rows(fixture) == 0
    assert added(fixture) == ([], [])
    assert [each.state for each in await fixture.process().journal.entries()] == ["undone"]


async def test_an_identity_that_cannot_be_learned_ends_nothing(
    fixture: JournalFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: object, latest: object) -> None:
        monkeypatch.undo()
        raise OSError("disk full")

    monkeypatch.setattr("shim.edge.identities.change.MapChange.learn", fails)
    outcome = await fixture.process().call("AddExtension", ADD)
    assert outcome.fault is not None
    assert added(fixture) == ([], [])
    assert [each.state for each in await fixture.process().journal.entries()] == ["undone"]


@pytest.mark.parametrize("plan", [ADDING, DELETING], ids=["add", "delete"])
async def test_no_plan_learns_or_forgets_what_it_wrote_by_itself(
    fixture: JournalFixture, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fixture.process().call("GetExtensions", [("parentID", "20")])
    before = await numbers(fixture)
    apart: list[object] = []
    perform = KillablePerformer.perform

    async def watched(self: KillablePerformer, command: object) -> object:
        if isinstance(command, LearnIdentities | ForgetIdentities):
            apart.append(command)
        return await perform(self, command)

    monkeypatch.setattr(KillablePerformer, "perform", watched)
    assert (await fixture.process().call(plan.operation, plan.fields)).fault is None
    assert not apart
    after = await numbers(fixture)
    assert len(after ^ before) == 1
    assert (after > before) == (plan is ADDING)
    await check_identities(fixture)


# ---- what came of a write ----


async def states(fixture: JournalFixture) -> list[str]:
    async with fixture.store.reading() as connection:
        query = sa.select(STEPS.c.state).order_by(STEPS.c.position)
        return list((await connection.execute(query)).scalars())


class Watched:
    """A backend that notes where the steps stand in the store when it is asked."""

    def __init__(self, fixture: JournalFixture) -> None:
        self.fixture = fixture
        self.seen: list[list[str]] = []

    async def forward(self, call: Call, integration: object, heard: object = None) -> Answer:
        self.seen.append(await states(self.fixture))
        return Answer(200, "text/xml", b"")


@pytest.fixture
async def begun(fixture: JournalFixture) -> tuple[Performer, Opened, Watched]:
    """An entry under way."""
    watched: Any = Watched(fixture)
    performer = Performer(replace(fixture.process().performers, backend=watched), "", INTEGRATION)
    opened = await performer.perform(Begin("Extension.AddExtension", "key", "undo"))
    return performer, opened, watched


LOOK = Call("User", "GetUsers", "/", "", lambda token: b"", writes=False)


def mark(opened: Opened, position: int, state: StepState, *, soon: bool = False) -> MarkSteps:
    step = Step(f"step-{position}", Ask("User.AddUser"), state=state)
    return MarkSteps(opened, "running", ((position, step),), soon)


@pytest.mark.parametrize("writes", [False, True])
async def test_a_result_is_committed_before_v3_is_asked_for_anything_else(
    fixture: JournalFixture, begun: tuple[Performer, Opened, Watched], writes: bool
) -> None:
    performer, opened, watched = begun
    await performer.perform(mark(opened, 0, "started"))
    await performer.perform(mark(opened, 0, "done", soon=True))
    assert await states(fixture) == ["started"]
    for _ in range(2):
        await performer.perform(replace(LOOK, writes=writes))
    assert watched.seen == [["done"], ["done"]]


async def test_a_result_is_committed_with_the_next_intent_and_with_the_end(
    fixture: JournalFixture, begun: tuple[Performer, Opened, Watched]
) -> None:
    performer, opened, _ = begun
    await performer.perform(mark(opened, 0, "started"))
    await performer.perform(mark(opened, 0, "done", soon=True))
    await performer.perform(mark(opened, 1, "started"))
    assert await states(fixture) == ["done", "started"]
    await performer.perform(mark(opened, 1, "done", soon=True))
    await performer.perform(Close(opened, "done", lambda _: Element("A")))
    assert await states(fixture) == ["done", "done"]


async def test_a_result_whose_commit_fails_leaves_the_write_unknown(
    fixture: JournalFixture, begun: tuple[Performer, Opened, Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    performer, opened, watched = begun
    await performer.perform(mark(opened, 0, "started"))
    await performer.perform(mark(opened, 0, "done", soon=True))
    with monkeypatch.context() as patch:
        patch.setattr("shim.edge.journal.journal.write_steps", _fails)
        with pytest.raises(StoreUnavailable):
            await performer.perform(LOOK)
    assert not watched.seen
    assert await states(fixture) == ["started"]


def _fails(*_: object) -> None:
    raise OSError("disk full")
