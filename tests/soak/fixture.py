"""The whole shim but for its listener, in front of an emulator on a real socket, for many messages in a row."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from shim.cli.common.listening import listening
from shim.cli.demo.world import LOGINS
from shim.core.catalogue.translation import Translation
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.schema.interface import Interface, Operation
from shim.core.serialise import MessageWriter
from shim.edge import app
from shim.edge.app import Application, open_application
from shim.edge.exchange.performer import Performer, run
from shim.edge.settings.load import Config
from shim.emulator.app import Options, application
from shim.emulator.judge import Demands, Surplus
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import EmulatedAccount, EmulatedExtension, Object, World
from tests.soak.seed_data import FURNITURE
from translations.pbx.industries import INDUSTRIES

_LIVING = ("tokens", "calls", "clock", "faults")
"""What of a world goes on when the rest is put back."""


EXTENSIONS = ("30", "31", "32", "33", "34")
"""Those of the demo world, by ID: two phones, a queue, a menu and a conference."""


@dataclass(slots=True)
class Sent:
    """One message and what became of it. `calls` are the v3 requests that arrived, with their operations.

    `known_as` has, for what a deletion says, what v3 called the extension of that name: number and user ID.
    """

    translation: Translation
    request: Element
    outcome: Outcome
    calls: list[tuple[str, Element]]
    known_as: dict[str, set[str]]
    new: Interface
    """The interface that v3 was spoken to in."""

    @property
    def answer(self) -> Element | None:
        return parse(self.outcome.answer).body if self.outcome.answer else None


class ShimFixture:
    """`things` are the IDs of what the fixture was seeded with, by name."""

    def __init__(self, running: Application, world: World) -> None:
        self.world = world
        self.application = running
        self.catalogue = running.catalogue
        self.things: dict[str, str] = {}
        self._shim = Shim(running.catalogue)
        self._writers: dict[str, MessageWriter] = {}
        self._seeded: dict[str, Any] = {}
        self._industries: dict[str, Element] = {}
        self.issued: tuple[str, ...] = ()
        """The numbers that 2.5 calls extensionID."""

    async def seed(self) -> None:
        """Add one thing of every kind, and remember that as what `restore` goes back to."""
        for name, operation, inner in FURNITURE:
            answer = (await self.call(operation, inner.format(**self.things))).answer
            assert answer is not None, f"{operation}: no answer"
            self.things[name] = answer.get("ID") or answer.get("code") or ""
            self.things[f"{name}Key"] = answer.get("identifier") or ""
        self.things["device"] = str(next(iter(self.world.kept("Device"))))  # no answer of 2.5 tells it
        self._industries = dict(await self.application.store.recall(INDUSTRIES))
        kept = {each.name: getattr(self.world, each.name) for each in fields(World) if each.name not in _LIVING}
        self._seeded = _copied(kept)

    async def learn(self) -> None:
        """Let the shim know the extensions, and know what it calls them: it forgets those that were deleted."""
        await self.restore()
        for each in EXTENSIONS:
            await self.call("Extension.GetExtensionDetails", f"<ID>{each}</ID>")
        found = await self.application.performers.identities.find("user_id", EXTENSIONS)
        self.issued = tuple(each.extension_id for known in found.values() for each in known)

    async def restore(self) -> None:
        """Everything that the fixture was seeded with is there again; IDs go on, as they do in v3."""
        await self.application.store.remember(INDUSTRIES, self._industries)
        last = self.world.next_id
        for name, value in _copied(self._seeded).items():
            setattr(self.world, name, value)
        self.world.next_id = max(last, self.world.next_id)

    async def call(self, operation: str, inner: str | list[Element]) -> Sent:
        """One call of the administrator, with this in its body element. Fails when it ends in a fault."""
        sent = await self.try_call(operation, inner)
        assert sent.outcome.fault is None, f"{operation}: {sent.outcome.fault.text}"
        return sent

    async def try_call(self, operation: str, inner: str | list[Element]) -> Sent:
        """The same, and a fault is an outcome like any other."""
        translation = self.catalogue.translations[operation]
        name = translation.old.input.name
        if isinstance(inner, str):
            inner = parse(f"<{name}>{inner}</{name}>".encode(), bare=True).body.children
        return await self.send(translation, Element(name, children=inner))

    async def send(self, translation: Translation, request: Element, login: str = "admin") -> Sent:
        """One call of the demo world's administrator, or of another login."""
        message = self._message(translation.old, request, login)
        endpoint = self.catalogue.old.services[translation.old.service].endpoint
        known = await self.identities(request) if translation.old.name in ("DelExtension", "DelAccount") else {}
        self.world.calls.clear()
        performer = Performer(self.application.performers, "127.0.0.1")
        outcome = await run(exchange(self._shim, Request(endpoint, "text/xml", message)), performer)
        calls = [(each.operation, each.request) for each in self.world.calls]
        return Sent(translation, request, outcome, calls, known, self.catalogue.new)

    async def identities(self, request: Element) -> dict[str, set[str]]:
        """What v3 calls the extensions that a request may name."""
        said = tuple({text.strip() for _, text in request.leaves() if text.strip()})
        known: dict[str, set[str]] = {text: set() for text in said}
        for by in ("old_id", "identifier", "extension_id"):
            found = await self.application.performers.identities.find(by, said)
            for text, identities in found.items():
                known[text] |= {name for each in identities for name in (each.number, each.user_id)}
        return known

    def _message(self, operation: Operation, request: Element, login: str) -> bytes:
        writer = self._writers.get(operation.full_name)
        if writer is None:
            writer = MessageWriter(self.catalogue.old, operation.input)
            self._writers[operation.full_name] = writer
        text, unwritten = writer.write(request)
        assert not unwritten, unwritten
        names = {"username": login, "password": f"{login}-secret"}
        return writer.envelope(
            text, Element("userCredentials", children=[Element(*each) for each in names.items()])
        )


@asynccontextmanager
async def fixture(
    folder: Path | None = None,
    version: str = "3.0.0",
    surplus: Surplus = "refuse",
    demands: Demands = "schema",
    **conduct: str,
) -> AsyncIterator[ShimFixture]:
    """The seeded demo world behind an emulator of a version, and a shim with a store of its own."""
    assert app.catalogue.__module__ == "shim.edge.catalogue", "a test left a shared catalogue behind"
    world = load_seed()
    options = Options(schema_version=version, surplus=surplus, demands=demands)
    with tempfile.TemporaryDirectory(prefix="soak-", dir=folder) as name:
        async with listening(application(world, options), "127.0.0.1", 0) as url:
            config = Config.model_validate(
                {
                    "backend": {"url": url, "call_timeout": 30, "schema_version": version},
                    "conduct": conduct,
                    "store": {"url": f"sqlite+aiosqlite:///{Path(name) / 'soak.db'}"},
                    "journal": {"settle": 0.01},
                    "integrations": [_integration(each.login, each.password) for each in LOGINS],
                }
            )
            async with open_application(config) as running:
                made = ShimFixture(running, world)
                await made.seed()
                await made.learn()
                yield made


def _copied(value: Any) -> Any:
    """A copy down to the elements, which the emulator never changes in place."""
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(value)
    if isinstance(value, EmulatedAccount | EmulatedExtension | Object):
        return replace(value, **{each.name: _copied(getattr(value, each.name)) for each in fields(value)})
    return value


def _integration(login: str, password: str) -> dict[str, object]:
    return {
        "name": login,
        "old": {"username": login, "password": password},
        "new": {"app_key": f"{login}-key", "app_secret": f"{login}-app-secret"},
    }
