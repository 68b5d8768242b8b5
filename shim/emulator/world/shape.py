"""Building answers from facts: what an answer has a place for is put there, in a form that fits.

A fact is a text, number, boolean, element, mapping, or a list of those. The interface decides which facts
appear: an answer picks by name, so that one set of facts serves lists, details and verbose answers alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shim.core.message import Element
from shim.core.schema.interface import ComplexType, ElementDecl
from shim.core.schema.values import reader

Fact = Any
"""str | int | float | bool | None | Element | Mapping[str, Fact] | list[Fact]"""


def fill(decl: ElementDecl, facts: Mapping[str, Fact]) -> Element:
    """The element with every child that there is a fact for. What does not fit its type is left out."""
    out = Element(decl.name)
    if decl.complex is None:
        return out
    chosen: dict[int, int] = {}
    for name, slot in decl.complex.slots.items():
        fitting = [fitted for each in elements(name, facts.get(name)) if (fitted := fit(each, slot.decl))]
        if not slot.repeated:
            fitting = fitting[:1]
        if fitting and all(chosen.setdefault(number, branch) == branch for number, branch in slot.choices):
            out.children.extend(fitting)
    return out


def fit(element: Element, decl: ElementDecl) -> Element | None:
    """The element as its declaration wants it; None when its value cannot be one of the type."""
    if element.nil:
        return element if decl.nillable else None
    kind = decl.complex
    if kind is None or kind.text is not None:
        return _leaf(element, decl, kind)
    facts: dict[str, list[Element]] = {}
    for child in element.children:
        facts.setdefault(child.name, []).append(child)
    return fill(decl, facts)


def _leaf(element: Element, decl: ElementDecl, kind: ComplexType | None) -> Element | None:
    check = reader(decl.simple) if decl.simple else None
    text = element.text or ""
    checked = text if check is None else check(text)
    if checked is None:
        return None
    known = {each.name for each in kind.all_attributes} if kind else set()
    attributes = {name: value for name, value in element.attributes.items() if name in known}
    return Element(decl.name, checked, attributes or None)


def elements(name: str, fact: Fact) -> Iterator[Element]:
    """A fact as elements of a name."""
    if fact is None:
        return
    if isinstance(fact, list):
        for each in fact:
            yield from elements(name, each)
    elif isinstance(fact, Element):
        yield Element(name, fact.text, fact.attributes, fact.children, fact.nil)
    elif isinstance(fact, Mapping):
        children = [each for inner, value in fact.items() for each in elements(inner, value)]
        yield Element(name, None, None, children)
    else:
        yield Element(name, _text(fact))


def _text(fact: str | float | bool) -> str:
    if isinstance(fact, bool):
        return "true" if fact else "false"
    return str(fact)


def grouped(children: Iterable[Element]) -> dict[str, list[Element]]:
    """Children by name."""
    groups: dict[str, list[Element]] = {}
    for child in children:
        groups.setdefault(child.name, []).append(child)
    return groups


def flat(children: Iterable[Element]) -> dict[str, Fact]:
    """Facts from stored fields: each by its own name, then what lies deeper under names not yet taken."""
    facts: dict[str, Fact] = dict(grouped(children))
    for child in list(children):
        for name, value in flat(child.children).items() if child.children else ():
            facts.setdefault(name, value)
    return facts


def merge(old: list[Element], new: list[Element], kind: ComplexType) -> list[Element]:
    """The old fields with exactly what was sent changed: a repeated field whole, a nested one inside.

    Taking one branch of a choice drops the others.
    """
    sent = grouped(new)
    kept = [each for each in old if each.name not in sent and not _outvoted(each.name, sent, kind)]
    for name, values in sent.items():
        slot = kind.slots.get(name)
        before = next((each for each in old if each.name == name), None)
        inner = slot.decl.complex if slot else None
        if slot and not slot.repeated and before and before.children and inner and inner.text is None:
            children = merge(before.children, values[0].children, inner)
            kept.append(Element(name, None, values[0].attributes, children))
        else:
            kept.extend(values)
    return kept


def _outvoted(name: str, sent: Mapping[str, object], kind: ComplexType) -> bool:
    slot = kind.slots.get(name)
    if slot is None or slot.repeated:
        return False
    mine = dict(slot.choices)
    for other in sent:
        theirs = kind.slots.get(other)
        if theirs and any(mine.get(number, branch) != branch for number, branch in theirs.choices):
            return True
    return False


def defaults(kind: ComplexType) -> dict[str, Fact]:
    """The values that the interface declares for absent children."""
    return {name: slot.decl.default for name, slot in kind.slots.items() if slot.decl.default is not None}
