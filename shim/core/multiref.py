"""References: elements that stand for another one of the same message, as SOAP encoding has it.

Axis writes every number as `<ID href="#id0"/>` with a `multiRef` after the call, PHP a value that is used
twice. What a reference stands for is counted each time it is used: a small message cannot become a large one.
An element that stands for itself, at whatever distance, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from shim.core.errors import CallerError
from shim.core.typed import ENCODINGS

_ID = f"{{{ENCODINGS[1]}}}id"
_REF = f"{{{ENCODINGS[1]}}}ref"
_HREF = "href"


_FREE = 64
"""Elements that references may bring in whatever the size of the message."""
_BYTES_EACH = 32
"""Bytes of the message for each one more: what a reference, a value and their names have between them."""
_CHARACTERS_EACH = 8
"""Characters that references may bring in for each byte of the message."""
_ATTRIBUTE = 64
"""Characters as which an attribute counts beside its value: what it costs in memory."""


class References:
    """What can be referred to in one message, and how much more may be taken from there.

    What all references together may bring in is bound by `elements` and `characters`, and by the `size` of the
    message in bytes: chains of references multiply, so that 9 KB would cost 3,000 times as much.
    """

    def __init__(self, root: etree._Element, size: int, elements: int, characters: int) -> None:
        self._named: dict[str, etree._Element] = {}
        self._wanted: set[str] = set()
        self._under_way: set[str] = set()
        self._elements = min(elements, _FREE + size // _BYTES_EACH)
        self._characters = min(characters, _CHARACTERS_EACH * size)
        for node in root.iter():
            if (name := node.get("id") or node.get(_ID)) is not None:
                self._named.setdefault(name, node)
            if (wanted := reference(node)) is not None:
                self._wanted.add(wanted)

    def is_target(self, node: etree._Element) -> bool:
        """Whether an element only stands there to be referred to."""
        name = node.get("id") or node.get(_ID)
        return name is not None and name in self._wanted

    def enter(self, name: str) -> etree._Element | None:
        """The element of that name, until `leave`; None when there is none. Raises CallerError on a circle."""
        if name in self._under_way:
            raise CallerError(
                "reference-circle",
                "An element of the message refers to itself: send the value where it belongs.",
            )
        found = self._named.get(name)
        if found is not None:
            self._under_way.add(name)
        return found

    def leave(self, name: str) -> None:
        self._under_way.discard(name)

    def count(self, text: str | None, attributes: Mapping[str, str]) -> None:
        """Count an element that a reference brings in. Raises CallerError when it is too much."""
        if not self._under_way:
            return
        self._elements -= 1
        self._characters -= len(text or "") + sum(_ATTRIBUTE + len(value) for value in attributes.values())
        if self._elements < 0 or self._characters < 0:
            raise CallerError(
                "over-limit",
                "The references (href) bring in more than is taken: send values where they belong.",
            )


def reference(node: etree._Element) -> str | None:
    """The name that an element refers to; None when it is no reference.

    What refers to something outside of the message, such as an attachment, refers to no name in it.
    """
    said = node.get(_HREF)
    if said is not None:
        return said[1:] if said.startswith("#") else f"\0{said}"
    said = node.get(_REF)
    return None if said is None else said.removeprefix("#")
