"""Placeholder answers: what a v3 backend might say, made from the interface, for translating without one.

Every element stands once, with a value that its type allows. IDs and texts are recognisable, so that a later
call which needs one can be marked.
"""

from __future__ import annotations

from collections.abc import Iterator

from shim.core.commands.backend import Answer
from shim.core.commands.extensions import Identity
from shim.core.message import Element
from shim.core.schema.interface import ComplexType, ElementDecl, Interface, Operation, Particle, Simple
from shim.core.schema.values import writer
from shim.core.serialise import CONTENT_TYPE, MessageWriter

_FIRST_ID = 900_000_001
_LIKELY = ("success", "extension")
"""Enumerated values that let a call go on: it succeeded; the template that it names is for extensions."""
_SAMPLES = (
    "placeholder@example.invalid", "192.0.2.1", "placeholder.invalid", "0", "us", "2000-01-01",
    "2000-01-01T00:00:00", "00:00:00", "1", "0.0",
)  # fmt: skip


class Placeholders:
    """Makes the answers of one dry run, and finds their values again."""

    def __init__(self, interface: Interface, request: bytes) -> None:
        self._interface = interface
        self._request = request
        self._last = _FIRST_ID - 1
        self._values: set[str] = set()
        self._owners: dict[str, str] = {}

    def answer(self, operation: Operation, request: Element) -> Answer:
        """A success, as far as the interface lets one be made. An extension that is asked for by its number is
        that of the user whom an old name stood for."""
        message = MessageWriter(self._interface, operation.output)
        root = self._element(operation.output, ()) or Element(operation.output.name)
        owner, parent = self._owners.get(request.get("extendedNumber") or ""), root.child("parentID")
        if owner is not None and parent is not None:
            parent.text = owner
        body, _ = message.write(root)
        return Answer(200, CONTENT_TYPE, message.envelope(body))

    def identity(self, by: str, value: str) -> Identity:
        """An extension that an old name may stand for; what is not known of it is a placeholder."""
        user_id, number = (value if by in ("old_id", "user_id") else ""), (value if by == "number" else "")
        if not user_id:
            _, user_id = self._candidates()
        if not number:
            number, _ = self._candidates()
        self._values |= {user_id, number} - {value}
        self._owners[number] = user_id
        return Identity(user_id, user_id, user_id, number)

    def used_in(self, request: Element) -> list[str]:
        """The paths of a request whose values come from an earlier answer."""
        return [path for path, text in request.leaves() if text in self._values]

    def _element(self, decl: ElementDecl, above: tuple[ComplexType, ...]) -> Element | None:
        simple, kind = decl.simple, decl.complex
        if simple is not None:
            text = self._value(simple)
            return None if text is None else Element(decl.name, text)
        if kind is None or kind in above:
            return None
        elements = (self._element(each, (*above, kind)) for each in _once(kind.content))
        return Element(decl.name, children=[each for each in elements if each is not None])

    def _value(self, simple: Simple) -> str | None:
        """A value of the type; None when none is found, then the element stays away."""
        if simple.enum:
            return next((each for each in _LIKELY if each in simple.enum), simple.enum[0])
        check = writer(simple)
        for text in self._candidates():
            if check is None or check(text) is not None:
                self._values.add(text)
                return text
        return next((text for text in _SAMPLES if check and check(text) is not None), None)

    def _candidates(self) -> tuple[str, str]:
        self._last += 1
        while str(self._last).encode() in self._request:
            self._last += 1
        return f"PLACEHOLDER-{self._last}", str(self._last)


def sample(simple: Simple) -> str | None:
    """A value that the type allows; None when none is found."""
    if simple.enum:
        return simple.enum[0]
    check = writer(simple)
    return next((text for text in ("text", *_SAMPLES) if check is None or check(text) is not None), None)


def _once(particles: tuple[Particle, ...]) -> Iterator[ElementDecl]:
    """The elements of a content, each once; of a choice the first."""
    for particle in particles:
        if particle.max == 0:
            continue
        if isinstance(particle, ElementDecl):
            yield particle
        elif particle.kind == "choice":
            yield from _once(particle.particles[:1])
        else:
            yield from _once(particle.particles)
