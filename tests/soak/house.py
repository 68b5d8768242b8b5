"""The whole shim but for its listener, in front of an emulator on a real socket, for many messages in a row."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path

from lxml import etree

from shim.cli.demo_world import LOGINS
from shim.cli.listening import listening
from shim.core.compare import canonical
from shim.core.errors import Fault
from shim.core.interface import Attribute, ElementDecl, Operation, paths
from shim.core.model import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.serialise import MessageWriter, fault_message
from shim.edge.app import Application, open_application
from shim.edge.drive import Performer, drive
from shim.edge.settings import Config
from shim.emulator.app import application
from shim.emulator.seed import load_seed
from shim.emulator.world import World
from shim.interfaces.load import old
from tests.support.messages import Messages
from tests.support.schemas import assert_valid

RESELLERS, CLIENTS, EXTENSIONS = ("10", "11"), ("20", "21"), ("30", "31", "32", "33", "34")
SUBJECTS = {"Reseller": RESELLERS, "Client": CLIENTS, "Extension": EXTENSIONS}
"""Whom ID and identifier name in a service; in the others anybody."""
PARENTS = {"Client": RESELLERS, "Extension": CLIENTS}
POOLS = {
    "userID": (*CLIENTS, *EXTENSIONS),
    "resellerID": RESELLERS,
    "chargingPlanID": ("1", "2", "3", "4"),
    "templateID": ("1", "2", "3", "4"),
    "fromUser": RESELLERS,
    "queueID": ("32",),
    "didID": tuple(str(number) for number in range(3, 20)),
    "channelID": ("1",),
    "region": ("1", "2", "3"),
    "timezone": ("1", "2", "3"),
    "country": ("us",),
    "interfaceLang": ("en",),
    "phoneLang": ("en",),
}
"""What the demo world has, by the element that names it."""


class Likely(Messages):
    """Messages about things that are likely to exist: of most names the demo world has a bearer."""

    def __init__(self, source: random.Random, operation: Operation, world: World) -> None:
        super().__init__(source)
        self._world = world
        everybody = (*RESELLERS, *CLIENTS, *EXTENSIONS)
        self._subjects = SUBJECTS.get(operation.service, everybody)
        self._parents = PARENTS.get(operation.service, ("1",))

    def element(self, decl: ElementDecl, depth: int) -> Element:
        made = super().element(decl, depth)
        known = self._known(decl.name) if decl.simple is not None and self.chance(0.9) else None
        if known is not None:
            made.text = known
        return made

    def _known(self, name: str) -> str | None:
        if name in POOLS:
            return self.random.choice(POOLS[name])
        of = {"ID": self._subjects, "identifier": self._subjects, "parentID": self._parents,
              "parentIdentifier": self._parents, "parentLogin": self._parents,
              "userIdentifier": POOLS["userID"]}.get(name)  # fmt: skip
        if of is None:
            return None
        number = self.random.choice(of)
        account = self._world.accounts.get(int(number))
        if name.endswith("ID") or account is None:
            return number
        return account.login if name.endswith("Login") else account.identifier


@dataclass(slots=True)
class Sent:
    """One message and what became of it. `calls` are the v3 requests that arrived.

    `known_as` has, for IDs of extensions in the request, what v3 calls them: extended number and user ID.
    """

    operation: Operation
    request: Element
    outcome: Outcome
    calls: list[Element]
    known_as: dict[str, set[str]]


class House:
    def __init__(self, running: Application, world: World) -> None:
        self.world = world
        self._application = running
        self._shim = Shim(running.catalogue)
        self._writers: dict[str, MessageWriter] = {}

    def restore(self) -> None:
        """Everything of the demo world is there again; IDs go on, as they do in v3."""
        last = self.world.next_id
        fresh = deepcopy(_pristine())
        for each in fields(fresh):
            if each.name not in ("tokens", "calls", "clock", "faults"):
                setattr(self.world, each.name, getattr(fresh, each.name))
        self.world.next_id = max(last, fresh.next_id)

    @property
    def operations(self) -> dict[str, Operation]:
        """Those that are translated, by full name."""
        return {name: each.old for name, each in self._application.catalogue.translations.items()}

    async def send(self, operation: Operation, request: Element, login: str = "admin") -> Sent:
        """One call of the demo world's administrator, or of another login."""
        message = self._message(operation, request, login)
        endpoint = self._application.catalogue.old.services[operation.service].endpoint
        before = await self._identities(request)
        self.world.calls.clear()
        performer = Performer(self._application.performers, "127.0.0.1")
        outcome = await drive(exchange(self._shim, Request(endpoint, "text/xml", message)), performer)
        calls = [each.request for each in self.world.calls]
        known = await self._identities(request)
        for name, others in before.items():
            known[name] |= others
        return Sent(operation, request, outcome, calls, known)

    async def _identities(self, request: Element) -> dict[str, set[str]]:
        """What v3 calls the extensions that a request may name."""
        said = tuple({text.strip() for _, text in request.leaves() if text.strip()})
        known: dict[str, set[str]] = {text: set() for text in said}
        for by in ("old_id", "identifier"):
            found = await self._application.performers.identities.find(by, said)
            for text, identities in found.items():
                known[text] |= {name for each in identities for name in (each.number, each.user_id)}
        return known

    def _message(self, operation: Operation, request: Element, login: str) -> bytes:
        writer = self._writers.get(operation.full_name)
        if writer is None:
            writer = MessageWriter(self._application.catalogue.old, operation.input)
            self._writers[operation.full_name] = writer
        text, unwritten = writer.write(request)
        assert not unwritten, unwritten
        names = {"username": login, "password": f"{login}-secret"}
        header = [Element(name, value) for name, value in names.items()]
        return writer.envelope(text, Element("userCredentials", children=header))


@cache
def _pristine() -> World:
    return load_seed()


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """The demo world behind an emulator, and a shim with a store of its own."""
    world = deepcopy(_pristine())
    async with listening(application(world), "127.0.0.1", 0) as url:
        config = Config.model_validate(
            {
                "backend": {"url": url, "call_timeout": 30},
                "store": {"url": f"sqlite+aiosqlite:///{folder / 'soak.db'}"},
                "journal": {"settle": 0.01},
                "integrations": [
                    {
                        "name": each.login,
                        "old": {"username": each.login, "password": each.password},
                        "new": {"app_key": f"{each.login}-key", "app_secret": f"{each.login}-app-secret"},
                    }
                    for each in LOGINS
                ],
            }
        )
        async with open_application(config) as running:
            yield House(running, world)


# ---- what has to be true of every message ----


def wrong(sent: Sent) -> str | None:
    """What is wrong with what became of a message, in words; None: nothing."""
    outcome = sent.outcome
    if outcome.fault is not None:
        return _wrong_fault(outcome.fault)
    assert outcome.answer is not None
    try:
        assert_valid(outcome.answer, old(), outcome.schema_version)
    except AssertionError as problem:
        return f"the answer is not valid: {str(problem)[:300]}"
    lost = unaccounted(sent)
    return f"nothing tells of {', '.join(lost)}" if lost else None


def _wrong_fault(fault: Fault) -> str | None:
    if fault.reason == "internal-error" or type(fault) is Fault:
        return f"an internal error: {fault.text}"
    if fault.code is not None and fault.code not in CODES:
        return f"the code {fault.code} is not documented"
    message = etree.fromstring(fault_message(fault, "0" * 16))
    return None if message.findtext(".//faultstring") else "the fault says nothing"


CODES = frozenset(
    ("030", "051", "054", "100", "102", "103", "104", "106", "107", "108", "113", "115", "117", "151", "152",
     "200", "250", "251", "252", "258", "260", "520", "819", *(str(each) for each in range(300, 316)))
)  # fmt: skip
"""The codes that SystemAPI documents."""


def unaccounted(sent: Sent) -> list[str]:
    """Paths of leaves of the request of which no v3 call, no finding and not the answer itself tells."""
    told = {each.path for each in sent.outcome.findings}
    types = dict(paths(sent.operation.input))
    answer = [parse(sent.outcome.answer).body] if sent.outcome.answer else []
    said = {_plain(text) for message in (*sent.calls, *answer) for _, text in message.leaves()}
    return [
        path
        for path, text in sent.request.leaves()
        if not _said(text, types.get(path), sent, said) and not any(_is_below(path, each) for each in told)
    ]


def _said(text: str, decl: ElementDecl | Attribute | None, sent: Sent, said: set[str]) -> bool:
    simple = decl.simple if isinstance(decl, ElementDecl) else decl.type if decl is not None else None
    names = {canonical(text, simple), *sent.known_as.get(text.strip(), ())}
    return any(_plain(name) in said for name in names)


def _plain(text: str) -> str:
    """One form for what both sides may write differently: truths and numbers."""
    text = {"true": "1", "false": "0"}.get(text.strip(), text.strip())
    try:
        return str(Decimal(text).normalize())
    except InvalidOperation:
        return text


def _is_below(path: str, told: str) -> bool:
    return path == told or path.startswith((told + "/", told + "/@"))
