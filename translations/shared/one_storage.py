"""One limit for all that an account stores, for backends whose schema has it instead of the five of 2.5.

A variant: the rules change only where the v3 message has `storage`, which is a matter of its interface. What a
call gives of the five is added up; what is read is given to the five in equal parts, so that to write what was
read changes nothing. An extension's sounds and music are kept by the shim: the one limit of its user is for
voicemail and faxes as well, which 2.5 did not bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shim.core.catalogue.translation import Declared, DeclaredService
from shim.core.message import Element
from shim.core.rules.rule import Made, Rule, Taken
from shim.core.rules.vocabulary import added, keep, unread
from shim.core.rules.work import Direction, Problem, Work
from shim.core.schema.interface import Interface, paths
from shim.core.translate import is_unlimited

STORAGE = "storage"
FIVE = ("mailboxSize", "recordStorage", "soundStorage", "mohStorage", "faxStorage")
_LARGEST = 2**32 - 1

_ADDED_UP = "v3 has one limit for all that is stored: it becomes the sum of the five, as far as they are given."
_SHARED_OUT = "v3 has one limit for all that is stored: each of the five is given an equal part of it."
_KEPT = (
    "v3 bounds all that a user stores together: the shim keeps the extension's own bound, nothing enforces it."
)
_LEFT = "v3's one limit for all that a user stores is left as it is."
_MIXED = (
    "v3 has one limit for all that is stored: send values, or increases and decreases, not both in one call."
)

WHERE = {
    "Client.SetClientPL": "",
    "Client.UpdateClientPL": "",
    "Client.GetClientPL": "userPL/",
    "Reseller.SetResellerPL": "",
    "Reseller.UpdateResellerPL": "",
    "Reseller.GetResellerPL": "userPL/",
    "Extension.SetExtensionPL": "",
    "Extension.GetExtensionPL": "extensionPL/",
}
"""Operations, with where the limits are in both messages."""


@dataclass(frozen=True, slots=True)
class AddedUp(Rule):
    """One of the five: added to the one in requests, a part of it in answers."""

    def takes(self, direction: Direction) -> Taken | None:
        return Taken("computed", self.new, self._add, "value-converted") if direction == "request" else None

    def produces(self, direction: Direction) -> Made | None:
        return Made("computed", self.old or "", None) if direction == "answer" else None

    def _add(self, child: Element, into: Element, work: Work) -> None:
        work.find("value-converted", self.old or "", self.because, self.new)
        said = into.child(STORAGE)
        if said is None:
            into.children.append(Element(STORAGE, child.text, child.attributes, child.children))
            return
        both = _steps(said, child) if said.children or child.children else _limits(said, child)
        if both is None:
            work.problems.append(Problem("field-refused", self.old or "", _MIXED, None))
        else:
            said.text, said.attributes, said.children = both.text, both.attributes, both.children


def _limits(one: Element, other: Element) -> Element:
    if "true" in (one.attributes.get("unlimited"), other.attributes.get("unlimited")):
        return Element(STORAGE, "0", {"unlimited": "true"})
    total = min(_LARGEST, int(one.text or 0) + int(other.text or 0))
    return Element(STORAGE, str(total), {"unlimited": "false"})


_SIGNS = {"value": 1, "increase": 1, "decrease": -1}


def _steps(one: Element, other: Element) -> Element | None:
    """Two relative changes as one; None where that cannot be said."""
    changes = [(each.name, (each.text or "").strip()) for each in (*one.children, *other.children)]
    if any(name == "unlimited" and text.lower() in ("1", "true") for name, text in changes):
        return Element(STORAGE, children=[Element("unlimited", "true")])
    ways = {name == "value" for name, _ in changes}
    if len(ways) != 1 or not all(
        name in _SIGNS and text.isascii() and text.isdecimal() for name, text in changes
    ):
        return None
    total = sum(_SIGNS[name] * int(text) for name, text in changes)
    name = "value" if ways == {True} else "increase" if total >= 0 else "decrease"
    return Element(STORAGE, children=[Element(name, str(min(_LARGEST, abs(total))))])


@dataclass(frozen=True, slots=True)
class Part(Rule):
    """What stands below the one in relative changes: `AddedUp` makes it with it."""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        return Made("computed", self.new or "", None) if direction == "request" else None


@dataclass(frozen=True, slots=True)
class SharedOut(Rule):
    """The one, in answers: what the five get of it."""

    def takes(self, direction: Direction) -> Taken | None:
        return Taken("ignored", None, self._share) if direction == "answer" else None

    def _share(self, child: Element, into: Element, work: Work) -> None:
        text = (child.text or "").strip()
        unlimited = is_unlimited(child, work, "answer")
        if not unlimited and not (text.isascii() and text.isdecimal()):
            work.find("answer-value-omitted", self.new or "", self.because)
            return
        first = (self.new or "").removesuffix(STORAGE) + FIVE[0]
        work.find("value-converted", first, self.because, self.new)
        part, rest = divmod(0 if unlimited else int(text), len(FIVE))
        for place, name in enumerate(FIVE):
            mine = part + (1 if place < rest else 0)
            into.children.append(Element(name, str(mine), {"unlimited": "true" if unlimited else "false"}))


def with_one_storage(service: DeclaredService, new: Interface) -> DeclaredService:
    """The service as it is declared for a backend with this interface."""
    operations = tuple(_with(each, f"{service.name}.{each.name}", service, new) for each in service.operations)
    return replace(service, operations=operations)


def _with(declared: Declared, name: str, service: DeclaredService, new: Interface) -> Declared:
    if name not in WHERE:
        return declared
    successor = declared.becomes if "." in declared.becomes else f"{service.becomes}.{declared.becomes}"
    operation, at = new.operations[successor], WHERE[name]
    there = {path for side in (operation.input, operation.output) for path, _ in paths(side)}
    if at + STORAGE not in there:
        return declared
    gone = {at + each for each in FIVE}
    kept = tuple(each for each in declared.rules if not (each.old is None and each.new in gone))
    rules = _extensions(at) if service.name == "Extension" else _accounts(at)
    below = sorted(path for path in there if path.startswith(f"{STORAGE}/") and "@" not in path)
    rules += tuple(Part(None, path, _ADDED_UP, "request") for path in below)
    return replace(declared, rules=(*kept, *rules))


def _accounts(at: str) -> tuple[Rule, ...]:
    five = tuple(AddedUp(at + each, at + STORAGE, _ADDED_UP) for each in FIVE)
    return five if not at else (*five, SharedOut(None, at + STORAGE, _SHARED_OUT, "answer"))


def _extensions(at: str) -> tuple[Rule, ...]:
    left = unread(at + STORAGE, _LEFT) if at else added(STORAGE, _LEFT)
    return (*(keep(at + each, _KEPT, field=each) for each in ("soundStorage", "mohStorage")), left)
