"""Builds the views of an interface out of its description, the JSON in `shim/interfaces`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from shim.core.schema.interface import (
    Attribute,
    ComplexType,
    ElementDecl,
    Group,
    Interface,
    Operation,
    Particle,
    PublishedForm,
    Service,
    Simple,
    Type,
)


def build(data: Mapping[str, Any]) -> Interface:
    """Build the views of one description.

    `data` has the form that `shim/interfaces/README.md` describes. Raises KeyError for a reference to a
    type that the description does not hold.
    """
    return _Builder(data).interface()


class _Builder:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.types: dict[str, ComplexType] = {}
        self.simple: dict[str, Simple] = {}

    def interface(self) -> Interface:
        data = self.data
        for name in data["simple"]:
            self.named(name)
        for name in data["types"]:
            self.named(name)
        elements = {name: self.element(name, entry) for name, entry in data["elements"].items()}
        services = {name: self.service(name, entry, elements) for name, entry in data["services"].items()}
        form = _published(data.get("tree", {}))
        may = {name: tuple(each) for name, each in data.get("may_require", {}).items()}
        return Interface(
            data["version"],
            data["namespace"],
            services,
            elements,
            self.types,
            self.simple,
            form,
            may_require=may,
        )

    def service(self, name: str, entry: Mapping[str, Any], elements: Mapping[str, ElementDecl]) -> Service:
        service = Service(
            name=name,
            namespace=entry["namespace"],
            endpoint=entry["endpoint"],
            port_type=entry["portType"],
            binding=entry["binding"],
            service=entry["service"],
            port=entry["port"],
        )
        for op in entry["operations"]:
            service.operations[op["name"]] = Operation(
                op["name"], name, op["soapAction"], elements[op["input"]], elements[op["output"]]
            )
        return service

    def element(self, name: str, entry: Mapping[str, Any]) -> ElementDecl:
        key, _, local = name.partition(":")
        return ElementDecl(local, key, self.type(entry["type"]), nillable=entry.get("nillable", False))

    def type(self, ref: str | Mapping[str, Any]) -> Type:
        if isinstance(ref, str):
            return self.named(ref)
        if "complex" in ref:
            return self.fill(ComplexType(None), ref["complex"])
        return self.restrict(None, ref["simple"])

    def named(self, name: str) -> Type:
        if name.startswith("xs:"):
            return Simple(None, name[3:], parent=name)
        if name in self.data["simple"]:
            if name not in self.simple:
                self.simple[name] = self.restrict(name, self.data["simple"][name])
            return self.simple[name]
        if name not in self.types:
            self.types[name] = ComplexType(name)
            self.fill(self.types[name], self.data["types"][name])
        return self.types[name]

    def simple_type(self, ref: str | Mapping[str, Any]) -> Simple:
        simple = self.type(ref)
        if not isinstance(simple, Simple):
            raise KeyError(f"{ref!r} is not a simple type")
        return simple

    def restrict(self, name: str | None, facets: Mapping[str, Any]) -> Simple:
        base = self.simple_type(facets["base"])
        longest = facets.get("maxLength")
        return Simple(
            name=name,
            base=base.base,
            enum=tuple(facets.get("enum", base.enum)),
            patterns=base.patterns + tuple(facets.get("pattern", ())),
            min_length=int(facets.get("minLength", base.min_length)),
            max_length=int(longest) if longest is not None else base.max_length,
            white_space=facets.get("whiteSpace", base.white_space),
            parent=facets["base"],
        )

    def fill(self, kind: ComplexType, entry: Mapping[str, Any]) -> ComplexType:
        if "extends" in entry:
            base = self.named(entry["extends"])
            if not isinstance(base, ComplexType):
                raise KeyError(f"{entry['extends']} is not a complex type")
            kind.base = base
        kind.particles = tuple(self.particle(each) for each in entry.get("content", ()))
        kind.attributes = tuple(
            Attribute(each["name"], self.simple_type(each["type"]), each.get("default"))
            for each in entry.get("attributes", ())
        )
        kind.text = self.simple_type(entry["text"]) if "text" in entry else None
        occurs = entry.get("occurs", {})
        kind.occurs_min, kind.occurs_max = occurs.get("min", 1), _bound(occurs.get("max", 1))
        return kind

    def particle(self, entry: Mapping[str, Any]) -> Particle:
        low, high = entry.get("min", 1), _bound(entry.get("max", 1))
        if "name" in entry:
            return ElementDecl(
                name=entry["name"],
                namespace=entry["ns"],
                type=self.type(entry["type"]),
                min=low,
                max=high,
                default=entry.get("default"),
                nillable=entry.get("nillable", False),
            )
        kind: Literal["choice", "sequence"] = "choice" if "choice" in entry else "sequence"
        return Group(kind, tuple(self.particle(each) for each in entry[kind]), low, high)


def _published(tree: Mapping[str, Any]) -> PublishedForm:
    order = {
        service: {part: tuple(names) for part, names in parts.items()}
        for service, parts in tree.get("order", {}).items()
    }
    return PublishedForm(
        services=tuple(tree.get("services", ())),
        direct_choices=frozenset(tree.get("direct_choices", ())),
        imports={key: tuple(namespaces) for key, namespaces in tree.get("imports", {}).items()},
        order=order,
        without_style=frozenset(tree.get("without_style", ())),
    )


def _bound(value: int | str) -> int | None:
    return None if value == "unbounded" else int(value)
