"""A process that is killed before or after anything that it does: another one finishes or undoes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shim.core.pipeline import Outcome
from shim.edge.store.database import Store
from tests.journal.house import House, Killed, added
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
    furnished,
)

MOST = 200
ACCOUNTS = replace(
    ACCOUNT_BARE,
    fields=[*ACCOUNT_BARE.fields, *ACCOUNT_ONE.fields],
    done=lambda house: ACCOUNT_BARE.done(house) and ACCOUNT_ONE.done(house),
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


async def fresh(store: Store) -> House:
    house = House(store)
    await house.clear()
    return furnished(house)


async def killed(house: House, plan: Plan) -> tuple[bool, Outcome | None]:
    """Whether the call's process was killed, and how the call ended otherwise."""
    try:
        return False, await house.process().call(plan.operation, plan.fields)
    except Killed:
        return True, None


async def endings(store: Store, name: str, *kills: int) -> tuple[bool, str]:
    house = await fresh(store)
    plan, actions = CASES[name]
    house.trouble.actions = dict(actions)
    house.trouble.kill_at = list(kills)
    was, outcome = await killed(house, plan)
    results = await house.recover()
    end = await ending(house, plan, outcome)
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
        house = await fresh(store)
        house.trouble.kill_at = [number]
        was, _ = await killed(house, ADDING)
        await house.recover()
        if not was:
            break
        house.trouble.kill_at = []
        outcome = await house.process().call(ADDING.operation, ADDING.fields)
        assert outcome.fault is None, outcome.fault.text
        assert len(added(house)[0]) == len(added(house)[1]) == 1
        assert await house.process().journal.entries("running", "undoing", "paused", "done-unclean") == []
