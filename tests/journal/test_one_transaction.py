"""The answer, the end of the entry and what the identity map learns or forgets: all committed, or nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from shim.core.commands.extensions import ForgetIdentities, LearnIdentities
from shim.edge.identities.map import IdentityMap
from shim.edge.identities.tables import IDENTITIES
from shim.edge.journal import journal
from shim.edge.settings.model import Identities
from tests.journal.house import House, Mortal, added, check_identities
from tests.journal.test_calls import ADD, ADDING, DELETING, Plan


async def numbers(house: House) -> set[str]:
    """The extensions that the map says are there."""
    return {each.identity.number for each in await IdentityMap(house.store, Identities()).all()}


async def rows(house: House) -> int:
    async with house.store.reading() as connection:
        return len((await connection.execute(sa.select(IDENTITIES))).all())


async def test_an_end_that_fails_learns_nothing_and_is_undone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry's own rows fail after the identity was written in the same transaction."""
    seen: list[int] = []

    def fails(connection: object, entries: object) -> None:
        monkeypatch.undo()
        seen.append(len(seen))
        raise OSError("disk full")

    monkeypatch.setattr(journal, "drop_payloads", fails)
    outcome = await house.process().call("AddExtension", ADD)
    assert seen
    assert outcome.fault is not None
    assert "undone" in outcome.fault.text
    assert await rows(house) == 0
    assert added(house) == ([], [])
    assert [each.state for each in await house.process().journal.entries()] == ["undone"]


async def test_an_identity_that_cannot_be_learned_ends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: object, latest: object) -> None:
        monkeypatch.undo()
        raise OSError("disk full")

    monkeypatch.setattr("shim.edge.identities.change.MapChange.learn", fails)
    outcome = await house.process().call("AddExtension", ADD)
    assert outcome.fault is not None
    assert added(house) == ([], [])
    assert [each.state for each in await house.process().journal.entries()] == ["undone"]


@pytest.mark.parametrize("plan", [ADDING, DELETING], ids=["add", "delete"])
async def test_no_plan_learns_or_forgets_what_it_wrote_by_itself(
    house: House, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.process().call("GetExtensions", [("parentID", "20")])
    before = await numbers(house)
    apart: list[object] = []
    perform = Mortal.perform

    async def watched(self: Mortal, command: object) -> object:
        if isinstance(command, LearnIdentities | ForgetIdentities):
            apart.append(command)
        return await perform(self, command)

    monkeypatch.setattr(Mortal, "perform", watched)
    assert (await house.process().call(plan.operation, plan.fields)).fault is None
    assert not apart
    after = await numbers(house)
    assert len(after ^ before) == 1
    assert (after > before) == (plan is ADDING)
    await check_identities(house)
