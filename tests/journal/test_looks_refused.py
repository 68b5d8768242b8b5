"""v3 refuses to show what is to be deleted: its fault is told, and not that there is no such thing."""

from __future__ import annotations

import pytest

from shim.core.pipeline import Outcome
from tests.journal.fixture import JournalFixture
from tests.journal.test_calls import ACCOUNT, ACCOUNT_ONE, DELETING, DELETING_ONE, Plan, seeded

LOOKS = ("Extension.GetExtensions", "Extension.GetExtensionDetails")


def refused(outcome: Outcome) -> bool:
    return outcome.fault is not None and (outcome.fault.reason, outcome.fault.code) == ("backend-fault", "520")


@pytest.mark.parametrize("plan", [DELETING, DELETING_ONE, ACCOUNT, ACCOUNT_ONE], ids=lambda plan: plan.title)
async def test_a_look_that_is_refused_is_told_as_it_is_and_the_call_may_be_repeated(
    fixture: JournalFixture, plan: Plan
) -> None:
    seeded(fixture)
    process = fixture.process()
    await process.call("GetExtensions", [("parentID", "20")])
    for look in LOOKS:
        fixture.trouble.actions[look, -1] = "fault:520"
    assert refused(await process.call(plan.operation, plan.fields))
    assert not await process.journal.entries("running", "undoing", "paused"), "nothing was changed"
    fixture.trouble.actions.clear()
    again = await process.call(plan.operation, plan.fields)
    assert again.fault is None, "it is not the answer to the first one that is given again"
    await fixture.look()
    assert plan.done(fixture)


async def test_of_two_one_is_gone_and_the_look_for_the_other_is_refused(fixture: JournalFixture) -> None:
    """Nothing is deleted, and v3 did not say that neither is there."""
    seeded(fixture)
    fixture.world.leave(fixture.world.accounts[31])
    fixture.trouble.actions["Extension.GetExtensions", 1] = "fault:520"
    process = fixture.process()
    outcome = await process.call("DelExtension", [("ID", "31"), ("ID", "30")])
    assert outcome.fault is not None
    assert outcome.fault.reason == "backend-fault"
    assert not await process.journal.entries("running", "undoing", "paused")
    assert 30 in fixture.world.accounts
