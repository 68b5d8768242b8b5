"""WSDL: the tree of files that describes an interface to SOAP clients, in the form of the vendor's own files.

At the root stand a WSDL that imports one of each service, `Common.xsd` and `HeaderData.xsd`; each service has
a folder with its own WSDL, in a namespace of its own, and its schemas. Beside the root stands the same in one
file, for clients that see no service in a WSDL that only imports (zeep, suds). Locations are relative, so
that a client may download the tree file by file and work from its copy. The text keeps to a form that scripts
edit with sed: WSDL elements without a prefix, `soap:address` with its location first, one element a line.
"""

from __future__ import annotations

from functools import partial

from lxml import etree

from shim.core.schema.interface import Interface, Service
from shim.core.schema.wsdl_writer import WsdlWriter
from shim.core.schema.xsd import Node, Schemas

ROOT = "voipnowservice.wsdl"
FORMER_ROOT = "voipnowcoreservice.wsdl"
"""The name of the root in 2.0. It is answered, but no part of the tree."""
ONE_FILE = "voipnowservice-all.wsdl"
"""All services in one WSDL."""

_ROOT_NAME = "VoipNowService"
_SUFFIXES = ("Data", "Messages", "MessagesInfo")
_WSDL_DECLARATION = b'<?xml version="1.0"?>\n'
_XSD_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


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
        return (ROOT, ONE_FILE, *sorted((*self._services, *self._keys)))

    def document(self, name: str, version: str, address: str, *, base: str = "") -> bytes | None:
        """The content of one file, or None when the tree holds no such file.

        `version` stands in every namespace instead of the interface's own. `address` is what the endpoint
        paths are appended to, such as `https://host:443`. `base`, the absolute URL of the tree, makes the
        imports absolute, for a WSDL that is fetched from somewhere else (`...agent.php?wsdl`).
        """
        locate = partial(self._locate, name.rpartition("/")[0], base)
        writer = WsdlWriter(self.interface, version, address, locate)
        if name in self._keys:
            return _text(self._schemas.document(self._keys[name], version, locate), _XSD_DECLARATION)
        if name in self._services:
            service = self._services[name]
            return _text(writer.definitions(service.name, service.namespace, [service]))
        namespace = self.interface.namespace_pattern.replace("{name}.xsd", _ROOT_NAME)
        if name in {ROOT, FORMER_ROOT}:
            return _text(writer.root(_ROOT_NAME, namespace, self._imported(base)))
        if name == ONE_FILE:
            return _text(writer.definitions(_ROOT_NAME, namespace, list(self.interface.services.values())))
        return None

    def _imported(self, base: str) -> dict[str, Service]:
        """The services by the location of their WSDL, in the order in which the root imports them."""
        prefix = f"{base.rstrip('/')}/" if base else ""
        first = self.interface.published.services
        names = [*first, *(name for name in self.interface.services if name not in first)]
        return {f"{prefix}{name}/{name}.wsdl": self.interface.services[name] for name in names}

    def _locate(self, folder: str, base: str, key: str) -> str:
        path = self._files[key]
        if base:
            return f"{base.rstrip('/')}/{path}"
        if folder and path.startswith(f"{folder}/"):
            return path.removeprefix(f"{folder}/")
        return f"../{path}" if folder else path


def _schema_files(interface: Interface, keys: tuple[str, ...]) -> dict[str, str]:
    """The path of each namespace's schema.

    Each service has all its schemas, be they empty: there are clients that download a fixed list of files
    and take a missing one for a failure.
    """
    files = {
        f"{name}{suffix}": f"{name}/{name}{suffix}.xsd" for name in interface.services for suffix in _SUFFIXES
    }
    return {**{key: f"{key}.xsd" for key in keys}, **files}


def _text(root: Node, declaration: bytes = _WSDL_DECLARATION) -> bytes:
    return declaration + etree.tostring(root, pretty_print=True, encoding="utf-8")
