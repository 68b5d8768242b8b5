"""XSD: the published schema of an interface, one document for each namespace.

Derived wholly from the interface, in the form of the vendor's files where that is known
(`Interface.published`); nothing about a type is written down twice. An element in the namespace
of the type that holds it is declared where it stands. One in another namespace is declared there, once and
globally, and referred to: XML Schema knows no other way, and all its uses must then agree on the type.
Prefixes are the namespace keys of the description (`Common:notice`), so that both can be read side by side; a
schema's own types have none, for its namespace is the default one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from lxml import etree

from shim.core.schema.interface import (
    XML_SCHEMA,
    Attribute,
    ComplexType,
    ElementDecl,
    Group,
    Interface,
    Particle,
    Simple,
)

Node = etree._Element
Locate = Callable[[str], str]
"""Takes a namespace key and gives the location of its schema document."""
_UNTYPED = {"xs:anyType", "xs:anySimpleType"}


class Schemas:
    """The schema documents of one interface.

    Raises ValueError for an element that is used outside its namespace with two different types.
    """

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._shared: dict[str, list[ElementDecl]] = defaultdict(list)
        for uses in _visitors(interface).values():
            self._shared[uses[0].namespace].append(_agreed(interface, uses))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all namespaces that have something in them, sorted."""
        return tuple(sorted({*self.interface.namespaces, *self._shared}))

    def document(self, key: str, version: str, locate: Locate) -> Node:
        """The schema of one namespace, empty for a key that the interface does not use."""
        writer = _Writer(self.interface, key)
        nodes = [*writer.types(), *writer.elements(self._shared.get(key, []))]
        return writer.schema(nodes, version, locate)


class _Writer:
    """Writes the schema of one namespace and remembers which others it refers to."""

    def __init__(self, interface: Interface, key: str) -> None:
        self.interface = interface
        self.key = key
        self.used: set[str] = set()
        self._direct_kinds = [_named(interface, name) for name in interface.published.direct_choices]

    def schema(self, nodes: list[Node], version: str, locate: Locate) -> Node:
        others = self._imports()
        spaces = {key: self.interface.namespace(key, version) for key in others}
        own = self.interface.namespace(self.key, version)
        imports = [_xs("import", schemaLocation=locate(key), namespace=spaces[key]) for key in others]
        root = etree.Element(
            f"{{{XML_SCHEMA}}}schema",
            {"targetNamespace": own, "elementFormDefault": "qualified", "id": self.key},
            nsmap=_prefixes(own, {"xs": XML_SCHEMA, **spaces}),
        )
        root.extend([*imports, *nodes])
        return root

    def _imports(self) -> list[str]:
        """The other namespaces, in the vendor's order where it is known; no used one is missing."""
        known = self.interface.published.imports.get(self.key)
        first = known if known is not None else self._usual_imports()
        rest = sorted(self.used - {self.key, "xs", *first})
        return [*first, *rest]

    def _usual_imports(self) -> list[str]:
        """By the pattern of the vendor's files: a service's messages, their parts, its data, what all share."""
        service = next((name for name in self.interface.services if self.key in _schema_keys(name)), None)
        if service is None or not self.interface.published.imports:
            return []
        data, messages, infos = _schema_keys(service)
        return {messages: [data, infos, "Common"], infos: [data, "Common"], data: ["Common"]}[self.key]

    def types(self) -> Iterator[Node]:
        for name, simple in self.interface.simple.items():
            if _key(name) == self.key:
                yield self._simple(simple, name=_local(name))
        for name, kind in self.interface.types.items():
            if _key(name) == self.key:
                yield self._complex(kind, name=_local(name))

    def elements(self, shared: list[ElementDecl]) -> Iterator[Node]:
        own = [decl for name, decl in self.interface.elements.items() if _key(name) == self.key]
        for decl in (*own, *shared):
            yield self.declaration(decl)

    def declaration(self, decl: ElementDecl) -> Node:
        attributes = {"name": decl.name}
        inline: list[Node] = []
        reference = self._reference(decl)
        if reference in _UNTYPED:
            pass  # no type at all, as the vendor has it: PHP and generators make something else of xs:anyType
        elif reference is not None:
            attributes["type"] = reference
        elif isinstance(decl.type, ComplexType):
            inline.append(self._complex(decl.type))
        else:
            inline.append(self._simple(decl.type))
        attributes |= _occurs(decl.min, decl.max)
        if decl.default is not None:
            attributes["default"] = decl.default
        if decl.nillable:
            attributes["nillable"] = "true"
        return _xs("element", *inline, **attributes)

    def _reference(self, holder: ElementDecl | Attribute) -> str | None:
        kind = holder.type
        if isinstance(kind, ComplexType):
            return self._qname(kind.name) if kind.name else None
        return self._simple_reference(kind)

    def _simple_reference(self, simple: Simple) -> str | None:
        name = simple.name or (None if self._facets(simple) else simple.parent)
        return self._qname(name) if name else None

    def _qname(self, name: str) -> str:
        self.used.add(_key(name))
        return _local(name) if _key(name) == self.key else name

    def _simple(self, simple: Simple, **name: str) -> Node:
        parent = self._qname(simple.parent or f"xs:{simple.base}")
        facets = [_xs(facet, value=value) for facet, value in self._facets(simple)]
        return _xs("simpleType", _xs("restriction", *facets, base=parent), **name)

    def _facets(self, simple: Simple) -> list[tuple[str, str]]:
        """The facets that a type adds to its parent's.

        Repeating an inherited pattern would void the type's own: patterns of one step are alternatives.
        """
        parent = self.interface.simple.get(simple.parent or "") or Simple(None, simple.base)
        facets: list[tuple[str, str]] = []
        if simple.white_space != parent.white_space and simple.white_space:
            facets.append(("whiteSpace", simple.white_space))
        if simple.min_length != parent.min_length:
            facets.append(("minLength", str(simple.min_length)))
        if simple.max_length != parent.max_length:
            facets.append(("maxLength", str(simple.max_length)))
        facets += [("pattern", pattern) for pattern in simple.patterns[len(parent.patterns) :]]
        if simple.enum != parent.enum:
            facets += [("enumeration", value) for value in simple.enum]
        return facets

    def _complex(self, kind: ComplexType, **name: str) -> Node:
        return _xs("complexType", *self._content(kind), **name)

    def _content(self, kind: ComplexType) -> list[Node]:
        attributes = [self._attribute(each) for each in kind.attributes]
        if kind.text is not None:
            extension = _xs("extension", *attributes, base=self._text(kind.text))
            return [_xs("simpleContent", extension)]
        own = [*self._sequence(kind), *attributes]
        if kind.base is None:
            return own
        extension = _xs("extension", *own, base=self._qname(str(kind.base.name)))
        return [_xs("complexContent", extension)]

    def _text(self, simple: Simple) -> str:
        reference = self._simple_reference(simple)
        if reference is None:
            raise ValueError("the text of a complex type must be of a named type")
        return reference

    def _sequence(self, kind: ComplexType) -> list[Node]:
        if kind.base is not None and not kind.particles:
            return []
        particles = self._particles(kind.particles)
        if self._direct(kind):
            return particles
        return [_xs("sequence", *particles, **_occurs(kind.occurs_min, kind.occurs_max))]

    def _direct(self, kind: ComplexType) -> bool:
        """True if the vendor's file has the type's one choice without a sequence around it."""
        return any(kind is each for each in self._direct_kinds)

    def _particles(self, particles: tuple[Particle, ...]) -> list[Node]:
        """Particles that can never be sent are left out.

        XML Schema says that `maxOccurs="0"` is the same as no particle, but generators of client code
        offer such elements to the programmer all the same, and PHP and zeep would write them.
        """
        return [self._particle(each) for each in particles if each.max != 0]

    def _particle(self, particle: Particle) -> Node:
        if isinstance(particle, Group):
            occurs = _occurs(particle.min, particle.max)
            return _xs(particle.kind, *self._particles(particle.particles), **occurs)
        if particle.namespace == self.key:
            return self.declaration(particle)
        name = self._qname(f"{particle.namespace}:{particle.name}")
        return _xs("element", ref=name, **_occurs(particle.min, particle.max))

    def _attribute(self, attribute: Attribute) -> Node:
        reference = self._reference(attribute)
        inline = [] if reference else [self._simple(attribute.type)]
        described = {"name": attribute.name}
        if reference is not None:
            described["type"] = reference
        if attribute.default is not None:
            described["default"] = attribute.default
        return _xs("attribute", *inline, **described)


def _visitors(interface: Interface) -> dict[tuple[str, str], list[ElementDecl]]:
    """The elements that stand in types of another namespace, with all their uses there."""
    by_reference: dict[tuple[str, str], list[ElementDecl]] = defaultdict(list)
    for name, kind in interface.types.items():
        _visit(kind.particles, _key(name), by_reference)
    for name, decl in interface.elements.items():
        if isinstance(decl.type, ComplexType) and decl.type.name is None:
            _visit(decl.type.particles, _key(name), by_reference)
    return by_reference


def _visit(
    particles: tuple[Particle, ...], owner: str, by_reference: dict[tuple[str, str], list[ElementDecl]]
) -> None:
    for particle in particles:
        if isinstance(particle, Group):
            _visit(particle.particles, owner, by_reference)
            continue
        if particle.namespace != owner and particle.max != 0:
            by_reference[particle.namespace, particle.name].append(particle)
        if isinstance(particle.type, ComplexType) and particle.type.name is None:
            _visit(particle.type.particles, particle.namespace, by_reference)


def _agreed(interface: Interface, uses: list[ElementDecl]) -> ElementDecl:
    """The one global declaration of an element; a default only where all uses have it."""
    default = uses[0].default if len({use.default for use in uses}) == 1 else None
    shared = [replace(use, min=1, max=1, default=default) for use in uses]
    forms = {etree.tostring(_Writer(interface, use.namespace).declaration(use)) for use in shared}
    if len(forms) > 1:
        name = f"{uses[0].namespace}:{uses[0].name}"
        raise ValueError(f"{name} is used outside its namespace with {len(forms)} different types")
    return shared[0]


def _named(interface: Interface, name: str) -> ComplexType:
    """A complex type by its name, or by that of the global element that holds it."""
    kind = interface.types[name] if name in interface.types else interface.elements[name].type
    if not isinstance(kind, ComplexType):
        raise ValueError(f"{name} is no complex type")
    return kind


def _occurs(low: int, high: int | None) -> dict[str, str]:
    occurs: dict[str, str] = {}
    if low != 1:
        occurs["minOccurs"] = str(low)
    if high != 1:
        occurs["maxOccurs"] = "unbounded" if high is None else str(high)
    return occurs


def _xs(tag: str, *children: Node, **attributes: str) -> Node:
    node = etree.Element(f"{{{XML_SCHEMA}}}{tag}", attributes, nsmap={"xs": XML_SCHEMA})
    node.extend(children)
    return node


def _prefixes(default: str, prefixes: dict[str, str]) -> dict[str, str]:
    """A namespace map with a default one, of which the type stubs of lxml know nothing."""
    return cast("dict[str, str]", {None: default, **prefixes})


def _schema_keys(service: str) -> tuple[str, str, str]:
    """The namespaces of a service: its data, its messages, and the parts of messages."""
    return f"{service}Data", f"{service}Messages", f"{service}MessagesInfo"


def _key(name: str) -> str:
    return name.partition(":")[0]


def _local(name: str) -> str:
    return name.partition(":")[2]
