"""The judge of what goes out: the published schemas of an interface, compiled by libxml2.

The published tree itself is judged through `Published`, which walks its schemas without the interface.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

from lxml import etree

from shim.core.answers.notices import NAMESPACE
from shim.core.parse import SOAP
from shim.core.schema.interface import XML_SCHEMA, Interface
from shim.core.schema.wsdl import Publication
from shim.interfaces.load import old

XS = f"{{{XML_SCHEMA}}}"
TOLD = f"{{{NAMESPACE}}}deprecation"
ADDRESS = "https://old.example:443"


def write_tree(interface: Interface, folder: Path, version: str | None = None) -> None:
    """Write the published tree into `folder`, as a client does that downloads it file by file."""
    publication = Publication(interface)
    for name in publication.names():
        document = publication.document(name, version or interface.version, ADDRESS)
        assert document is not None, name
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(document)


def schema(interface: Interface, version: str | None = None) -> etree.XMLSchema:
    """All namespaces of an interface in one compiled schema."""
    return _compiled(interface, version or interface.version)


@cache
def _compiled(interface: Interface, version: str) -> etree.XMLSchema:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tree(interface, folder, version)
        whole = etree.Element(XS + "schema")
        for path in sorted(folder.rglob("*.xsd")):
            namespace = etree.parse(path).getroot().get("targetNamespace")
            location = {"namespace": str(namespace), "schemaLocation": str(path.relative_to(folder))}
            etree.SubElement(whole, XS + "import", location)
        entry = folder / "all.xsd"
        entry.write_bytes(etree.tostring(whole))
        return etree.XMLSchema(file=str(entry))


def assert_valid(
    envelope: bytes, interface: Interface, version: str | None = None, *, texts_as_sent: bool = False
) -> None:
    """Fail unless the body element and all header blocks of a SOAP message are valid on their own.

    The schema knows nothing of the block that tells of findings, and clients pass over it. With
    `texts_as_sent` texts may break a pattern or a length, as callers of the old server could, and what is empty
    takes a value away whatever its type; in answers of 2.5 texts always may, for the old server wrote what its
    program gave.
    """
    root = etree.fromstring(envelope)
    assert root.tag == f"{{{SOAP}}}Envelope", f"not a SOAP 1.1 envelope: {root.tag}"
    body = root.findall(f"{{{SOAP}}}Body/*")
    assert len(body) == 1, f"{len(body)} elements in the body instead of one"
    texts_as_sent = texts_as_sent or (interface is old() and str(body[0].tag).endswith("Response"))
    judge = schema(interface, version)
    headers = [each for each in root.findall(f"{{{SOAP}}}Header/*") if each.tag != TOLD]
    problems = [problem for part in headers + body for problem in _judge(part, judge, texts_as_sent)]
    if problems:
        message = etree.tostring(root, pretty_print=True, encoding="unicode")
        raise AssertionError("\n".join([f"not valid in {version or interface.version}:", *problems, message]))


_FACETS = {"SCHEMAV_CVC_PATTERN_VALID", "SCHEMAV_CVC_MINLENGTH_VALID", "SCHEMAV_CVC_MAXLENGTH_VALID"}
_NO_VALUE = "SCHEMAV_CVC_DATATYPE_VALID_1_2_1"


def _judge(part: etree._Element, judge: etree.XMLSchema, texts_as_sent: bool) -> list[str]:
    alone = etree.ElementTree(deepcopy(part))
    if judge.validate(alone):
        return []
    errors = list(judge.error_log)
    odd = {each.path for each in errors if _is_text(each)} if texts_as_sent else set()
    allowed = _FACETS | {_NO_VALUE, "SCHEMAV_CVC_ENUMERATION_VALID"}
    return [
        f"- {each.path}: {each.message}"
        for each in errors
        if each.path not in odd or each.type_name not in allowed
    ]


def _is_text(error: etree._LogEntry) -> bool:
    """Whether an error is about the form of a text, or about a value that is empty."""
    empty = error.type_name in (_NO_VALUE, "SCHEMAV_CVC_ENUMERATION_VALID") and "''" in str(error.message)
    return error.type_name in _FACETS or empty


class Published:
    """The schema documents of a tree, read back without any help of the interface."""

    def __init__(self, folder: Path) -> None:
        self.named: dict[tuple[str, str], etree._Element] = {}
        for path in folder.rglob("*.xsd"):
            root = etree.parse(path).getroot()
            for node in root.iterchildren(XS + "element", XS + "complexType", XS + "simpleType"):
                kind = "element" if node.tag == XS + "element" else "type"
                self.named[kind, f"{{{root.get('targetNamespace')}}}{node.get('name')}"] = node

    def paths(self, element: etree._Element, prefix: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
        """Every path below an element, with what is declared there."""
        for node, type_name in self.content(element):
            if node.tag == XS + "attribute":
                yield f"{prefix}@{node.get('name')} {node.get('default')}"
                continue
            if type_name and type_name in above:
                continue
            found, namespace = self.resolved(node)
            path = prefix + str(found.get("name"))
            occurs = f"{node.get('minOccurs', '1')}..{node.get('maxOccurs', '1')}"
            yield f"{path} {namespace} {occurs} {found.get('nillable', 'false')}"
            below = (*above, type_name) if type_name else above
            yield from self.paths(found, path + "/", below)

    def content(self, element: etree._Element) -> Iterator[tuple[etree._Element, str]]:
        """The elements and attributes of an element's type, those of the base first."""
        name = element.get("type", "")
        holder = self.named.get(("type", _clark(element, name))) if name else element.find(XS + "complexType")
        if holder is None or holder.tag != XS + "complexType":
            return
        for extension in holder.iterfind(f"{XS}complexContent/{XS}extension"):
            yield from self.content(
                etree.Element("base", {"type": str(extension.get("base"))}, extension.nsmap)
            )
        for node in _own(holder):
            yield node, _clark(element, name) if name else ""

    def resolved(self, node: etree._Element) -> tuple[etree._Element, str]:
        reference = node.get("ref")
        if reference is not None:
            node = self.named["element", _clark(node, reference)]
        return node, str(node.getroottree().getroot().get("targetNamespace"))


def _own(holder: etree._Element) -> Iterator[etree._Element]:
    for child in holder:
        if child.tag in (XS + "element", XS + "attribute"):
            yield child
        else:
            yield from _own(child)


def _clark(node: etree._Element, name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{node.nsmap[prefix or None]}}}{local}"
