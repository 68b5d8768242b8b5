"""Zero as an ID: what PHP writes of an empty number, and what v3 says of a template that there is none.

IDs begin at 1 in both versions (`Common:positiveInteger`), so 0 names nothing: it counts as not given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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
    return text is not None and _ZERO.fullmatch(text) is not None


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


def without_zeros(message: Element, kind: ComplexType | None, find: Find, path: str = "") -> Element:
    """The message without the IDs that are 0; itself where there is none, else another: it is not changed."""
    if kind is None or not message.children:
        return message
    kept: list[Element] = []
    changed = False
    for child in message.children:
        if not child.children:
            if child.text and "0" in child.text and not child.nil and _is_no_id(child, kind):
                find(_CODE, path + child.name)
                changed = True
                continue
            kept.append(child)
            continue
        slot = kind.slots.get(child.name)
        if slot is None:
            kept.append(child)
            continue
        inner = without_zeros(child, slot.decl.complex, find, f"{path}{child.name}/")
        changed = changed or inner is not child
        kept.append(inner)
    return Element(message.name, message.text, message.attributes, kept, message.nil) if changed else message


def _is_no_id(leaf: Element, kind: ComplexType) -> bool:
    """True if it is 0 where an ID belongs, or the number that a new extension is to have."""
    if not is_zero(leaf.text) or (slot := kind.slots.get(leaf.name)) is None:
        return False
    simple = slot.decl.simple
    return simple is not None and (
        simple.base == "positiveInteger" or (leaf.name == "extensionNo" and simple.base == "integer")
    )
