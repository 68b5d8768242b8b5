"""References: elements that stand for another one of the same message, as SOAP encoding has it.

Axis writes every number as `<ID href="#id0"/>` with a `multiRef` after the call, PHP a value that is used
twice. What a reference stands for is counted each time it is used, before anything is copied: a small message
cannot become a large one. An element that stands for itself, at whatever distance, is refused.
"""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

from shim.core.errors import CallerError
from shim.core.reading.bounds import over
from shim.core.reading.encoded_types import ENCODINGS

_ID = f"{{{ENCODINGS[1]}}}id"
_REF = f"{{{ENCODINGS[1]}}}ref"
_HREF = "href"

_FREE = 1 << 20
"""Bytes of memory that references may cost whatever the size of the message: two thousand elements."""
_TIMES = 45
"""Times the size of the message that they may cost beyond that."""
_OWN = 225
"""Bytes of that which each element of the message has used up already: small tags cost 88 times their size."""
_ELEMENT = 500
"""Bytes of memory that an element which is brought in may cost."""
_CHARACTER = 4
"""Bytes of memory that a character of it may cost."""
_ATTRIBUTE = 64
"""Characters as which an attribute counts beside its value."""


class Weight(NamedTuple):
    """An element with all references in it followed."""

    elements: int
    characters: int


class References:
    """The elements that can be referred to in one message, and how much more may be taken from there.

    What all references together bring in is bound by `elements` and `characters`, and its memory by the `size`
    of the message in bytes; references are followed no deeper than `depth`.
    """

    def __init__(self, root: etree._Element, size: int, elements: int, characters: int, depth: int) -> None:
        self._named: dict[str, etree._Element] = {}
        self._targets: set[str] = set()
        self._weights: dict[str, Weight | None] = {}
        self._inside = 0
        self._elements = elements
        self._characters = characters
        self._depth = depth
        own = 0
        for node in root.iter():
            own += 1
            if (name := _name(node)) is not None:
                self._named.setdefault(name, node)
            if (target := reference(node)) is not None:
                self._targets.add(target)
        self._memory = _FREE + max(0, _TIMES * size - _OWN * own)

    def is_target(self, node: etree._Element) -> bool:
        """True if an element only stands there to be referred to."""
        name = _name(node)
        return name is not None and name in self._targets

    def enter(self, name: str) -> etree._Element | None:
        """The element of that name, until `leave`; None when there is none.

        Raises CallerError on a circle, and when what references bring in is too much.
        """
        element = self._named.get(name)
        if element is None:
            return None
        if not self._inside:
            self._take(self._weight(element, 1))
        self._inside += 1
        return element

    def leave(self) -> None:
        self._inside -= 1

    def _take(self, weight: Weight) -> None:
        self._elements -= weight.elements
        self._characters -= weight.characters
        self._memory -= _ELEMENT * weight.elements + _CHARACTER * weight.characters
        if min(self._elements, self._characters, self._memory) < 0:
            raise CallerError(
                "over-limit",
                "The references (href) bring in more than is taken: send values where they belong.",
            )

    def _weight(self, node: etree._Element, depth: int) -> Weight:
        """Each element is looked at once, however often it is referred to."""
        if depth > self._depth:
            raise over(f"elements more than {self._depth} deep", self._depth)
        if (target := reference(node)) is not None:
            element = self._named.get(target)
            return Weight(1, 0) if element is None else self._of_target(target, element, depth)
        name = _name(node)
        if name is None or self._named.get(name) is not node:
            return self._of_content(node, depth)
        return self._of_target(name, node, depth)

    def _of_target(self, name: str, node: etree._Element, depth: int) -> Weight:
        if name in self._weights:
            known = self._weights[name]
            if known is None:
                raise CallerError(
                    "reference-circle",
                    "An element of the message refers to itself: send the value where it belongs.",
                )
            return known
        self._weights[name] = None
        target = reference(node)
        weight = self._of_content(node, depth) if target is None else self._weight(node, depth + 1)
        self._weights[name] = weight
        return weight

    def _of_content(self, node: etree._Element, depth: int) -> Weight:
        elements, characters = 1, len(node.text or "")
        for value in node.attrib.values():
            characters += _ATTRIBUTE + len(value)
        for child in node:
            below = self._weight(child, depth + 1)
            elements += below.elements
            characters += below.characters
        return Weight(elements, characters)


def _name(node: etree._Element) -> str | None:
    return node.get("id") or node.get(_ID)


def reference(node: etree._Element) -> str | None:
    """The name that an element refers to; None when it is no reference.

    What refers to something outside of the message, such as an attachment, refers to no name in it.
    """
    value = node.get(_HREF)
    if value is not None:
        return value[1:] if value.startswith("#") else f"\0{value}"
    value = node.get(_REF)
    return None if value is None else value.removeprefix("#")
