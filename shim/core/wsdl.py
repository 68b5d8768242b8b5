"""WSDL: the tree of files that describes an interface to SOAP clients, as the old server published it.

At the root stand a WSDL with every service, `Common.xsd` and `HeaderData.xsd`; each service has a folder
with its own WSDL and its schemas. Locations are relative, so that a client may download the tree file by
file and work from its copy. The text keeps to a form that scripts edit with sed: WSDL elements without a
prefix, `soap:address` with its location first, one element a line.
"""

from __future__ import annotations

from functools import partial
from typing import cast

from lxml import etree

from shim.core.interface import XML_SCHEMA, Interface, Operation, Service
from shim.core.xsd import Locate, Node, Schemas

ROOT = "voipnowservice.wsdl"
FORMER_ROOT = "voipnowcoreservice.wsdl"
"""What the root was called in 2.0. It is answered, but no part of the tree."""

_ROOT_NAME = "VoipNowService"
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_PREFIXES = cast("dict[str, str]", {None: _WSDL, "soap": _SOAP})
"""`None` is the default namespace, of which the type stubs know nothing."""
_HTTP = "http://schemas.xmlsoap.org/soap/http"
_SUFFIXES = ("Data", "Messages", "MessagesInfo")
_HEADERS = {"input": "userCredentials", "output": "serverInfo"}
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


class Publication:
    """The published files of one interface. Keep it: what the files say is derived at every call."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._schemas = Schemas(interface)
        self._files = _schema_files(interface, self._schemas.keys)
        self._keys = {path: key for key, path in self._files.items()}
        self._services = {f"{name}/{name}.wsdl": service for name, service in interface.services.items()}

    def names(self) -> tuple[str, ...]:
        """The relative paths of the tree, sorted, the root first."""
        return (ROOT, *sorted((*self._services, *self._keys)))

    def document(self, name: str, version: str, address: str, *, base: str = "") -> bytes | None:
        """The content of one file, or None when the tree holds no such file.

        `version` stands in every namespace instead of the interface's own. `address` is what the endpoint
        paths are appended to, such as `https://host:443`. `base`, the absolute URL of the tree, makes the
        imports absolute, for a WSDL that is fetched from somewhere else (`...agent.php?wsdl`).
        """
        locate = partial(self._locate, name.rpartition("/")[0], base)
        writer = _Writer(self.interface, version, address, locate)
        if name in self._keys:
            return _text(self._schemas.document(self._keys[name], version, locate))
        if name in self._services:
            service = self._services[name]
            return _text(writer.definitions(service.name, service.namespace, [service]))
        if name in {ROOT, FORMER_ROOT}:
            namespace = self.interface.namespace_pattern.replace("{name}.xsd", _ROOT_NAME)
            services = list(self.interface.services.values())
            return _text(writer.definitions(_ROOT_NAME, namespace, services))
        return None

    def _locate(self, folder: str, base: str, key: str) -> str:
        path = self._files[key]
        if base:
            return f"{base.rstrip('/')}/{path}"
        if folder and path.startswith(f"{folder}/"):
            return path.removeprefix(f"{folder}/")
        return f"../{path}" if folder else path


class _Writer:
    """Writes WSDL documents of one schema version and address."""

    def __init__(self, interface: Interface, version: str, address: str, locate: Locate) -> None:
        self.interface = interface
        self.version = version
        self.address = address
        self.locate = locate

    def definitions(self, name: str, namespace: str, services: list[Service]) -> Node:
        """One WSDL with everything of `services` in it.

        The root holds its services instead of importing their WSDLs: zeep sees no service of an imported
        WSDL, and PHP refuses one that is both imported and repeated.
        """
        target = self._versioned(namespace)
        keys = _message_keys(services)
        root = etree.Element(
            f"{{{_WSDL}}}definitions",
            {"name": name, "targetNamespace": target},
            nsmap={**_PREFIXES, "tns": target, **self._spaces(keys)},
        )
        root.append(self._types(keys))
        for part in (_messages, _port_types, self._bindings, self._services):
            root.extend(part(services))
        return root

    def _versioned(self, text: str) -> str:
        return text.replace(self.interface.version, self.version)

    def _spaces(self, keys: list[str]) -> dict[str, str]:
        return {key: self.interface.namespace(key, self.version) for key in keys}

    def _types(self, keys: list[str]) -> Node:
        schema = etree.Element(f"{{{XML_SCHEMA}}}schema", nsmap={"xs": XML_SCHEMA})
        for key, uri in self._spaces(keys).items():
            location = {"namespace": uri, "schemaLocation": self.locate(key)}
            etree.SubElement(schema, f"{{{XML_SCHEMA}}}import", location)
        return _wsdl("types", schema)

    def _bindings(self, services: list[Service]) -> list[Node]:
        return [
            _wsdl(
                "binding",
                _soap("binding", style="document", transport=_HTTP),
                *(self._bound(operation) for operation in service.operations.values()),
                name=service.binding,
                type=f"tns:{service.port_type}",
            )
            for service in services
        ]

    def _bound(self, operation: Operation) -> Node:
        action = self._versioned(operation.soap_action)
        directions = [
            _wsdl(
                direction,
                _soap("header", message=f"tns:{operation.service}{_title(part)}", part=part, use="literal"),
                _soap("body", use="literal"),
            )
            for direction, part in _HEADERS.items()
        ]
        described = _soap("operation", soapAction=action, style="document")
        return _wsdl("operation", described, *directions, name=operation.name)

    def _services(self, services: list[Service]) -> list[Node]:
        return [
            _wsdl(
                "service",
                _wsdl(
                    "port",
                    _soap("address", location=self.address + service.endpoint),
                    name=service.port,
                    binding=f"tns:{service.binding}",
                ),
                name=service.service,
            )
            for service in services
        ]


def _messages(services: list[Service]) -> list[Node]:
    """The messages; their names are unique in all of the tree, since PHP mixes those of imported files."""
    messages: list[Node] = []
    for service in services:
        for part in _HEADERS.values():
            messages.append(_message(service.name + _title(part), part, f"HeaderData:{part}"))
        for operation in service.operations.values():
            for decl in (operation.input, operation.output):
                messages.append(_message(decl.name, "body", f"{decl.namespace}:{decl.name}"))
    return messages


def _message(name: str, part: str, element: str) -> Node:
    return _wsdl("message", _wsdl("part", name=part, element=element), name=name)


def _port_types(services: list[Service]) -> list[Node]:
    return [
        _wsdl(
            "portType",
            *(_abstract(operation) for operation in service.operations.values()),
            name=service.port_type,
        )
        for service in services
    ]


def _abstract(operation: Operation) -> Node:
    return _wsdl(
        "operation",
        _wsdl("input", message=f"tns:{operation.input.name}"),
        _wsdl("output", message=f"tns:{operation.output.name}"),
        name=operation.name,
    )


def _message_keys(services: list[Service]) -> list[str]:
    """The namespace keys of all messages of some services, and of the headers."""
    operations = [operation for service in services for operation in service.operations.values()]
    return sorted({"HeaderData", *(decl.namespace for op in operations for decl in (op.input, op.output))})


def _schema_files(interface: Interface, keys: tuple[str, ...]) -> dict[str, str]:
    """The path of each namespace's schema.

    Each service has all its schemas, be they empty: there are clients that download a fixed list of files
    and take a missing one for a failure.
    """
    files = {
        f"{name}{suffix}": f"{name}/{name}{suffix}.xsd" for name in interface.services for suffix in _SUFFIXES
    }
    return {**{key: f"{key}.xsd" for key in keys}, **files}


def _title(name: str) -> str:
    return name[0].upper() + name[1:]


def _wsdl(tag: str, *children: Node, **attributes: str) -> Node:
    node = etree.Element(f"{{{_WSDL}}}{tag}", attributes, nsmap=_PREFIXES)
    node.extend(children)
    return node


def _soap(tag: str, **attributes: str) -> Node:
    return etree.Element(f"{{{_SOAP}}}{tag}", attributes, nsmap=_PREFIXES)


def _text(root: Node) -> bytes:
    return _DECLARATION + etree.tostring(root, pretty_print=True, encoding="utf-8")
