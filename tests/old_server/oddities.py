"""Odd messages made from the interface: every simple type, every odd way to write it, every place for one."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from shim.core.message import Element
from shim.core.schema.interface import ElementDecl, Operation, Simple, paths
from shim.core.serialise import MessageWriter
from shim.interfaces.load import old
from tests.old_server.judging import through_the_shim
from tests.support.messages import Messages

HEADERS = {"Content-Type": "text/xml; charset=utf-8"}
_HEAD = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/">'
)
FORMS: dict[str, str] = {
    "plain": "<T>{0}</T>",
    "empty": "<T/>",
    "blank": "<T>  </T>",
    "padded": "<T> {0} </T>",
    "lines": "<T>\n{0}\n</T>",
    "nil": '<T xsi:nil="true"/>',
    "comment": "<T>{0}<!-- c --></T>",
    "reference": '<T href="#far"/>',
    "nowhere": '<T href="#gone"/>',
    "array": '<T enc:arrayType="xsd:string[1]" xsi:type="enc:Array"><item>{0}</item></T>',
    "array-two": '<T enc:arrayType="xsd:string[2]" xsi:type="enc:Array"><item>{0}</item><item>{0}</item></T>',
    "string": '<T xsi:type="xsd:string">{0}</T>',
    "base64": '<T xsi:type="xsd:base64Binary">{1}</T>',
    "child": "<T><inner>{0}</inner></T>",
    "twice": "<T>{0}</T><T>{0}</T>",
}
"""Ways to send a value of any type, by name: the element is T, {0} the value, {1} the same as base64."""

_NUMBERS = {"sign": "+5", "zeros": "005", "point": "5.0", "dot": "5.", "exponent": "5e1", "fraction": "5.7"}
_NUMBERS |= {
    "negative": "-5",
    "huge": "9" * 30,
    "word": "abc",
    "hexadecimal": "0x10",
    "comma": "5,0",
    "zero": "0",
}
VALUES: dict[str, dict[str, str]] = {
    "whole": _NUMBERS,
    "float": _NUMBERS
    | {"infinite": "INF", "lower-inf": "inf", "none": "NaN", "small": "1e-7", "leading": ".5"},
    "decimal": _NUMBERS,
    "boolean": {
        "true": "true",
        "false": "false",
        "one": "1",
        "zero": "0",
        "capital": "True",
        "shout": "FALSE",
        "letter": "t",
        "letter-f": "f",
        "yes": "yes",
        "no": "no",
        "on": "on",
        "off": "off",
        "two": "2",
        "minus": "-1",
        "zeros": "00",
        "word": "word",
        "null": "null",
        "pad": " true ",
    },
    "date": {
        "day": "2011-03-31",
        "time": "2011-03-31T10:20:30",
        "sql": "2011-03-31 10:20:30",
        "c": "2011-03-31T10:20:30+02:00",
        "short": "2011-3-1",
        "german": "31.03.2011",
        "epoch": "1301616000",
        "zero": "0000-00-00",
        "zone": "2011-03-31Z",
        "none": "2011-02-30",
        "word": "today",
    },
    "dateTime": {"moment": "2011-03-31T10:20:30", "sql": "2011-03-31 10:20:30", "day": "2011-03-31"},
    "time": {
        "full": "08:30:00",
        "short": "08:30",
        "unpadded": "8:30:00",
        "dot": "08.30",
        "end": "24:00:00",
        "moment": "2011-03-31T08:30:00",
        "word": "noon",
    },
    "enumeration": {"other": "surely-none", "case": "{upper}"},
    "text": {
        "entity": "a &amp; b",
        "cdata": "<![CDATA[a & b]]>",
        "cdata-lines": "\n<![CDATA[a]]>\n",
        "accent": "é",
    },
}
"""Odd values by the family of their type."""


@dataclass(frozen=True)
class Odd:
    """One odd message. The name says type, place and oddity."""

    name: str
    service: str
    path: str
    message: bytes


def family(simple: Simple) -> str:
    """What its values are like to PHP."""
    if simple.enum:
        return "enumeration"
    if simple.base in ("string", "anyType", "base64Binary"):
        return "text"
    return simple.base if simple.base in VALUES else {"double": "float"}.get(simple.base, "whole")


@dataclass(frozen=True)
class _Spot:
    kind: str
    operation: Operation
    path: str
    simple: Simple


@cache
def spots() -> tuple[_Spot, ...]:
    """The first element of each simple type in each kind of place that has a plain message which is served."""
    return tuple(next((each for each in some[:40] if _is_served(each)), some[0]) for some in _spots().values())


def _is_served(spot: _Spot) -> bool:
    try:
        _, path, message = around(spot, FORMS["plain"].format(plain_value(spot), ""), plain_value(spot))
    except LookupError:
        return False
    return not through_the_shim(path, message, HEADERS).refused


def plain_value(spot: _Spot) -> str:
    return Messages(random.Random(1)).value(spot.simple)


def _spots() -> dict[str, list[_Spot]]:
    found: dict[str, list[_Spot]] = {}
    for operation in old().operations.values():
        if operation.name in ("LinkedOp", "Ping") or operation.input.complex is None:
            continue
        for path, decl in paths(operation.input):
            if (
                isinstance(decl, ElementDecl)
                and decl.simple is not None
                and decl.max != 0
                and path.count("/") < 3
            ):
                named = (
                    f"{decl.simple.base}{'-enum' if decl.simple.enum else ''}-{_place(operation, path, decl)}"
                )
                found.setdefault(named, []).append(_Spot(named, operation, path, decl.simple))
    return found


def _place(operation: Operation, path: str, decl: ElementDecl) -> str:
    if decl.complex is not None:
        return "limit"
    kind = operation.input.complex
    for step in path.split("/")[:-1]:
        kind = kind.slots[step].decl.complex if kind is not None else None
    assert kind is not None
    slot = kind.slots[path.rpartition("/")[2]]
    if slot.repeated:
        return "repeated"
    return "choice" if slot.choices else "nested" if "/" in path else "top"


def odd_messages() -> Iterator[Odd]:
    """All of them, in an order that does not change."""
    for spot in spots():
        plain = plain_value(spot)
        forms = {name: (form, plain) for name, form in FORMS.items()}
        for name, value in VALUES[family(spot.simple)].items():
            forms[name if name not in forms else f"value-{name}"] = (
                "<T>{0}</T>",
                value.format(upper=plain.upper()),
            )
        for name, (form, value) in forms.items():
            sent = form.format(value, base64.b64encode(value.encode()).decode())
            yield Odd(f"{spot.kind}-{name}", *around(spot, sent, value))


def around(spot: _Spot, sent: str, value: str) -> tuple[str, str, bytes]:
    """Service, path and message of a call that holds an element as it is to be sent."""
    operation = spot.operation
    root = Messages(random.Random(7), 0.0).message(operation.input)
    name = _put(root, operation, spot.path)
    for child in root.children:
        if child.name in ("ID", "userID") and spot.path != child.name:
            child.text = "30"
    writer = MessageWriter(old(), operation.input)
    text, _ = writer.write(root)
    login = Element("userCredentials", children=[Element("username", "acme"), Element("password", "secret")])
    message = writer.envelope(text, login).decode()
    found = re.search(rf"<(ns[0-9]+:{name})([^>]*)>[^<]*</\1>", message.partition("Body>")[2])
    if found is None:
        raise LookupError(spot.kind)  # the writer cannot say it in this message
    element = sent.replace("<T", f"<{found[1]}{found[2]}").replace("</T>", f"</{found[1]}>")
    before, body, after = message.partition("Body>")
    message = before + body + after.replace(found[0], element, 1)
    if "#far" in sent:
        message = message.replace("</SOAP-ENV:Header>", f'<far id="far">{value}</far></SOAP-ENV:Header>', 1)
    endpoint = old().services[operation.service].endpoint
    return operation.service, endpoint, message.replace(">", _HEAD, 2).replace(_HEAD, ">", 1).encode()


def _put(root: Element, operation: Operation, path: str) -> str:
    """Have the element in the message, and nothing that excludes it; its name."""
    at, decl = root, operation.input
    *above, name = path.split("/")
    for step in (*above, name):
        kind = decl.complex
        assert kind is not None
        slot = kind.slots[step]
        at.children = [
            each
            for each in at.children
            if each.name == step or not _excludes(kind.slots[each.name].choices, slot.choices)
        ]
        decl = slot.decl
        child = at.child(step)
        if child is None:
            child = Messages(random.Random(3), 0.0).element(decl, 0)
            at.children.append(child)
        at.children = [each for each in at.children if each is child or each.name != step]
        at = child
    return name


def _excludes(ours: tuple[tuple[int, int], ...], theirs: tuple[tuple[int, int], ...]) -> bool:
    branches = dict(theirs)
    return any(branches.get(number, branch) != branch for number, branch in ours)
