"""Judging: whether the shim understands a message as PHP's SoapServer does.

What PHP handed to its program is written down as a plain message, which leaves nothing to interpretation. Both
messages go through the shim. If the same v3 calls come of both, with the same login, the shim reads as the old
server did.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

from shim.core.commands.backend import Call
from shim.core.commands.caller import Identify
from shim.core.commands.extensions import Identity
from shim.core.commands.steps import AnyCommand
from shim.core.drive import run
from shim.core.endpoints import normal_path
from shim.core.errors import CallerError
from shim.core.message import Credentials, Element
from shim.core.parse import SOAP
from shim.core.pipeline import Request, Shim, exchange
from shim.core.schema.interface import ComplexType, ElementDecl, Simple, paths
from shim.core.serialise import MessageWriter
from shim.edge.http.bodies import decoded
from shim.interfaces.load import new, old
from tests.old_server.asking import Heard, Value
from tests.support.conversation import World, catalogue

Verdict = Literal["same", "stricter", "lenient", "other"]
IDENTITIES = [Identity(str(n), f"9000{n}", str(n), f"0020*{n:03}", f"ext{n}") for n in range(30, 34)]
_PLAIN = {
    "boolean": "1",
    "decimal": "1",
    "float": "1",
    "double": "1",
    "date": "2011-01-01",
    "dateTime": "2011-01-01T00:00:00",
    "time": "08:00:00",
    "base64Binary": "",
}


@dataclass
class Done:
    """What the shim did with a message: who logged in, what v3 was sent, what was kept, why it was refused."""

    login: Credentials | None = None
    calls: list[tuple[str, Element]] = field(default_factory=list)
    kept: dict[str, dict[str, Element]] = field(default_factory=dict)
    refused: str = ""
    found: tuple[tuple[str, str], ...] = ()

    @property
    def effect(self) -> tuple[Any, ...]:
        return (self.login, self.calls, self.kept, self.refused)


class _Watched(World):
    login: Credentials | None = None

    def _perform(self, command: AnyCommand) -> object:
        if isinstance(command, Identify):
            self.login = command.credentials
        return super()._perform(command)


def through_the_shim(path: str, message: bytes, headers: dict[str, str]) -> Done:
    """Send a message through the shim, before a backend that records what it gets and answers the least."""
    world = _Watched(_least_answer, identities=list(IDENTITIES))
    sent = {name.lower(): value for name, value in headers.items()}
    try:
        body = decoded(message, sent.get("content-encoding", ""), 1 << 20)
    except CallerError as fault:
        return Done(refused=fault.reason)
    path = normal_path(path.partition("?")[0])
    asked = Request(path, sent.get("content-type", ""), body, sent.get("soapaction", ""))
    outcome = run(exchange(Shim(catalogue()), asked), world._perform)
    refused = outcome.fault.reason if isinstance(outcome.fault, CallerError) else ""
    calls = [(call.operation, request) for call, request in world.calls]
    found = tuple((each.code, each.path) for each in outcome.findings)
    return Done(world.login, calls, world.kept, refused, found)


def _least_answer(call: Call, request: Element) -> bytes:
    operation = new().operations[f"{call.service}.{call.operation}"]
    writer = MessageWriter(new(), operation.output)
    return writer.envelope(writer.write(_least(operation.output))[0])


def _least(decl: ElementDecl) -> Element:
    """An element with what it has to hold, and its ID."""
    simple = decl.simple
    if simple is not None:
        return Element(decl.name, simple.enum[0] if simple.enum else _PLAIN.get(simple.base, "20"))
    slots = decl.complex.slots.values() if decl.complex else ()
    wanted = [slot.decl for slot in slots if (slot.decl.min and not slot.choices) or slot.decl.name == "ID"]
    return Element(decl.name, children=[_least(each) for each in wanted])


# ---- what PHP understood, as a plain message ----


@dataclass
class Plain:
    """A plain message of what PHP understood. `unsaid` is what no plain message can say of it."""

    root: Element
    unsaid: list[str] = field(default_factory=list)
    emptied: list[tuple[int, ...]] = field(default_factory=list)
    """Where values stand that are empty though their type has no empty one, as positions of children."""


def plain(heard: Heard) -> Plain | None:
    """The plain message of a call that came to PHP's program; None when none did, or not with an object."""
    if heard.operation is None:
        return None
    name, given = heard.operation
    operation = next(each for each in old().operations.values() if each.name == name)
    root = Element(operation.input.name)
    made = Plain(root)
    value = given[0] if given else ["n"]
    kind = operation.input.complex
    if kind is None:
        root.text = _text(value)
    elif value[0] in ("o", "m") and isinstance(value[1], dict):
        _children(root, value[1], kind, made, ())
    elif value[0] not in ("n", "o", "m"):
        made.unsaid.append("the body is a value")
    return made


def _children(
    parent: Element, found: dict[str, Value], kind: ComplexType, made: Plain, at: tuple[int, ...]
) -> None:
    chosen: dict[int, int] = {}
    for name, value in found.items():
        slot = kind.slots.get(name)
        if slot is None or value[0] == "n" or (slot.choices and value == ["s", ""]):
            continue  # PHP hands on what is unknown, null, or an empty alternative, and no program reads that
        for number, branch in slot.choices:
            if chosen.setdefault(number, branch) != branch:
                made.unsaid.append(f"both sides of a choice: {name}")
        values = value[1] if value[0] == "l" else [value]
        if value[0] == "l" and not slot.repeated:
            made.unsaid.append(f"a list of {name}")
        for each in values:
            if each[0] != "n":
                place = (*at, len(parent.children))
                parent.children.append(child := Element(name))
                _value(child, each, slot.decl, made, place)


def _value(child: Element, value: Value, decl: ElementDecl, made: Plain, at: tuple[int, ...]) -> None:
    kind, simple = decl.complex, decl.simple
    if value[0] in ("o", "m") and simple is not None and isinstance(value[1], dict) and "_" in value[1]:
        attributes = {name: _text(each) for name, each in value[1].items() if name != "_" and each[0] != "n"}
        child.attributes = attributes
        value = value[1]["_"]
    elif simple is not None and kind is not None and kind.all_attributes:
        made.unsaid.append(f"a limit without its attribute: {decl.name}")
    if simple is None and value[0] in ("o", "m"):
        if kind is not None and isinstance(value[1], dict):
            _children(child, value[1], kind, made, at)
        return
    if simple is None or value[0] in ("o", "m", "l"):
        made.unsaid.append(f"elements in the value {decl.name}")
        return
    child.text = _text(value)
    if simple.base == "base64Binary":
        child.text = base64.b64encode(child.text.encode()).decode()
    if child.text == "" and simple.base not in ("string", "anyType", "base64Binary"):
        made.emptied.append(at)


def _text(value: Value) -> str:
    match value[0]:
        case "b":
            return "true" if value[1] else "false"
        case "f":
            number = float(value[1]) if value[1] not in ("NAN", "INF", "-INF") else None
            if number is None:
                return {"NAN": "NaN"}.get(value[1], value[1])
            return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
        case "n":
            return ""
    return str(value[1])


def message(root: Element, login: Value | None) -> bytes:
    """A message as bytes, with the login that PHP's program was given."""
    header = ""
    if login is not None and login[0] in ("o", "m") and isinstance(login[1], dict):
        said = "".join(f"<{name}>{escape(_text(each))}</{name}>" for name, each in login[1].items())
        header = f"<userCredentials>{said}</userCredentials>"
    return (
        f'<E:Envelope xmlns:E="{SOAP}"><E:Header>{header}</E:Header><E:Body>{_xml(root)}</E:Body></E:Envelope>'
    ).encode()


def _xml(element: Element) -> str:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes.items())
    inner = "".join(map(_xml, element.children)) or escape(element.text or "", {"\r": "&#13;"})
    return f"<{element.name}{attributes}>{inner}</{element.name}>"


def without(root: Element, at: tuple[int, ...]) -> Element:
    """A copy of the message without one element."""
    made = copy.deepcopy(root)
    parent = made
    for index in at[:-1]:
        parent = parent.children[index]
    del parent.children[at[-1]]
    return made


# ---- the verdict ----


def judge(heard: Heard, done: Done, path: str) -> tuple[Verdict, str]:
    """Whether the shim understood as PHP did; and in words in what it did not."""
    understood = plain(heard)
    if understood is None:
        return ("same", "") if done.refused else ("lenient", heard.fault)
    if done.refused:
        return "stricter", done.refused
    if understood.unsaid:
        return "other", "; ".join(understood.unsaid)
    logins = [each for number, each in enumerate(heard.logins) if each not in heard.logins[:number]]
    if len(logins) != 1:
        return "other", f"{len(logins)} logins"
    endpoint = normal_path(path.partition("?")[0])
    spoken = through_the_shim(endpoint, message(understood.root, heard.logins[0]), {})
    for difference in _differences(done, spoken):
        return "other", difference
    for at in understood.emptied:
        less = through_the_shim(endpoint, message(without(understood.root, at), heard.logins[0]), {})
        if less.effect == done.effect:
            return "other", "an empty value is not handed on"
    return "same", ""


def _differences(done: Done, spoken: Done) -> Iterator[str]:
    if done.login != spoken.login:
        yield "another login"
    if done.refused != spoken.refused:
        yield f"what PHP understood is refused: {spoken.refused}"
    ours, theirs = _leaves(done), _leaves(spoken)
    if ours != theirs:
        only = [[each for each in one if each not in other] for one, other in ((ours, theirs), (theirs, ours))]
        yield f"{only[0]} instead of {only[1]}"
    if _kept(done) != _kept(spoken):
        yield f"what is kept: {_kept(done)} instead of {_kept(spoken)}"


def _kept(done: Done) -> list[tuple[str, list[tuple[str, str]]]]:
    kept = [(name, each) for fields in done.kept.values() for name, each in fields.items()]
    return [
        (name, [(path, said) for path, said in _plainly(each) if not (said in ("0", "") and "@" in path)])
        for name, each in sorted(kept, key=lambda item: item[0])
    ]


def _plainly(element: Element) -> Iterator[tuple[str, str]]:
    for path, text in Element("", children=[element]).leaves():
        yield path, _WORDS.get(text, text)


_WORDS = {"true": "1", "false": "0"}


def _leaves(done: Done) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(name, list(_values(name, request))) for name, request in done.calls]


@cache
def _types(operation: str) -> dict[str, Simple]:
    """The types of everything that requests of a v3 operation may hold, by path."""
    found = next(each for each in new().operations.values() if each.name == operation)
    kinds = {
        path: decl.simple if isinstance(decl, ElementDecl) else decl.type for path, decl in paths(found.input)
    }
    return {path: simple for path, simple in kinds.items() if simple is not None}


def _values(operation: str, request: Element) -> Iterator[tuple[str, str]]:
    """Paths and texts, numbers and booleans in one form."""
    types = _types(operation)
    for path, text in request.leaves():
        yield path, _canonical(text, types[path].base if path in types else "string")


def _canonical(text: str, base: str) -> str:
    if base in ("float", "double") and text.upper() not in ("", "INF", "-INF", "NAN"):
        return repr(float(text)).upper()
    if base == "boolean":
        return _WORDS.get(text, text)
    if base not in ("string", "decimal", "anyType", "base64Binary") and text.lstrip("+-0").isdigit():
        return str(int(text))
    return text
