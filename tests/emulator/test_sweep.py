"""Every operation of the interface answers validly, or with a fault that has a documented code."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from shim.core.message import Element
from shim.core.parse import parse
from shim.core.schema.interface import ComplexType, ElementDecl, Group, Particle
from shim.core.serialise import MessageWriter
from shim.interfaces.load import new
from tests.emulator.caller import Backend, Refused

_NAMED = {
    "extendedNumber": "0020*001",
    "queueExtendedNumber": "0020*003",
    "agentExtendedNumber": "0020*001",
    "country": "us",
    "email": "someone@example.com",
    "interfaceLang": "en",
    "phoneLang": "en",
    "code": "us",
    "extensionNo": "777",
    "increase": "1",
    "decrease": "1",
}
_BY_BASE = {
    "boolean": "true",
    "date": "2031-01-31",
    "dateTime": "2031-01-31T12:00:00",
    "time": "08:00:00",
    "base64Binary": "PFBpbmcvPg==",
    "string": "some text",
    "anyType": "",
}
NAMES = sorted(new().operations)


def value_for(decl: ElementDecl) -> str:
    simple = decl.simple
    assert simple is not None
    if simple.enum:
        return simple.enum[0]
    if simple.base == "string" and decl.name in _NAMED:
        return _NAMED[decl.name]
    return _BY_BASE.get(simple.base, "1")


def made(decl: ElementDecl) -> Element:
    """A whole element: every child once, the first branch of each choice."""
    kind = decl.complex
    if kind is None or kind.text is not None:
        return Element(decl.name, value_for(decl))
    return Element(decl.name, children=[each for particle in kind.content for each in filled(particle, kind)])


def filled(particle: Particle, kind: ComplexType) -> list[Element]:
    if isinstance(particle, ElementDecl):
        return [made(particle)]
    assert isinstance(particle, Group)
    inner = particle.particles[:1] if particle.kind == "choice" else particle.particles
    return [each for one in inner for each in filled(one, kind)]


async def ask(backend: Backend, full_name: str, request: Element, any_fault: bool = False) -> str:
    """How the call ended: "ok", or the code of its fault, which may be none where any will do."""
    operation = backend.interface.operations[full_name]
    writer = MessageWriter(backend.interface, operation.input, v3=True)
    body, lost = writer.write(request)
    assert not [each for each in lost if each.why not in ("missing", "value")], lost
    header = Element("userCredentials", children=[Element("accessToken", backend.token("admin"))])
    path = backend.interface.services[operation.service].endpoint
    status, data = await backend.post(path, writer.envelope(body, header))
    with suppress(Refused):
        backend.answer(status, data)
        return "ok"
    answer = parse(data).body
    assert answer.get("faultcode") == "SOAP-ENV:Client", data
    code = answer.get("detail/code")
    assert code is not None or any_fault, data
    return code or ""


@pytest.mark.parametrize("full_name", NAMES)
async def test_an_empty_request_is_answered_or_refused(backend: Backend, full_name: str) -> None:
    await ask(backend, full_name, Element(backend.interface.operations[full_name].input.name))


@pytest.mark.parametrize("full_name", NAMES)
async def test_a_whole_request_is_answered_or_refused(backend: Backend, full_name: str) -> None:
    await ask(backend, full_name, made(backend.interface.operations[full_name].input))


async def test_the_operations_that_need_nothing_are_answered(backend: Backend) -> None:
    ended = {
        name: await ask(backend, name, Element(backend.interface.operations[name].input.name)) for name in NAMES
    }
    answered = {name for name, outcome in ended.items() if outcome == "ok"}
    assert {name for name in NAMES if name.endswith("s") and ".Get" in name} - answered <= {
        name for name, outcome in ended.items() if outcome == "117"
    }
    assert len(backend.world.calls) == len(NAMES) == 160


LIKELY = {
    "string": ["0020*001", "0020*003", "acme", "nw001", "1", "", "text", "success", "us"],
    "boolean": ["0", "1", "true"],
    "positiveInteger": ["1", "2", "3", "10", "11", "20", "21", "30", "32", "100", "9999"],
    "date": ["2031-01-31", "-0044-03-15", "12031-01-01"],
}


class Chance:
    """Random requests, valid as far as the interface goes, about things that are likely to exist."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def element(self, decl: ElementDecl) -> Element:
        kind = decl.complex
        if kind is None or kind.text is not None:
            simple = decl.simple
            assert simple is not None
            likely = simple.enum or LIKELY.get(simple.base) or [value_for(decl)]
            unlimited = {"unlimited": "true"} if kind and self.random.random() < 0.5 else None
            return Element(decl.name, self.random.choice(likely), unlimited)
        return Element(decl.name, children=[each for one in kind.content for each in self.particle(one)])

    def particle(self, particle: Particle) -> list[Element]:
        if isinstance(particle, ElementDecl):
            return [self.element(particle)] if self.random.random() < 0.6 else []
        inner = (self.random.choice(particle.particles),) if particle.kind == "choice" else particle.particles
        return [each for one in inner for each in self.particle(one)]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_comes_is_answered_or_refused(backend: Backend, seed: int) -> None:
    chance = Chance(seed)
    names = [name for name in NAMES if "DelAccount" not in name]
    ended = []
    for _ in range(300):
        name = chance.random.choice(names)
        backend.world.accounts[1].status = True
        request = chance.element(backend.interface.operations[name].input)
        ended.append(await ask(backend, name, request, any_fault=True))
    assert ended.count("ok") > 30
