"""A shim without sockets: its processes come and go, the store and the emulated backend stay.

`Trouble` decides what goes wrong with which call; a process that is killed leaves by `Killed` and is never
heard of again. Time is the test's.
"""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import Catalogue, Declared, DeclaredService
from shim.core.commands.backend import Answer, Call
from shim.core.commands.extensions import ForgetIdentities, LearnIdentities
from shim.core.commands.journal import Begin, Close, MarkSteps, Opened
from shim.core.errors import BackendError
from shim.core.message import Element
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.rules.declare import service
from shim.core.schema.interface import Operation
from shim.core.serialise import MessageWriter
from shim.edge.exchange.performer import Performer, Performers, run
from shim.edge.exchange.recovery import Recovery
from shim.edge.identities.map import IdentityMap
from shim.edge.identities.tables import COUNTERS, EVENTS, IDENTITIES
from shim.edge.journal.journal import JournalStore
from shim.edge.journal.tables import ENTRIES, STEPS
from shim.edge.settings.model import Identities, Integration
from shim.edge.settings.model import JournalSettings as Settings
from shim.edge.store.database import Store
from shim.edge.store.kept import KEPT
from shim.emulator.app import Options, _Server
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import World
from shim.interfaces.load import new, old
from translations import billing, channel
from translations.account import DELETE as DELETE_ACCOUNT
from translations.client import ADD as ADD_CLIENT
from translations.extension import service as extension
from translations.extension.account import PLANS
from translations.extension.service import SET_PROVISION
from translations.globalop import service as globalop
from translations.pbx import service as pbx
from translations.reseller import ADD as ADD_RESELLER

INTEGRATION = Integration.model_validate(
    {
        "name": "billing",
        "old": {"username": "northwind", "password": "x"},
        "new": {"app_key": "northwind-key", "app_secret": "s"},
    }
)
SECRET = "Tr0ub4dor-and-3"


def _traced(service: DeclaredService) -> tuple[Declared, ...]:
    return tuple(each for each in service.operations if each.journal and each.name in TRACED)


TRACED = (
    "AddChannel", "AddChannelGroup", "AddPublicNo", "AddCallRulesOutGroup", "AddChargingPlan",
    "AddChargingPackage", "AddDestinationException", "AddCardCode", "AddAuthCallerID", "AddTimeIntervalBlock",
    "AddCustomButton", "AddCustomAlert", "AddDevice",
)  # fmt: skip
"""Single Adds of things that are no accounts."""
DECLARED: dict[str, tuple[Declared, ...]] = {
    "Extension": (*PLANS, SET_PROVISION, *_traced(extension.SERVICE)),
    "Channel": _traced(channel.SERVICE),
    "Billing": _traced(billing.SERVICE),
    "PBX": _traced(pbx.SERVICE),
    "Account": (DELETE_ACCOUNT,),
    "Client": (ADD_CLIENT,),
    "Reseller": (ADD_RESELLER,),
}
"""What is journalled, by old service."""
SETTINGS = Settings(wait=0.05, attempts=4)


class Killed(BaseException):
    """The process is gone."""


@cache
def catalogue() -> Catalogue:
    """The plans alone, and what calls them, whatever else is declared."""
    services = dict(old().services)
    for name, plans in DECLARED.items():
        names = {each.name for each in plans}
        operations = {k: v for k, v in services[name].operations.items() if k in names}
        services[name] = replace(services[name], operations=operations)
    successors = {"Client": "Organization", "Reseller": "ServiceProvider"}
    declared = [service(name, successors.get(name, name), *plans) for name, plans in DECLARED.items()]
    return compile_catalogue(replace(old(), services=services), new(), [*declared, globalop.SERVICE])


@cache
def _seed() -> bytes:
    """The demo world; unpickling it takes a tenth of the time of copying it."""
    world = load_seed()
    world.clock = _today
    return pickle.dumps(world)


def _today() -> datetime:
    return datetime.now(UTC)


def declared(operation: str) -> Operation:
    return next(each for each in old().operations.values() if each.name == operation)


def _put(root: Element, path: str, text: str) -> None:
    """Put a text at a path; elements on the way are made once."""
    name, _, rest = path.partition("/")
    if not rest:
        root.children.append(Element(name, text))
        return
    below = root.child(name)
    if below is None:
        below = Element(name)
        root.children.append(below)
    _put(below, rest, text)


def message(operation: str, fields: list[tuple[str, str]]) -> bytes:
    spoken = declared(operation)
    writer = MessageWriter(old(), spoken.input)
    root = Element(operation)
    for path, text in fields:
        _put(root, path, text)
    body, lost = writer.write(root)
    assert not lost, lost
    login = [Element("username", "northwind"), Element("password", "x")]
    return writer.envelope(body, Element("userCredentials", children=login))


@dataclass
class Trouble:
    """What goes wrong, once each: by operation and how often it was called before, or by event.

    Actions are those of the emulator, `away` (never sent), and `later` (takes effect when `land` is called,
    and nobody hears of it). `kill_at` counts events: before and after everything that a process does
    to the backend or writes to the store; an operation with the count -1 has the trouble each time.
    """

    actions: dict[tuple[str, int], str] = field(default_factory=dict)
    kill_at: list[int] = field(default_factory=list)
    events: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    def of(self, operation: str) -> str | None:
        count = self.seen.get(operation, 0)
        self.seen[operation] = count + 1
        return self.actions.pop((operation, count), None) or self.actions.get((operation, -1))

    def pass_on(self) -> None:
        self.events += 1
        if self.events - 1 in self.kill_at:
            raise Killed


class Direct:
    """The backend, called without a network."""

    def __init__(self, world: World, trouble: Trouble) -> None:
        self.trouble = trouble
        self.world = world
        self.waiting: list[tuple[str, bytes]] = []
        self._server = _Server(world, Options(), new())
        self._token = world.issue_token("admin-key", 10**9)

    async def forward(self, call: Call, integration: Integration, heard: object = None) -> Answer:
        self.trouble.pass_on()
        data = call.envelope(self._token)
        action = self.trouble.of(call.full_name)
        if action == "away":
            raise BackendError("backend-unreachable", "The v3 backend cannot be reached: nothing was changed.")
        if action == "later":
            self.waiting.append((call.endpoint, data))
            raise BackendError("backend-late", "It did not answer in time.", unknown=call.writes)
        if action is not None:
            self.world.interfere(call.full_name, action)
        body, status, done = self._server._serve(call.endpoint, data, "text/xml")
        self.trouble.pass_on()
        if done in ("drop", "drop-after", "half"):
            raise BackendError("backend-cut", "It broke the connection.", unknown=call.writes)
        if (done or "").startswith("late"):
            raise BackendError("backend-late", "It did not answer in time.", unknown=call.writes)
        if done == "garbage":
            body = b"<page>An error occurred</page>"
        return Answer(status, "text/xml", body)

    def land(self) -> None:
        """What was late takes effect."""
        for endpoint, data in self.waiting:
            self._server._serve(endpoint, data, "text/xml")
        self.waiting.clear()


class AnyCaller:
    """Whoever calls is the one integration."""

    def current(self, integration: Integration) -> Integration:
        return integration

    async def authenticate(self, credentials: object, address: str) -> Integration:
        return INTEGRATION

    def wait(self, integration: Integration) -> None:
        """Nobody has to wait."""


class KillablePerformer(Performer):
    """A performer whose process can be killed around everything that it writes to the store."""

    trouble: Trouble

    async def perform(self, command: Any) -> Any:
        stored = isinstance(command, Begin | MarkSteps | Close | LearnIdentities | ForgetIdentities)
        if stored:
            self.trouble.pass_on()
        reply = await super().perform(command)
        if stored:
            self.trouble.pass_on()
        return reply


class Process:
    """One running shim."""

    def __init__(self, fixture: JournalFixture) -> None:
        self.fixture = fixture
        self.journal = JournalStore(fixture.store, fixture.settings, monotonic=fixture.monotonic)
        identities = IdentityMap(fixture.store, Identities())
        parts: Any = (AnyCaller(), fixture.backend, fixture.store, identities, self.journal)
        self.performers = Performers(*parts)
        self.recovery = Recovery(catalogue(), self.performers, self.journal, lambda name: INTEGRATION)
        self.recovery._drive = self._recover  # type: ignore[method-assign]  # so that recovery can be killed

    async def _recover(self, entry: Any, opened: Opened, integration: Integration) -> str:
        from shim.core.commands.caller import Caller
        from shim.core.context import CallContext
        from shim.core.journal.recovery import recover
        from shim.core.journal.writes import JournalRun as Journalled

        context = CallContext(catalogue(), Element("recovery"), Caller("billing"))
        journalled = Journalled(context, entry.policy, opened, list(entry.steps))
        performer = KillablePerformer(self.performers, "", integration, opened)
        performer.trouble = self.fixture.trouble
        return (await run(recover(journalled, entry.left), performer)).state

    async def call(self, operation: str, fields: list[tuple[str, str]], *, received: bool = True) -> Outcome:
        """One old call; raises Killed when the process is. `received`: whether the client gets the answer."""
        path = old().services[declared(operation).service].endpoint
        return await self.post(path, message(operation, fields), received=received)

    async def post(self, path: str, data: bytes, *, received: bool = True) -> Outcome:
        """The same for a message as it stands."""
        deliveries: list[str] = []
        performer = KillablePerformer(self.performers, "127.0.0.1", deliveries=deliveries)
        performer.trouble = self.fixture.trouble
        request = Request(path, "text/xml; charset=utf-8", data)
        outcome = await run(exchange(Shim(catalogue()), request), performer)
        for entry in deliveries:
            await self.journal.delivered(entry, received and outcome.fault is None)
        return outcome


@dataclass
class JournalFixture:
    store: Store
    trouble: Trouble = field(default_factory=Trouble)
    settings: Settings = SETTINGS
    ahead: float = 0.0
    kept: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.began = datetime(2026, 1, 1, tzinfo=UTC)
        self.store._clock = self.now
        self.world = pickle.loads(_seed())
        self.backend = Direct(self.world, self.trouble)
        self.first = snapshot(self.world)

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def process(self) -> Process:
        return Process(self)

    async def recover(self) -> list[str]:
        """New processes look after what was left, until nothing is under way; a killed one is replaced."""
        results: list[str] = []
        for _ in range(40):
            process = self.process()
            try:
                await process.journal.release()
                results += [state for _, state in await process.recovery.sweep()]
            except Killed:
                results.append("killed")
            if not await process.journal.entries("running", "undoing"):
                return results
            self.ahead += 31
            self.backend.land()
        raise AssertionError(f"it never ends: {results}")

    async def clear(self) -> None:
        async with self.store.writing() as connection:
            for table in (STEPS, ENTRIES, IDENTITIES, EVENTS, KEPT):
                await connection.execute(sa.delete(table))
            await connection.execute(sa.update(COUNTERS).values(next=None))

    async def look(self) -> None:
        """Learn for which accounts the shim keeps something."""
        async with self.store.reading() as connection:
            self.kept = set((await connection.execute(sa.select(KEPT.c.account))).scalars())

    async def text(self) -> str:
        """Everything that the journal's tables hold."""
        async with self.store.reading() as connection:
            rows = [
                row for table in (ENTRIES, STEPS) for row in (await connection.execute(sa.select(table))).all()
            ]
        return "\n".join(map(str, rows))


def snapshot(world: World) -> dict[str, Any]:
    """What accounts and extensions there are, apart from when they were made."""
    return {
        "accounts": {
            each.id: (each.login, each.parent, tuple(sorted(each.profile.items())))
            for each in world.accounts.values()
        },
        "extensions": {
            each.number: (each.user, each.label, each.password) for each in world.extensions.values()
        },
        "settings": sorted(map(str, world.settings)),
    }


def added(fixture: JournalFixture) -> tuple[list[int], list[str]]:
    """The accounts and the extensions that there were not at first."""
    accounts = [each for each in fixture.world.accounts if each not in fixture.first["accounts"]]
    return accounts, [each for each in fixture.world.extensions if each not in fixture.first["extensions"]]


def orphans(fixture: JournalFixture) -> list[int]:
    """New users without an extension."""
    owners = {each.user for each in fixture.world.extensions.values()}
    users = [each for each in added(fixture)[0] if fixture.world.accounts[each].level == "user"]
    return [each for each in users if each not in owners]


async def check_identities(fixture: JournalFixture) -> None:
    """Every extension that the map has is one of v3."""
    live = {entry.identity.number for entry in await IdentityMap(fixture.store, Identities()).all()}
    assert live <= set(fixture.world.extensions), live - set(fixture.world.extensions)
