"""Typed views of one version of SystemAPI.

An interface is data: one JSON description a version (see `shim/interfaces`). This module turns such a
description into frozen-by-convention views that everything else walks: parsing, writing, the published
WSDL, the check of the declarations, the emulator, and generated test messages. Views are built once, at
start; nothing here is slow enough to matter later and nothing here is ever changed after it was built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

XML_SCHEMA = "http://www.w3.org/2001/XMLSchema"


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple type: `base` is the local name of the XML Schema type it comes down to."""

    name: str | None
    base: str
    enum: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    min_length: int = 0
    max_length: int | None = None
    white_space: str | None = None
    parent: str | None = None
    """The type that is restricted, as written in the description: `xs:string`, `Common:string`, ..."""


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    type: Simple
    default: str | None = None


@dataclass(eq=False, slots=True)
class ElementDecl:
    """One element particle. `namespace` is the key of its namespace; `max` is None when unbounded."""

    name: str
    namespace: str
    type: Type
    min: int = 1
    max: int | None = 1
    default: str | None = None
    nillable: bool = False

    @property
    def complex(self) -> ComplexType | None:
        return self.type if isinstance(self.type, ComplexType) else None

    @property
    def simple(self) -> Simple | None:
        """The type of the element's text: its own, or that of a complex type with simple content."""
        return self.type if isinstance(self.type, Simple) else self.type.text

    @property
    def repeated(self) -> bool:
        return self.max is None or self.max > 1


@dataclass(eq=False, slots=True)
class Group:
    kind: Literal["choice", "sequence"]
    particles: tuple[Particle, ...]
    min: int = 1
    max: int | None = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a child stands in its parent: position in the order, and the choices it takes part in.

    Members of a repeated group share one `order`, so that a stable sort keeps the sender's order.
    `choices` pairs the number of a choice with the number of the branch in it.
    """

    decl: ElementDecl
    order: int
    choices: tuple[tuple[int, int], ...] = ()
    in_repeated_group: bool = False

    @property
    def repeated(self) -> bool:
        return self.decl.repeated or self.in_repeated_group


@dataclass(frozen=True, slots=True)
class Demand:
    """At least one of `names` has to be there, if any of `when` is (always, if `when` is empty)."""

    names: tuple[str, ...]
    when: tuple[str, ...] = ()


@dataclass(eq=False)
class ComplexType:
    name: str | None
    base: ComplexType | None = None
    particles: tuple[Particle, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    text: Simple | None = None
    occurs_min: int = 1
    occurs_max: int | None = 1

    @property
    def content(self) -> tuple[Particle, ...]:
        """All particles in order, those of the base first."""
        return (self.base.content if self.base else ()) + self.particles

    @cached_property
    def all_attributes(self) -> tuple[Attribute, ...]:
        return (self.base.all_attributes if self.base else ()) + self.attributes

    @cached_property
    def slots(self) -> Mapping[str, Slot]:
        """The children by local name, in order; local names are unique within a type in both versions."""
        return {slot.decl.name: slot for slot in _slots(self)}

    @cached_property
    def demands(self) -> tuple[Demand, ...]:
        """The elements that have to be there. `occurs` is about the type's own content, not about that of its
        base."""
        own = tuple(name for particle in self.particles for name in _names(particle))
        base = self.base.demands if self.base else ()
        return (*base, *_demands(self.particles, own if self.occurs_min == 0 else ()))


Type = Simple | ComplexType
Particle = ElementDecl | Group


@dataclass(eq=False, slots=True)
class Operation:
    name: str
    service: str
    soap_action: str
    input: ElementDecl
    output: ElementDecl

    @property
    def full_name(self) -> str:
        return f"{self.service}.{self.name}"


@dataclass(eq=False, slots=True)
class Service:
    name: str
    namespace: str
    endpoint: str
    port_type: str
    binding: str
    service: str
    port: str
    operations: dict[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishedForm:
    """How the vendor's own files are written where the interface does not tell: the content of `*.tree.json`.

    Names of types are as in the description (`ClientMessages:DelClientRequest`), operations by their own
    name. What is not said here is written by pattern.
    """

    services: tuple[str, ...] = ()
    """The order in which the root imports them; those not named follow."""
    direct_choices: frozenset[str] = frozenset()
    """Types whose one choice stands in them directly, not inside a sequence."""
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The namespaces that a schema imports, in order, used or not."""
    order: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """By service, then `portType`, `messages` or `binding`: the operations in the order of that part."""
    without_style: frozenset[str] = frozenset()
    """Operations (`PBX.GetTemplates`) whose soap:operation has no style."""


@dataclass(eq=False)
class Interface:
    """One version of SystemAPI. `types` and `elements` are keyed `Namespace:Name` as in the description."""

    version: str
    namespace_pattern: str
    services: dict[str, Service]
    elements: dict[str, ElementDecl]
    types: dict[str, ComplexType]
    simple: dict[str, Simple]
    published: PublishedForm = field(default_factory=PublishedForm)
    earlier: Interface | None = None
    """How the versions before were, where that is known to differ; None: they were as this one."""
    header_namespace: str = ""
    """The namespace of header blocks, where a server is to be told another than that of its version."""
    may_require: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By operation: what a server of this version may demand of a request beyond the schema."""

    def namespace(self, key: str, version: str | None = None) -> str:
        """The namespace URI of a key, such as `ClientData`; of another schema version if one is given."""
        if key == "xs":
            return XML_SCHEMA
        if key == "HeaderData" and self.header_namespace:
            return self.header_namespace
        uri = self.namespace_pattern.replace("{name}", key)
        return uri.replace(self.version, version) if version else uri

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """All namespace keys, sorted."""
        keys = {name.partition(":")[0] for name in (*self.elements, *self.types, *self.simple)}
        return tuple(sorted(keys))

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """All operations by full name, such as `Client.AddClient`."""
        return {op.full_name: op for service in self.services.values() for op in service.operations.values()}

    @cached_property
    def by_input(self) -> dict[str, Operation]:
        """Operations by the local name of their request element, which is unique in both versions."""
        return {op.input.name: op for op in self.operations.values()}


@lru_cache(maxsize=16)
def paths(decl: ElementDecl) -> tuple[tuple[str, ElementDecl | Attribute], ...]:
    """Every path below a message element, attributes as `a/@b`, in schema order, without the root.

    Some are kept: an operation is compiled in one go, and each step of it looks at the same few messages.
    """
    below: list[tuple[str, ElementDecl | Attribute]] = []
    _add_paths(below, decl, "", ())
    return tuple(below)


def _add_paths(
    below: list[tuple[str, ElementDecl | Attribute]],
    decl: ElementDecl,
    prefix: str,
    above: tuple[ComplexType, ...],
) -> None:
    kind = decl.complex
    if kind is None or kind in above:
        return
    for attribute in kind.all_attributes:
        below.append((f"{prefix}@{attribute.name}", attribute))
    for name, slot in kind.slots.items():
        path = prefix + name
        below.append((path, slot.decl))
        if not isinstance(slot.decl.type, Simple):
            _add_paths(below, slot.decl, path + "/", (*above, kind))


def _slots(kind: ComplexType) -> Iterator[Slot]:
    order = 0
    choice = 0

    def walk(
        particles: tuple[Particle, ...], choices: tuple[tuple[int, int], ...], frozen: bool, in_choice: bool
    ) -> Iterator[Slot]:
        nonlocal order, choice
        for branch, particle in enumerate(particles):
            if in_choice:
                number, _ = choices[-1]
                choices = (*choices[:-1], (number, branch))
            if isinstance(particle, ElementDecl):
                order += 0 if frozen else 1
                kept = tuple(pair for pair in choices if pair[0] >= 0)
                yield Slot(particle, order, kept, frozen)
                continue
            repeated = particle.max is None or particle.max > 1
            order += 1 if repeated and not frozen else 0
            if particle.kind == "choice":
                choice += 1
                number = -1 if repeated or frozen else choice
                yield from walk(particle.particles, (*choices, (number, 0)), frozen or repeated, True)
            else:
                yield from walk(particle.particles, choices, frozen or repeated, False)

    inherited = kind.base.content if kind.base else ()
    yield from walk(inherited, (), False, False)
    yield from walk(kind.particles, (), kind.occurs_max is None or kind.occurs_max > 1, False)


def _names(particle: Particle) -> tuple[str, ...]:
    if isinstance(particle, ElementDecl):
        return (particle.name,)
    return tuple(name for inner in particle.particles for name in _names(inner))


def _emptiable(particle: Particle) -> bool:
    if particle.min == 0:
        return True
    if isinstance(particle, ElementDecl):
        return False
    inner = [_emptiable(each) for each in particle.particles]
    return any(inner) if particle.kind == "choice" else all(inner)


def _demands(particles: tuple[Particle, ...], when: tuple[str, ...]) -> Iterator[Demand]:
    for particle in particles:
        if isinstance(particle, ElementDecl):
            if particle.min > 0:
                yield Demand((particle.name,), when)
        elif particle.kind == "sequence":
            inner = when if particle.min > 0 else _names(particle)
            yield from _demands(particle.particles, inner)
        else:
            if not _emptiable(particle):
                yield Demand(_names(particle), when)
            for branch in particle.particles:
                if isinstance(branch, Group):
                    yield from _demands((branch,), _names(branch))
