"""A process that is killed before or after anything that it does: another one finishes or undoes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shim.core.pipeline import Outcome
from shim.edge.store.database import Store
from tests.journal.fixture import JournalFixture, Killed, added
from tests.journal.test_calls import (
    ACCOUNT_BARE,
    ACCOUNT_ONE,
    ADDING,
    ADDING_CLIENT,
    ADDING_RESELLER,
    DELETING,
    DELETING_ONE,
    EDITING,
    PROVISIONING,
    Plan,
    ending,
    seeded,
)

MOST = 200
ACCOUNTS = replace(
    ACCOUNT_BARE,
    fields=[*ACCOUNT_BARE.fields, *ACCOUNT_ONE.fields],
    done=lambda fixture: ACCOUNT_BARE.done(fixture) and ACCOUNT_ONE.done(fixture),
)
CASES = {
    "add": (ADDING, {}),
    "add-undone": (ADDING, {("Extension.AddExtension", 0): "fault:520"}),
    "add-unknown-user": (ADDING, {("User.AddUser", 0): "drop-after", ("Extension.AddExtension", 0): "drop"}),
    "add-cut-undoing": (
        ADDING,
        {("Extension.AddExtension", 0): "fault:520", ("User.DelUser", 0): "drop-after"},
    ),
    "edit": (EDITING, {}),
    "edit-cut": (EDITING, {("Extension.EditExtension", 0): "drop"}),
    "delete": (DELETING, {}),
    "delete-one": (DELETING_ONE, {}),
    "provision": (PROVISIONING, {}),
    "provision-cut": (PROVISIONING, {("Extension.EditExtension", 0): "drop"}),
    "accounts": (ACCOUNTS, {}),
    "add-client": (ADDING_CLIENT, {}),
    "add-client-unknown": (ADDING_CLIENT, {("Organization.AddOrganization", 0): "drop-after"}),
    "add-reseller": (ADDING_RESELLER, {}),
}


async def fresh(store: Store) -> JournalFixture:
    fixture = JournalFixture(store)
    await fixture.clear()
    return seeded(fixture)


async def killed(fixture: JournalFixture, plan: Plan) -> tuple[bool, Outcome | None]:
    """Whether the call's process was killed, and how the call ended otherwise."""
    try:
        return False, await fixture.process().call(plan.operation, plan.fields)
    except Killed:
        return True, None


async def endings(store: Store, name: str, *kills: int) -> tuple[bool, str]:
    fixture = await fresh(store)
    plan, actions = CASES[name]
    fixture.trouble.actions = dict(actions)
    fixture.trouble.kill_at = list(kills)
    was, outcome = await killed(fixture, plan)
    results = await fixture.recover()
    end = await ending(fixture, plan, outcome)
    return was or "killed" in results, end


@pytest.mark.parametrize("name", CASES)
async def test_killed_at_every_boundary(store: Store, name: str) -> None:
    ends = set()
    for number in range(MOST):
        was, end = await endings(store, name, number)
        if not was:
            break
        ends.add(end)
    assert 10 < number < MOST - 1
    assert ends <= {"all done", "nothing done"}, ends


@pytest.mark.slow
@pytest.mark.parametrize("name", ["add", "add-undone", "edit", "delete", "provision", "accounts"])
async def test_killed_again_while_recovering(store: Store, name: str) -> None:
    for first in range(0, MOST, 3):
        for second in range(first + 1, first + 30, 4):
            was, end = await endings(store, name, first, second)
            assert end in ("all done", "nothing done")
        if not was:
            break


async def test_an_equal_call_after_a_crash_does_not_double(store: Store) -> None:
    for number in range(MOST):
        fixture = await fresh(store)
        fixture.trouble.kill_at = [number]
        was, _ = await killed(fixture, ADDING)
        await fixture.recover()
        if not was:
            break
        fixture.trouble.kill_at = []
        outcome = await fixture.process().call(ADDING.operation, ADDING.fields)
        assert outcome.fault is None, outcome.fault.text
        assert len(added(fixture)[0]) == len(added(fixture)[1]) == 1
        assert await fixture.process().journal.entries("running", "undoing", "paused", "done-unclean") == []
