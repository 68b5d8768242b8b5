"""Every step of every plan with every trouble: afterwards all is done, nothing is, or it is paused.

What comes of it is the table of docs/journal.md: RECORD_DOCS=1 writes it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest

from shim.core.pipeline import Outcome
from shim.edge.store.database import Store
from shim.emulator.world.world import EmulatedExtension
from tests.journal.fixture import SECRET, JournalFixture, added, check_identities, orphans, snapshot

DOCS = Path(__file__).parent.parent.parent / "docs" / "journal.md"
ADD = [("name", "Desk One"), ("login", "desk1"), ("password", SECRET), ("parentID", "20"), ("country", "us")]
EDIT = [("name", "Nils Anew"), ("password", SECRET), ("ID", "31")]
DELETE = [("ID", "31")]
BARE = 90
DELETE_ONE = [("ID", "30")]
"""Of a user that has another extension."""

TROUBLES = {
    "fault:520": "refused with a fault",
    "away": "not reached",
    "drop": "connection cut before it ran",
    "drop-after": "connection cut after it ran",
    "late:0": "time-out after it ran",
    "later": "time-out, takes effect later",
    "half": "half an answer",
    "garbage": "an answer that is no SOAP",
}


@dataclass(frozen=True)
class Plan:
    """A call, its writes, and what the world is like when all of it is done."""

    operation: str
    fields: list[tuple[str, str]]
    title: str
    writes: tuple[str, ...]
    done: Callable[[JournalFixture], bool]


def add_done(fixture: JournalFixture) -> bool:
    users, numbers = added(fixture)
    return len(users) == len(numbers) == 1 and fixture.world.extensions[numbers[0]].user == users[0]


def edit_done(fixture: JournalFixture) -> bool:
    extension = fixture.world.extensions["0020*002"]
    return (fixture.world.accounts[31].profile["name"], extension.label, extension.password) == (
        "Nils Anew",
        "Nils Anew",
        SECRET,
    )


def delete_done(fixture: JournalFixture) -> bool:
    return 31 not in fixture.world.accounts and "0020*002" not in fixture.world.extensions


def delete_one_done(fixture: JournalFixture) -> bool:
    return "0020*001" not in fixture.world.extensions and "0020*100" in fixture.world.extensions


def provision_done(fixture: JournalFixture) -> bool:
    extension = fixture.world.extensions["0020*002"]
    return ("SetProvision", "0020*002") in fixture.world.settings and extension.password == SECRET


ADDING = Plan(
    "AddExtension", ADD, "AddExtension", ("User.AddUser", "User.SetUserPL", "Extension.AddExtension"), add_done
)
EDITING = Plan("EditExtension", EDIT, "EditExtension", ("User.EditUser", "Extension.EditExtension"), edit_done)
DELETING = Plan("DelExtension", DELETE, "DelExtension, the user's last", ("User.DelUser",), delete_done)
DELETING_ONE = Plan(
    "DelExtension", DELETE_ONE, "DelExtension, one of several", ("Extension.DelExtension",), delete_one_done
)
PROVISIONING = Plan(
    "SetProvision",
    [("ID", "31"), ("dtmf", "info"), ("password", SECRET)],
    "SetProvision",
    ("Extension.SetProvision", "Extension.EditExtension"),
    provision_done,
)
ACCOUNT = Plan(
    "DelAccount",
    DELETE,
    "DelAccount, the user's last",
    ("Account.DelAccount",),
    delete_done,
)
ACCOUNT_ONE = Plan(
    "DelAccount", DELETE_ONE, "DelAccount, one of several", ("Extension.DelExtension",), delete_one_done
)
ACCOUNT_BARE = Plan(
    "DelAccount",
    [("ID", str(BARE))],
    "DelAccount, an account that is no extension",
    ("Account.DelAccount",),
    lambda fixture: BARE not in fixture.world.accounts,
)
CLIENT = [
    ("name", "Cities Ltd"), ("login", "cities"), ("password", SECRET), ("country", "us"), ("parentID", "10"),
    ("advertisingTemplate", "7"),
]  # fmt: skip


def account_added(level: str, kept: bool) -> Callable[[JournalFixture], bool]:
    """Whether there is one new account of that level, and the shim keeps what v3 cannot hold of it."""

    def done(fixture: JournalFixture) -> bool:
        new = added(fixture)[0]
        return [fixture.world.accounts[each].level for each in new] == [level] and (
            not kept or str(new[0]) in fixture.kept
        )

    return done


ADDING_CLIENT = Plan(
    "AddClient", CLIENT, "AddClient", ("Organization.AddOrganization",), account_added("organization", True)
)
ADDING_RESELLER = Plan(
    "AddReseller",
    CLIENT[:-2],
    "AddReseller",
    ("ServiceProvider.AddServiceProvider",),
    account_added("serviceProvider", False),
)
PLANS = (
    ADDING,
    EDITING,
    DELETING,
    DELETING_ONE,
    PROVISIONING,
    ACCOUNT,
    ACCOUNT_ONE,
    ACCOUNT_BARE,
    ADDING_CLIENT,
    ADDING_RESELLER,
)
CASES = [(plan, write, trouble) for plan in PLANS for write in plan.writes for trouble in TROUBLES]


@pytest.fixture
def fixture(store: Store) -> JournalFixture:
    return seeded(JournalFixture(store))


def seeded(fixture: JournalFixture) -> JournalFixture:
    """A user with two extensions, and one without any."""
    fixture.world.enter_extension(EmulatedExtension("0020*100", 30, "term", "Second", fixture.now()))
    bare = deepcopy(fixture.world.accounts[31])
    bare.id, bare.identifier, bare.profile = BARE, "bare", {**bare.profile, "login": "bare"}
    fixture.world.enter(bare)
    fixture.first = snapshot(fixture.world)
    return fixture


async def ending(fixture: JournalFixture, plan: Plan, outcome: Outcome | None) -> str:
    """What is there in the end, in a word; fails when it is neither all, nothing, nor paused."""
    entries = await fixture.process().journal.entries()
    await check_identities(fixture)
    await fixture.look()
    if any(each.state == "paused" for each in entries):
        return "paused"
    assert SECRET not in await fixture.text()
    assert not orphans(fixture)
    if plan.done(fixture):
        return "all done"
    assert snapshot(fixture.world) == fixture.first
    assert outcome is None or outcome.fault is not None
    return "nothing done"


def told(outcome: Outcome) -> str:
    if outcome.fault is None:
        return "success"
    assert SECRET not in outcome.fault.text
    return {"half-done": "half done, paused", "unfinished": "not known yet"}.get(
        outcome.fault.reason, "undone" if "was undone" in outcome.fault.text else "nothing was changed"
    )


async def run(fixture: JournalFixture, plan: Plan, write: str, trouble: str) -> tuple[str, str]:
    fixture.trouble.actions[write, 0] = trouble
    outcome = await fixture.process().call(plan.operation, plan.fields)
    said = told(outcome)
    await fixture.recover()
    fixture.backend.land()
    end = await ending(fixture, plan, outcome)
    if said in ("nothing was changed", "undone"):
        assert end == "nothing done"
    if said == "success":
        assert end == "all done"
    return said, end


@pytest.mark.parametrize(("plan", "write", "trouble"), CASES, ids=lambda each: getattr(each, "title", each))
async def test_each_write_with_each_trouble(
    fixture: JournalFixture, plan: Plan, write: str, trouble: str
) -> None:
    said, end = await run(fixture, plan, write, trouble)
    assert f"| {plan.title} | `{write}` | {TROUBLES[trouble]} | {said} | {end} |" in rows(), (said, end)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_undoing_with_each_trouble(fixture: JournalFixture, trouble: str) -> None:
    fixture.trouble.actions["Extension.AddExtension", 0] = "fault:520"
    said, end = await run(fixture, ADDING, "User.DelUser", trouble)
    row = f"| AddExtension, undoing | `User.DelUser` | {TROUBLES[trouble]} | {said} | {end} |"
    assert row in rows(), (said, end)


# ---- the page ----


def rows() -> list[str]:
    if os.environ.get("RECORD_DOCS"):
        return _Anything()
    table = DOCS.read_text("utf-8").partition("<!-- table -->")[2].partition("<!-- end of table -->")[0]
    return re.findall(r"^\|.*\|$", table, re.MULTILINE)


class _Anything(list[str]):
    def __contains__(self, row: object) -> bool:
        _RECORDED.append(str(row))
        return True


_RECORDED: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def _record() -> object:
    yield
    if _RECORDED:
        page = DOCS.read_text("utf-8")
        head = "| call | v3 write | trouble | what the caller is told | in the end |\n|---|---|---|---|---|\n"
        table = f"<!-- table -->\n{head}" + "\n".join(_RECORDED) + "\n<!-- end of table -->"
        whole = re.sub(r"<!-- table -->.*<!-- end of table -->", lambda _: table, page, flags=re.DOTALL)
        DOCS.write_text(whole, "utf-8")


def test_the_page_has_a_row_for_each_case() -> None:
    if not os.environ.get("RECORD_DOCS"):
        assert len(rows()) == 2 + len(CASES) + len(TROUBLES)
