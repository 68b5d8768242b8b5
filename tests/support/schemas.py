"""The judge of what goes out: the published schemas of an interface, compiled by libxml2."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path

from lxml import etree

from shim.core.interface import XML_SCHEMA, Interface
from shim.core.parse import SOAP
from shim.core.wsdl import Publication

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
        whole = etree.Element(f"{{{XML_SCHEMA}}}schema")
        for path in sorted(folder.rglob("*.xsd")):
            namespace = etree.parse(path).getroot().get("targetNamespace")
            location = {"namespace": namespace, "schemaLocation": str(path.relative_to(folder))}
            etree.SubElement(whole, f"{{{XML_SCHEMA}}}import", location)
        entry = folder / "all.xsd"
        entry.write_bytes(etree.tostring(whole))
        return etree.XMLSchema(file=str(entry))


def assert_valid(envelope: bytes, interface: Interface, version: str | None = None) -> None:
    """Fail unless the body element and all header blocks of a SOAP message are valid on their own."""
    root = etree.fromstring(envelope)
    assert root.tag == f"{{{SOAP}}}Envelope", f"not a SOAP 1.1 envelope: {root.tag}"
    body = root.findall(f"{{{SOAP}}}Body/*")
    assert len(body) == 1, f"{len(body)} elements in the body instead of one"
    judge = schema(interface, version)
    problems = [problem for part in root.findall(f"{{{SOAP}}}Header/*") + body for problem in _judge(part, judge)]
    if problems:
        message = etree.tostring(root, pretty_print=True, encoding="unicode")
        raise AssertionError("\n".join([f"not valid in {version or interface.version}:", *problems, message]))


def _judge(part: etree._Element, judge: etree.XMLSchema) -> list[str]:
    alone = etree.ElementTree(deepcopy(part))
    if judge.validate(alone):
        return []
    return [f"- {error.path}: {error.message}" for error in judge.error_log]
