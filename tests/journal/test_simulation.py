"""Random calls, troubles and crashes, by seed; SIMULATIONS=1000 runs more (CI does), SEED=7 runs one."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator

import pytest

from shim.core.pipeline import Outcome
from shim.edge.store.database import Store
from tests.journal.fixture import SECRET, SETTINGS, JournalFixture, Killed, added, check_identities, orphans
from tests.journal.inline import inline_store
from tests.journal.test_calls import TROUBLES

CHUNK = 50
SEEDS = int(os.environ.get("SIMULATIONS", "300"))
WRITES = (
    "User.AddUser",
    "User.SetUserPL",
    "Extension.AddExtension",
    "User.DelUser",
    "User.EditUser",
    "Extension.EditExtension",
    "Extension.DelExtension",
    "Extension.SetProvision",
    "Account.DelAccount",
)
READS = ("User.GetUsers", "Extension.GetExtensions")
Fields = list[tuple[str, str]]
AT_ONCE = SETTINGS.model_copy(update={"wait": 1e-6})
"""Nobody waits for an equal call: the client of the story comes again by itself."""


class Story:
    """A client that sends calls, repeats them when they fail, and remembers what it was told."""

    def __init__(self, fixture: JournalFixture, chance: random.Random) -> None:
        self.fixture = fixture
        self.chance = chance
        self.ids: dict[str, str] = {}
        """Login and ID of every extension that an answer named."""
        self.doubtful: set[str] = set()
        """Logins whose last call ended without an answer."""
        self.deleted: set[str] = set()
        self.provisioned: set[str] = set()

    async def run(self) -> None:
        for number in range(self.chance.randint(1, 4)):
            self.disturb()
            kind = self.chance.choice(("add", "add", "edit", "provision", "delete", "delete_account"))
            if kind == "add" or not self.ids:
                await self.add(f"sim{'abcd'[number]}")
            else:
                await getattr(self, kind)(self.chance.choice(sorted(self.ids)))
            if self.chance.random() < 0.3:
                await self.fixture.recover()

    def disturb(self) -> None:
        trouble, chance = self.fixture.trouble, self.chance
        trouble.seen, trouble.actions = {}, {}
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            reads = chance.random() < 0.2
            write = chance.choice(READS if reads else WRITES)
            kinds = [each for each in TROUBLES if not (reads and each == "fault:520")]
            trouble.actions[write, chance.randint(0, 1)] = chance.choice(kinds)
        kills = [trouble.events + chance.randint(0, 40) for _ in range(chance.choice((0, 0, 1, 2)))]
        trouble.kill_at = kills

    async def send(self, operation: str, fields: Fields) -> Outcome | None:
        """The outcome the client sees in the end; None when it never sees one."""
        for _ in range(3):
            try:
                received = self.chance.random() < 0.9
                outcome = await self.fixture.process().call(operation, fields, received=received)
            except Killed:
                outcome = None
            if outcome is not None and received and outcome.fault is None:
                return outcome
            if self.chance.random() < 0.5:
                await self.fixture.recover()
        return None

    async def add(self, login: str) -> None:
        fields = [("name", f"{login} first"), ("login", login), ("password", SECRET), ("parentID", "20")]
        if self.chance.random() < 0.5:
            fields.append(("forceUpdate", "1"))  # so that nothing but the journal keeps it from doubling
        outcome = await self.send("AddExtension", fields)
        if outcome is None or outcome.answer is None:
            self.doubtful.add(login)
        else:
            self.ids[login] = outcome.answer.partition(b":ID>")[2].partition(b"<")[0].decode()

    async def edit(self, login: str) -> None:
        fields = [("name", f"{login} then"), ("ID", self.ids[login])]
        if await self.send("EditExtension", fields) is None:
            self.doubtful.add(login)

    async def provision(self, login: str) -> None:
        fields = [("ID", self.ids[login]), ("dtmf", "info"), ("password", f"{SECRET} {login}")]
        if await self.send("SetProvision", fields) is None:
            self.doubtful.add(login)
        else:
            self.provisioned.add(login)

    async def delete(self, login: str, operation: str = "DelExtension") -> None:
        if await self.send(operation, [("ID", self.ids.pop(login))]) is None:
            self.doubtful.add(login)
        else:
            self.deleted.add(login)

    async def delete_account(self, login: str) -> None:
        await self.delete(login, "DelAccount")

    async def judge(self) -> None:
        """All or nothing of each call; what it was told is so; nobody else lost anything."""
        fixture, world = self.fixture, self.fixture.world
        fixture.trouble.kill_at, fixture.trouble.actions = [], {}
        await fixture.recover()
        journal = fixture.process().journal
        for entry in await journal.paused():
            assert entry.repairs()
            await journal.redrive(entry.id)
        await fixture.recover()
        paused = {each.operation for each in await journal.paused()}
        assert not paused, paused
        assert not orphans(fixture)
        await check_identities(fixture)
        assert SECRET not in await fixture.text()
        assert fixture.first["accounts"].keys() <= world.accounts.keys()
        users, numbers = added(fixture)
        assert len(users) == len(numbers)
        logins = [world.accounts[each].login for each in users]
        assert len({login[:4] for login in logins}) == len(logins)
        assert {login for login in self.ids if login not in self.doubtful} <= {login[:4] for login in logins}
        assert not (self.deleted - self.doubtful) & {login[:4] for login in logins}
        for number in numbers:
            extension = world.extensions[number]
            assert extension.label == world.accounts[extension.user].profile["name"]
            login = world.accounts[extension.user].login[:4]
            if login in self.provisioned - self.doubtful:
                assert extension.password == f"{SECRET} {login}"
                assert ("SetProvision", number) in world.settings


async def tell(store: Store, seed: int) -> None:
    fixture = JournalFixture(store, settings=AT_ONCE)
    await fixture.clear()
    story = Story(fixture, random.Random(seed))
    try:
        await story.run()
        await story.judge()
    except BaseException:
        print(f"SEED={seed}")
        raise


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with inline_store() as store:
        yield store


@pytest.mark.parametrize("chunk", range(0, SEEDS, CHUNK))
async def test_random_histories(store: Store, chunk: int) -> None:
    seeds = range(chunk, min(chunk + CHUNK, SEEDS))
    for seed in [int(os.environ["SEED"])] if "SEED" in os.environ else seeds:
        await tell(store, seed)
