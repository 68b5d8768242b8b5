"""v3 gives the number of a deleted extension to the next one: a deletion that is made again spares that one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from shim.core.commands.backend import Call
from shim.core.commands.extensions import Known
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Identities
from shim.emulator.world.world import EmulatedExtension
from tests.journal.fixture import JournalFixture
from tests.journal.test_calls import ACCOUNT, ACCOUNT_ONE, DELETING, DELETING_ONE, Plan, seeded
from tests.journal.test_crashes import killed

NEW = 95
PLANS = [DELETING, DELETING_ONE, ACCOUNT, ACCOUNT_ONE]
NUMBERS = {("ID", "31"): "0020*002", ("ID", "30"): "0020*001"}


class GivenOn:
    """Has a new user get the number as soon as v3 has deleted the extension, before anything else is asked."""

    def __init__(self, fixture: JournalFixture, plan: Plan) -> None:
        self.fixture, self.number = fixture, NUMBERS[plan.fields[0]]
        self._forward = fixture.backend.forward
        fixture.backend.forward = self.forward  # type: ignore[method-assign]
        self.id: str | None = None

    async def forward(self, call: Call, *more: Any) -> Any:
        try:
            return await self._forward(call, *more)
        finally:
            if self.number not in self.fixture.world.extensions and self.id is None:
                user = deepcopy(self.fixture.world.accounts[30])
                user.id, user.identifier, user.profile = NEW, "new", {**user.profile, "login": "new"}
                self.fixture.world.enter(user)
                phone = EmulatedExtension(self.number, NEW, "term", "Another's", self.fixture.now())
                self.fixture.world.enter_extension(phone)
                identities = IdentityMap(self.fixture.store, Identities())
                [new] = await identities.learn([Known(str(NEW), self.number, "new", "created")])
                self.id = new.old_id


async def spared(fixture: JournalFixture, given: GivenOn) -> None:
    assert fixture.world.extensions[given.number].user == NEW, "it was deleted for another's"
    assert given.id is not None
    found = await IdentityMap(fixture.store, Identities()).find("old_id", [given.id])
    assert [each.number for each in found.get(given.id, ())] == [given.number], "its ID was taken away"


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.title)
@pytest.mark.parametrize("trouble", ["drop-after", "late:0", "half", "garbage"])
async def test_an_answer_that_was_not_seen(fixture: JournalFixture, plan: Plan, trouble: str) -> None:
    seeded(fixture)
    given = GivenOn(fixture, plan)
    fixture.trouble.actions[plan.writes[0], 0] = trouble
    process = fixture.process()
    await process.call("GetExtensions", [("parentID", "20")])
    outcome = await process.call(plan.operation, plan.fields)
    assert outcome.fault is None
    await fixture.recover()
    await spared(fixture, given)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.title)
async def test_a_process_that_is_killed(fixture: JournalFixture, plan: Plan) -> None:
    """At every boundary of the call."""
    reached = 0
    for number in range(100):
        await fixture.clear()
        fresh = seeded(JournalFixture(fixture.store))
        given = GivenOn(fresh, plan)
        fresh.trouble.kill_at = [number]
        was, _ = await killed(fresh, plan)
        await fresh.recover()
        if given.id is not None:
            await spared(fresh, given)
            reached += was
        if not was:
            break
    assert reached > 1


async def test_what_v3_does_not_say_the_owner_of_is_left_to_the_operator(fixture: JournalFixture) -> None:
    seeded(fixture)
    given = GivenOn(fixture, DELETING)
    fixture.trouble.actions["User.DelUser", 0] = "drop-after"
    forward = fixture.backend.forward

    async def unnamed(call: Call, *more: Any) -> Any:
        answer = await forward(call, *more)
        if call.full_name == "Extension.GetExtensionDetails":
            head, _, rest = answer.body.partition(b"parentID>")
            body = head.rpartition(b"<")[0] + rest.partition(b"parentID>")[2]
            answer = type(answer)(answer.status, answer.content_type, body)
        return answer

    fixture.backend.forward = unnamed  # type: ignore[method-assign]
    process = fixture.process()
    await process.call("GetExtensions", [("parentID", "20")])
    outcome = await process.call(DELETING.operation, DELETING.fields)
    assert outcome.fault is not None
    [entry] = await process.journal.entries("paused")
    assert entry.why == "unclear"
    assert fixture.world.extensions[given.number].user == NEW
