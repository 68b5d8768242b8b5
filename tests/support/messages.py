"""Random messages of an interface, valid by construction: from the data alone, never from the translations."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

from shim.core.message import Element
from shim.core.schema.interface import ComplexType, ElementDecl, Group, Operation, Particle, Simple, paths
from shim.core.serialise import MessageWriter
from shim.interfaces.load import old

_WORDS = ["alpha", "Béla", "O'Neil & Sons", "a<b", "x>y", 'say "hi"', "日本", "tab\there", "két szó", "0", "-"]
_BY_TYPE = {
    "Common:email": ["a@b.example", "first.last+x@mail.example.org"],
    "Common:ip": ["10.0.0.1", "192.168.255.254"],
    "Common:rule": ["0", "42", "XZN*[1-9]."],
    "Common:domain": ["example.org", "a-b.example"],
    "Common:emptyFloat": ["1.", "0.25"],
    "Common:code": ["us", "de", "x"],
    "Common:pcode": ["10115", "SW1A 1AA"],
}
_BY_PATTERN = {
    each.patterns: ["0", "42", "1"]
    for each in (decl.simple for op in old().operations.values() for _, decl in paths(op.input)
                 if isinstance(decl, ElementDecl))
    if each is not None and each.patterns and each.name is None
}  # fmt: skip
"""For patterns without a name: digits are in all of them."""
_BY_BASE = {
    "boolean": ["0", "1", "true", "false"],
    "date": ["2011-03-31", "2024-02-29"],
    "dateTime": ["2011-03-31T23:59:00", "2012-01-01T00:00:00Z"],
    "time": ["08:30:00", "23:59:59"],
    "decimal": ["0", "12.5", "-3"],
    "float": ["0", "1.5", "2e3"],
    "double": ["0", "1.5"],
    "base64Binary": ["aGVsbG8=", ""],
}
_RANGES = {
    "positiveInteger": (1, 10**6),
    "nonNegativeInteger": (0, 10**6),
    "integer": (-5, 10**6),
    "unsignedInt": (0, 10**6),
    "unsignedShort": (0, 65535),
    "short": (0, 32767),
}


def package(operation: Operation, request: Element) -> Element:
    """A call as an operation of a LinkedOp holds it."""
    writer = MessageWriter(old(), operation.input)
    text, unwritten = writer.write(request)
    assert not unwritten, unwritten
    return Element("package", base64.b64encode(writer.envelope(text)).decode())


class Messages:
    """Makes messages from one source of randomness. `full` is the chance that an optional thing is there."""

    def __init__(self, source: random.Random, full: float | None = None, most: int = 3) -> None:
        self.random = source
        self.full = source.choice((0.15, 0.5, 0.95)) if full is None else full
        self.most = most
        self.count = 0

    def message(self, decl: ElementDecl) -> Element:
        return self.element(decl, 0)

    def element(self, decl: ElementDecl, depth: int) -> Element:
        kind = decl.complex
        made = Element(decl.name)
        if kind is None or kind.text is not None:
            simple = decl.simple
            assert simple is not None
            made.text = self.value(simple)
        else:
            made.children = list(self.content(kind, depth + 1))
        if kind is not None and kind.all_attributes:
            made.attributes = {
                each.name: self.value(each.type) for each in kind.all_attributes if self.chance(0.8)
            }
        return made

    def content(self, kind: ComplexType, depth: int) -> Iterator[Element]:
        if kind.base is not None:
            yield from self.content(kind.base, depth)
        times = 0 if kind.occurs_min == 0 and not self.chance(self.full) else 1
        if kind.occurs_max is None:
            times = self.random.randint(1, self.most)
        for _ in range(times):
            for particle in kind.particles:
                yield from self.particle(particle, depth)

    def particle(self, particle: Particle, depth: int) -> Iterator[Element]:
        for _ in range(self.times(particle, depth)):
            if isinstance(particle, ElementDecl):
                yield self.element(particle, depth)
            elif particle.kind == "choice":
                yield from self.particle(self.random.choice(particle.particles), depth)
            else:
                yield from self.sequence(particle, depth)

    def sequence(self, group: Group, depth: int) -> Iterator[Element]:
        for inner in group.particles:
            yield from self.particle(inner, depth)

    def times(self, particle: Particle, depth: int) -> int:
        if particle.max == 0:
            return 0
        if depth > 6 and particle.min == 0:
            return 0
        if particle.min == 0 and not self.chance(self.full):
            return 0
        most = self.most if particle.max is None else min(particle.max, self.most)
        return self.random.randint(max(1, particle.min), max(1, most))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def value(self, simple: Simple) -> str:
        if simple.enum:
            return self.random.choice(simple.enum)
        known = _BY_TYPE.get(simple.name or "") or _BY_PATTERN.get(simple.patterns)
        if known:
            return self.random.choice(known)
        if simple.base in _RANGES:
            return str(self.random.randint(*_RANGES[simple.base]))
        if simple.base in _BY_BASE:
            return self.random.choice(_BY_BASE[simple.base])
        return self.text(simple)

    def text(self, simple: Simple) -> str:
        """A text that no other leaf of the message has, so that it can be found again."""
        self.count += 1
        text = f"{self.random.choice(_WORDS)} {self.count}"
        return text.ljust(simple.min_length, "x")[: simple.max_length]
