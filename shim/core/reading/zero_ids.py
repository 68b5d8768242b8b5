"""Zero as an ID: what PHP writes of an empty number, and what v3 says of a template that there is none.

IDs begin at 1 in both versions (`Common:positiveInteger`), so 0 names nothing: it counts as not given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from shim.core.findings import Code
from shim.core.message import Element
from shim.core.reading.pieces import PIECE
from shim.core.schema.interface import ComplexType

_ZERO = re.compile(r"\s*[+-]?0+(\.0*)?\s*", re.ASCII)
_ANY_ZERO = re.compile(rb">\s*[+-]?0+(?:\.0*)?\s*<")
_CODE: Final = "zero-as-absent"
Find = Callable[[Code, str], None]
"""Takes a finding's code and path."""


def is_zero(text: str | None) -> bool:
    """True if a text is the number 0."""
    return text is not None and text < "1" and _ZERO.fullmatch(text) is not None


def may_have_zeros(message: bytes) -> bool:
    """True if it is worth looking: a cheap test that most messages do not pass.

    A long one is looked through in pieces that end with a `<`, of which a text has none.
    """
    if len(message) <= PIECE:
        return _ANY_ZERO.search(message) is not None
    start = 0
    while start < len(message):
        end = message.find(b"<", start + PIECE) + 1 or len(message)
        if _ANY_ZERO.search(message, start, end) is not None:
            return True
        start = end
    return False


@dataclass(frozen=True, slots=True)
class _Children:
    """The children of a type: those that hold an ID, or the number that a new extension is to have, and those
    that hold elements."""

    ids: frozenset[str]
    below: dict[str, ComplexType]


@cache
def _children(kind: ComplexType) -> _Children:
    ids: set[str] = set()
    below: dict[str, ComplexType] = {}
    for name, slot in kind.slots.items():
        simple, inner = slot.decl.simple, slot.decl.complex
        if inner is not None:
            below[name] = inner
        if simple is not None and (
            simple.base == "positiveInteger" or (name == "extensionNo" and simple.base == "integer")
        ):
            ids.add(name)
    return _Children(frozenset(ids), below)


def without_zeros(message: Element, kind: ComplexType | None, find: Find, path: str = "") -> Element:
    """The message without the IDs that are 0; itself where there is none, else another: it is not changed."""
    if kind is None or not message.children:
        return message
    known = _children(kind)
    ids, below = known.ids, known.below
    kept: list[Element] | None = None
    for number, child in enumerate(message.children):
        left: Element | None = child
        if not child.children:
            if child.name in ids and not child.nil and is_zero(child.text):
                find(_CODE, path + child.name)
                left = None
        elif child.name in below:
            left = without_zeros(child, below[child.name], find, f"{path}{child.name}/")
        if left is not child and kept is None:
            kept = message.children[:number]
        if kept is not None and left is not None:
            kept.append(left)
    return (
        message if kept is None else Element(message.name, message.text, message.attributes, kept, message.nil)
    )
