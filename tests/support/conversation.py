"""Driving an exchange without an edge: a scripted world answers the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from shim.core.catalogue import Catalogue, compile_catalogue
from shim.core.commands import Answer, Call, Caller, Forget, Identify, Recall, Remember
from shim.core.errors import Fault
from shim.core.interface import Interface, Operation
from shim.core.model import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.serialise import MessageWriter
from shim.interfaces.load import new, old
from translations.services import SERVICES


@cache
def catalogue() -> Catalogue:
    return compile_catalogue(old(), new(), SERVICES)


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


def new_answer(operation: Operation, body: Element) -> bytes:
    writer = _writer(new(), operation, "output")
    text, unwritten = writer.write(body)
    assert not unwritten, unwritten
    info = [Element("edition", "E"), Element("version", "3.0.0"), Element("infrastructureID", "I-1")]
    return writer.envelope(text, Element("serverInfo", children=info))


Backend = Callable[[Call, Element], bytes | Fault]


@dataclass
class World:
    """What answers. `backend` gives the bytes of an answer, or a fault to raise."""

    backend: Backend
    settings: Mapping[str, str] = field(default_factory=dict)
    kept: dict[str, dict[str, Element]] = field(default_factory=dict)
    calls: list[tuple[Call, Element]] = field(default_factory=list)
    envelopes: list[bytes] = field(default_factory=list)
    store_down: bool = False

    def run(self, operation: Operation, body: bytes, path: str | None = None) -> Outcome:
        endpoint = path or old().services[operation.service].endpoint
        under_way = exchange(Shim(catalogue()), Request(endpoint, "text/xml; charset=utf-8", body))
        try:
            command = next(under_way)
            while True:
                try:
                    reply = self._perform(command)
                except Fault as fault:
                    command = under_way.throw(fault)
                else:
                    command = under_way.send(reply)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    def _perform(self, command: object) -> object:
        match command:
            case Identify():
                return Caller("tester", self.settings)
            case Call():
                return self._call(command)
            case Recall(account):
                self._store()
                return dict(self.kept.get(account, {}))
            case Remember(account, fields):
                self._store()
                self.kept.setdefault(account, {}).update(fields)
            case Forget(accounts):
                self._store()
                for account in accounts:
                    self.kept.pop(account, None)
        return None

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
