"""Writes the WSDL documents of the published tree: of one service, of all in one file, and the root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from lxml import etree

from shim.core.schema.interface import XML_SCHEMA, ElementDecl, Interface, Operation, Service
from shim.core.schema.xsd import Locate, Node

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_PREFIXES = cast("dict[str, str]", {None: _WSDL, "soap": _SOAP})
"""`None` is the default namespace, of which the type stubs know nothing."""
_HTTP = "http://schemas.xmlsoap.org/soap/http"
_HEADERS = {"In": "userCredentials", "Out": "serverInfo"}
_DIRECTIONS = {"input": "In", "output": "Out"}
_BODY_PART = "messagePart"
_HEADER_PART = "headerPart"
"""The vendor's name is that of the body part too, by which JAX-WS RI and Axis 1.4 lose the body."""


class WsdlWriter:
    """Writes WSDL documents of one schema version and address."""

    def __init__(self, interface: Interface, version: str, address: str, locate: Locate) -> None:
        self.interface = interface
        self.version = version
        self.address = address
        self.locate = locate

    def root(self, name: str, namespace: str, imported: Mapping[str, Service]) -> Node:
        """A WSDL that only imports those of the services; `imported` has them by location."""
        spaces = {each.name.lower(): self._versioned(each.namespace) for each in imported.values()}
        root = self._start(name, namespace, spaces)
        for location, service in imported.items():
            space = self._versioned(service.namespace)
            root.append(_wsdl("import", namespace=space, location=location))
        return root

    def definitions(self, name: str, namespace: str, services: list[Service]) -> Node:
        """One WSDL with everything of `services` in it."""
        prefixes = self._message_prefixes(services)
        spaces = {prefix: self.interface.namespace(key, self.version) for key, prefix in prefixes.items()}
        root = self._start(name, namespace, {**spaces, "xsd": XML_SCHEMA, "ns": _ENCODING})
        root.append(self._types(list(prefixes)))
        root.extend(self._messages(services, prefixes))
        for part in (self._port_type, self._binding, self._service):
            root.extend(part(service) for service in services)
        return root

    def _start(self, name: str, namespace: str, spaces: dict[str, str]) -> Node:
        target = self._versioned(namespace)
        attributes = {"name": name, "targetNamespace": target}
        nsmap = {**_PREFIXES, "tns": target, **spaces}
        return etree.Element(f"{{{_WSDL}}}definitions", attributes, nsmap=nsmap)

    def _versioned(self, text: str) -> str:
        return text.replace(self.interface.version, self.version)

    def _message_prefixes(self, services: list[Service]) -> dict[str, str]:
        """The prefix of each namespace that the messages are in, by its key; the headers' is the last."""
        keys = sorted(
            {decl.namespace for each in services for op in each.operations.values() for decl in _both(op)}
        )
        keys = [key for key in keys if key != "HeaderData"]
        if len(services) > 1:
            return {key: key for key in [*keys, "HeaderData"]}
        return {**{key: f"import{number}" for number, key in enumerate(keys)}, "HeaderData": "import7"}

    def _types(self, keys: list[str]) -> Node:
        schema = etree.Element(f"{{{XML_SCHEMA}}}schema", nsmap={"xsd": XML_SCHEMA})
        for key in keys:
            location = {
                "schemaLocation": self.locate(key),
                "namespace": self.interface.namespace(key, self.version),
            }
            etree.SubElement(schema, f"{{{XML_SCHEMA}}}import", location)
        return _wsdl("types", schema)

    def _messages(self, services: list[Service], prefixes: Mapping[str, str]) -> list[Node]:
        """Four messages an operation: PHP mixes those of imported files, and no name comes twice in a tree."""
        messages: list[Node] = []
        for operation in [each for service in services for each in self._ordered(service, "messages")]:
            stem = _stem(operation)
            for direction, decl in zip(_HEADERS, _both(operation), strict=True):
                element = f"{prefixes[decl.namespace]}:{decl.name}"
                messages.append(_message(stem + direction, _BODY_PART, element))
            for direction, header in _HEADERS.items():
                element = f"{prefixes['HeaderData']}:{header}"
                messages.append(_message(f"{stem}{direction}Header1", _HEADER_PART, element))
        return messages

    def _port_type(self, service: Service) -> Node:
        operations = self._ordered(service, "portType")
        return _wsdl("portType", *(_abstract(each) for each in operations), name=service.port_type)

    def _binding(self, service: Service) -> Node:
        return _wsdl(
            "binding",
            _soap("binding", style="document", transport=_HTTP),
            *(self._bound(operation) for operation in self._ordered(service, "binding")),
            name=service.binding,
            type=f"tns:{service.port_type}",
        )

    def _bound(self, operation: Operation) -> Node:
        directions = [
            _wsdl(
                direction,
                _soap("body", use="literal"),
                _soap(
                    "header",
                    message=f"tns:{_stem(operation)}{suffix}Header1",
                    part=_HEADER_PART,
                    use="literal",
                ),
            )
            for direction, suffix in _DIRECTIONS.items()
        ]
        described = {"soapAction": self._versioned(operation.soap_action)}
        if operation.full_name not in self.interface.published.without_style:
            described["style"] = "document"
        return _wsdl("operation", _soap("operation", **described), *directions, name=operation.name)

    def _service(self, service: Service) -> Node:
        address = _soap("address", location=self.address + service.endpoint)
        port = _wsdl("port", address, name=service.port, binding=f"tns:{service.binding}")
        return _wsdl("service", port, name=service.service)

    def _ordered(self, service: Service, part: str) -> list[Operation]:
        order = self.interface.published.order.get(service.name, {}).get(part)
        return [service.operations[name] for name in order or service.operations]


def _abstract(operation: Operation) -> Node:
    directions = [
        _wsdl(direction, message=f"tns:{_stem(operation)}{suffix}") for direction, suffix in _DIRECTIONS.items()
    ]
    return _wsdl("operation", *directions, name=operation.name)


def _message(name: str, part: str, element: str) -> Node:
    return _wsdl("message", _wsdl("part", name=part, element=element), name=name)


def _both(operation: Operation) -> tuple[ElementDecl, ElementDecl]:
    return operation.input, operation.output


def _stem(operation: Operation) -> str:
    """The prefix of the names of an operation's messages: `addClient` of AddClient."""
    return operation.name[0].lower() + operation.name[1:]


def _wsdl(tag: str, *children: Node, **attributes: str) -> Node:
    node = etree.Element(f"{{{_WSDL}}}{tag}", attributes, nsmap=_PREFIXES)
    node.extend(children)
    return node


def _soap(tag: str, **attributes: str) -> Node:
    return etree.Element(f"{{{_SOAP}}}{tag}", attributes, nsmap=_PREFIXES)
