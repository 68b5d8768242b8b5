"""Refusals before anything happens: messages that break the interface, and unusable profiles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from shim.core.message import Element
from shim.core.schema.interface import ElementDecl, Interface, Operation
from shim.core.schema.values import describe
from shim.core.serialise import MessageWriter, Unwritten
from shim.emulator.world.refusal import PARAMETER_MISSING, Refusal, missing

_CODES = {
    "ID": "100",
    "extendedNumber": "100",
    "userID": "250",
    "fromUser": "113",
    "parentID": "251",
    "serviceProviderID": "251",
    "templateID": "252",
    "chargingPlanID": "258",
    "channelRuleID": "260",
    "channelRuleId": "260",
    "region": "314",
}

_LENGTHS = {
    "name": ("307", 1, 255),
    "firstName": ("307", 1, 255),
    "lastName": ("307", 1, 255),
    "company": ("308", 3, 255),
    "address": ("309", 3, 255),
    "city": ("311", 2, 255),
    "pcode": ("312", 1, 10),
    "phone": ("304", 1, 255),
    "fax": ("305", 1, 255),
    "notes": ("313", 0, 1024),
    "chargingIdentifier": ("303", 1, 255),
}
_PATTERNS = {
    "login": ("310", re.compile(r"[^\s<>&\"']{1,255}")),
    "email": ("300", re.compile(r"[-+\w.]{1,200}@([^\W_][-\w]*\.)*[^\W\d_][-\w]*\.?")),
    "country": ("301", re.compile(r"[A-Za-z]{2}")),
    "interfaceLang": ("306", re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{2})?")),
    "phoneLang": ("306", re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{2})?")),
}
_NEVER_EMPTY = frozenset({"name", "firstName", "lastName", "login"})

_WORDS = {
    "unknown": "The element {name} at {path} is not known here.",
    "repeated": "The element {name} at {path} may be there only once.",
    "choice": "The element {name} at {path} excludes another one that was sent.",
    "missing": "The parameter {path} is missing.",
}


Surplus = Literal["refuse", "ignore"]
Demands = Literal["schema", "strict"]


@dataclass(frozen=True, slots=True)
class JudgeRules:
    """How strictly requests are judged.

    A `lenient` server takes requests that lack what the interface requires, and one that ignores `surplus`
    elements does as if those that it does not know were not there, as PHP's SoapServer does both. One whose
    `demands` are strict wants all that a server of its version may demand beyond the schema.
    """

    lenient: bool = False
    surplus: Surplus = "refuse"
    demands: Demands = "schema"


@cache
def writer_of(interface: Interface, operation: Operation, output: bool) -> MessageWriter:
    decl = operation.output if output else operation.input
    return MessageWriter(interface, decl, v3=True)


def check_request(interface: Interface, operation: Operation, request: Element, rules: JudgeRules) -> Element:
    """The request as it is to be served: what is ignored is not in it.

    Raises Refusal with the first thing in it that the interface does not allow.
    """
    if rules.surplus == "ignore":
        request = _known(operation.input, request)
    if operation.input.complex is None:
        if request.children:
            raise Refusal(None, f"The element {request.children[0].name} is not known here.")
        return request
    _, problems = writer_of(interface, operation, False).write(request)
    judged = [each for each in problems if each.why != "missing" or not rules.lenient]
    if judged:
        raise _refusal(operation, judged[0])
    if rules.demands == "strict":
        for name in interface.may_require.get(operation.full_name, ()):
            if not (request.get(name) or "").strip():
                raise missing(name)
    return request


def _known(decl: ElementDecl, element: Element) -> Element:
    """The element without anything in it that the interface does not have there."""
    kind = decl.complex
    if not element.children or (kind is None and (decl.simple is None or decl.simple.base == "anyType")):
        return element
    slots = kind.slots if kind is not None else {}
    kept = [_known(slots[each.name].decl, each) for each in element.children if each.name in slots]
    return Element(element.name, element.text, element.attributes, kept, nil=element.nil)


def _refusal(operation: Operation, problem: Unwritten) -> Refusal:
    name = problem.path.rpartition("/")[2]
    if problem.why == "value":
        return Refusal(
            _CODES.get(name) or _rule_code(name),
            f"The value of {problem.path} is invalid: it must be {_form_of(operation, problem.path)}.",
        )
    code = PARAMETER_MISSING if problem.why == "missing" else None
    return Refusal(code, _WORDS[problem.why].format(name=name, path=problem.path))


def _rule_code(name: str) -> str | None:
    if name in _LENGTHS:
        return _LENGTHS[name][0]
    return _PATTERNS[name][0] if name in _PATTERNS else None


def _form_of(operation: Operation, path: str) -> str:
    decl = operation.input
    for step in path.split("/"):
        kind = decl.complex
        if kind is None or step not in kind.slots:
            return "one of its type"
        decl = kind.slots[step].decl
    return describe(decl.simple) if decl.simple else "one of its type"


def check_profile(request: Element) -> None:
    """Raises Refusal with the code of the first field of an account that cannot be used.

    An empty text takes a field away, except those that an account cannot be without.
    """
    for child in request.children:
        value = (child.text or "").strip()
        if not value and child.name not in _NEVER_EMPTY:
            continue
        if child.name in _LENGTHS:
            _check_length(child.name, value)
        elif child.name in _PATTERNS:
            code, pattern = _PATTERNS[child.name]
            if not pattern.fullmatch(value):
                raise Refusal(code, f"The value of {child.name} is invalid.")


def _check_length(name: str, value: str) -> None:
    code, low, high = _LENGTHS[name]
    if not low <= len(value) <= high:
        raise Refusal(code, f"The value of {name} is invalid: it must have {low} to {high} characters.")
