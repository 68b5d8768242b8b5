"""Driving an exchange without an edge: a scripted world answers the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, assert_never

from shim.core.answers.notices import DeprecationDates
from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.backend import Answer, Call
from shim.core.commands.caller import Caller, FaultForm, Identify, NoticeForms, Rung
from shim.core.commands.extensions import (
    DenyIdentities,
    DoubtIdentities,
    FindEnded,
    FindIdentities,
    ForgetIdentities,
    Identity,
    Known,
    LearnIdentities,
    RenumberIdentities,
)
from shim.core.commands.journal import Begin, Close, MarkSteps, Revoke
from shim.core.commands.kept import Forget, Issue, KeptBy, Recall, Remember
from shim.core.commands.steps import AnyCommand, Aside, Together
from shim.core.drive import run
from shim.core.errors import Fault
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.policies import NO_POLICIES, Policies
from shim.core.schema.interface import Interface, Operation
from shim.core.serialise import MessageWriter
from shim.interfaces.load import STANDARD, Dialect, new, old
from translations.services import SERVICES


@cache
def catalogue(dialect: Dialect = STANDARD) -> Catalogue:
    """All services, for a backend that speaks so."""
    return compile_catalogue(old(), new(dialect), SERVICES)


def whole_catalogue() -> Catalogue:
    """All services."""
    return catalogue()


@cache
def _writer(interface: Interface, operation: Operation, side: str) -> MessageWriter:
    return MessageWriter(interface, operation.input if side == "input" else operation.output)


def old_request(operation: Operation, body: Element) -> bytes:
    """A 2.5 call with a login, as a strict client writes it."""
    writer = _writer(old(), operation, "input")
    text, unwritten = writer.write(body)
    assert not unwritten, unwritten
    login = Element("userCredentials", children=[Element("username", "who"), Element("password", "secret")])
    return writer.envelope(text, login)


def new_answer(operation: Operation, body: Element, dialect: Dialect = STANDARD) -> bytes:
    writer = _writer(new(dialect), operation, "output")
    text, unwritten = writer.write(body)
    assert not unwritten, unwritten
    info = [Element("edition", "E"), Element("version", "3.0.0"), Element("infrastructureID", "I-1")]
    return writer.envelope(text, Element("serverInfo", children=info))


Backend = Callable[[Call, Element], bytes | Fault]
ISSUED = 900000


@dataclass
class World:
    """What answers. `backend` gives the bytes of an answer, or a fault to raise."""

    backend: Backend
    settings: Mapping[str, str] = field(default_factory=dict)
    kept: dict[KeptBy, dict[str, Element]] = field(default_factory=dict)
    calls: list[tuple[Call, Element]] = field(default_factory=list)
    envelopes: list[bytes] = field(default_factory=list)
    issued: dict[str, int] = field(default_factory=dict)
    store_down: bool = False
    dialect: Dialect = STANDARD
    identities: list[Identity] = field(default_factory=list)
    """The identity map; what is learned is added, with issued IDs from `ISSUED` on."""
    policies: Policies = NO_POLICIES
    rungs: Mapping[str, Rung] = field(default_factory=dict)
    tell: NoticeForms = field(default_factory=NoticeForms)
    deprecation: DeprecationDates = field(default_factory=DeprecationDates)
    faults: FaultForm = field(default_factory=FaultForm)

    def run(self, operation: Operation, body: bytes, path: str | None = None) -> Outcome:
        endpoint = path or old().services[operation.service].endpoint
        shim = Shim(catalogue(self.dialect), deprecation=self.deprecation)
        under_way = exchange(shim, Request(endpoint, "text/xml; charset=utf-8", body))
        return run(under_way, self._perform)

    def _perform(self, command: AnyCommand) -> object:  # noqa: PLR0912 - one arm for each command
        match command:
            case Aside():
                return command.work()
            case Identify():
                return Caller("tester", self.settings, self.policies, self.tell, self.rungs, faults=self.faults)
            case Call():
                return self._call(command)
            case Recall(owner):
                self._store()
                return dict(self.kept.get(owner, {}))
            case Remember(owner, fields):
                self._store()
                self.kept.setdefault(owner, {}).update(fields)
            case Forget(accounts):
                self._store()
                for account in accounts:
                    self.kept.pop(account, None)
            case Issue(counter):
                self._store()
                self.issued[counter] = self.issued.get(counter, 0) + 1
                return self.issued[counter]
            case FindIdentities(by, values):
                return {value: found for value in values if (found := self.find(by, value))}
            case LearnIdentities(seen):
                return tuple(self.learn(each) for each in seen)
            case FindEnded():
                return {}
            case ForgetIdentities(numbers):
                self.identities = [
                    each for each in self.identities if numbers.get(each.number) not in ("", each.user_id)
                ]
            case DoubtIdentities(numbers):
                self._doubt(numbers, "unseen")
            case DenyIdentities(numbers):
                self._doubt(numbers, "denied")
            case RenumberIdentities(changed):
                self.identities = [
                    replace(each, number=changed.get(each.number, each.number)) for each in self.identities
                ]
            case Together(parts):
                return [run(part, self._perform) for part in parts]
            case Begin() | MarkSteps() | Close() | Revoke():
                return None  # no journal: nothing is written
            case _:
                assert_never(command)
        return None

    def find(self, by: str, value: str) -> tuple[Identity, ...]:
        """The identities with that name, the one whose old ID is the user's first."""
        found = [each for each in self.identities if getattr(each, by) == value]
        return tuple(sorted(found, key=lambda each: each.old_id != each.user_id))

    def _doubt(self, numbers: tuple[str, ...], why: Literal["unseen", "denied"]) -> None:
        """Unconfirmed; here nothing ever ends by being denied."""
        self.identities = [
            replace(each, doubt=why) if each.number in numbers else each for each in self.identities
        ]

    def learn(self, seen: Known) -> Identity:
        """The identity of an extension that v3 has: its own old ID, else the user's, else an issued one."""
        known = next((each for each in self.identities if each.number == seen.number), None)
        if known is not None and seen.origin == "created" and known.user_id != seen.user_id:
            self.identities.remove(known)
            known = None
        issued = str(ISSUED + len(self.identities))
        if known is not None:
            said = known.identifier if known.user_id == seen.user_id else None
            now = replace(known, user_id=seen.user_id, identifier=seen.identifier or said, doubt="")
            self.identities[self.identities.index(known)] = now
            return now
        first = not any(each.old_id == seen.user_id for each in self.identities)
        made = Identity(seen.user_id if first else issued, issued, seen.user_id, seen.number, seen.identifier)
        self.identities = [*(each for each in self.identities if each is not known), made]
        return made

    def _store(self) -> None:
        if self.store_down:
            raise Fault("store-unavailable", "down")

    def _call(self, command: Call) -> Answer:
        envelope = command.envelope("token")
        self.envelopes.append(envelope)
        request = parse(envelope).body
        self.calls.append((command, request))
        answer = self.backend(command, request)
        if isinstance(answer, Fault):
            raise answer
        return Answer(500 if b":Fault>" in answer else 200, "text/xml", answer)
