"""The nouns of a message: an element tree without namespaces, and the envelope around it.

A message is kept as local names, texts and attributes only. Which namespace, prefix and place in the order an
element has is the interface's business, applied when it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shim.core.findings import Code

LONGEST_NAME = 64
"""Characters that are shown of a name that a caller gave: it is no value, but may have been meant as one."""

_NO_ATTRIBUTES: dict[str, str] = {}

Sent = tuple[Literal["array", "map", "base64", "hex", "reference", "nowhere"], ...]
"""How a value was written that is not simply there: as an array or a map of SOAP encoding, as base64 or
hexadecimal, by reference, or by a reference to nothing in the message."""


class Element:
    """One element: local `name`, `text` (None: has none), attributes by local name, children in order.

    `nil` says that the sender wrote xsi:nil, `sent` how the value was written. Leaves share one empty attribute
    mapping: never change `attributes` in place, set a new one. Leaves of long answers share one empty list of
    children: it takes none either.
    """

    __slots__ = ("attributes", "children", "name", "nil", "sent", "text")

    def __init__(
        self,
        name: str,
        text: str | None = None,
        attributes: dict[str, str] | None = None,
        children: list[Element] | None = None,
        nil: bool = False,
        sent: Sent = (),
    ) -> None:
        self.name = name
        self.text = text
        self.attributes = attributes or _NO_ATTRIBUTES
        self.children = [] if children is None else children
        self.nil = nil
        self.sent = sent

    def __repr__(self) -> str:
        inner = "..." if self.text is not None else f"[{' '.join(child.name for child in self.children)}]"
        return f"<{self.name} {inner}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and (
            (self.name, self.text, self.attributes, self.nil, self.children)
            == (other.name, other.text, other.attributes, other.nil, other.children)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __reduce__(self) -> tuple[type[Element], tuple[Any, ...]]:
        """How it is copied and pickled: compiled classes are made by their constructor alone."""
        return Element, (self.name, self.text, self.attributes, self.children, self.nil, self.sent)

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        for each in self.children:
            if each.name == name:
                return each
        return None

    def get(self, path: str) -> str | None:
        """The text at a path of first children, such as `userPL/ID`; None when any step is missing."""
        at: Element | None = self
        if "/" not in path:
            at = self.child(path)
            return at.text if at is not None else None
        for name in path.split("/"):
            at = at.child(name) if at is not None else None
        return at.text if at is not None else None

    def is_on(self, path: str) -> bool:
        """True if the text at a path is a boolean that is true."""
        return is_on(self.get(path))

    def all(self, name: str) -> list[Element]:
        return [each for each in self.children if each.name == name]

    def bare(self) -> Element:
        """Name and text alone: itself where it has nothing else."""
        if self.text is None or self.attributes or self.children or self.nil or self.sent:
            return Element(self.name, self.text)
        return self

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """(path, text) of everything that holds a value below this element, attributes as `a/@b`."""
        for each in self.children:
            path = prefix + each.name
            for name, value in each.attributes.items():
                yield f"{path}/@{name}", value
            if each.children:
                yield from each.leaves(path + "/")
            else:
                yield path, each.text or ""


def is_on(text: str | None) -> bool:
    """True if a text is a boolean that is true, as XML Schema writes it, in any case of letters."""
    return (text or "").strip().lower() in ("1", "true")


def spots(root: Element, path: str) -> list[Element]:
    """All elements at a path of the tree; the root for the empty path."""
    elements = [root]
    for name in path.split("/") if path else ():
        elements = [child for each in elements for child in each.children if child.name == name]
    return elements


NO_CHILDREN: Final[list[Element]] = []
"""The children of leaves in long answers, one list for all of them: nothing may ever be added to it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a 2.5 caller; exactly one of the three ways is complete, or none is."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    crypted_auth: str | None = field(default=None, repr=False)
    app_key: str | None = None
    app_secret: str | None = field(default=None, repr=False)
    v3_token: bool = False
    """True if there is an access token of v3, which proves nothing here."""

    @property
    def complete(self) -> bool:
        return bool(
            (self.username and self.password) or self.crypted_auth or (self.app_key and self.app_secret)
        )


@dataclass(slots=True)
class Envelope:
    """A SOAP message taken apart.

    `namespace` is that of the body element ('' when it is unqualified), `headers` are the header blocks,
    `surplus` the names of further body elements, which are no part of the call. An empty Body has a body
    element without a name. `notes` are findings that the message makes by its form: (code, because).
    """

    body: Element
    namespace: str
    headers: list[Element]
    surplus: tuple[str, ...] = ()
    soap_12: bool = False
    notes: tuple[tuple[Code, str], ...] = ()
    zeros: bool | None = field(default=None, compare=False)
    """False if none of its texts is the number 0; None where its bytes have to tell that."""
