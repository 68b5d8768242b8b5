"""Samples: the shape of a call and of the v3 calls it became. No value of a message is in them.

What an interface enumerates, and booleans, stay, since they are its own words; every other text becomes the
name of its element in braces, `{company}`, and every other attribute value that of its attribute. Long lists
are cut after a few items, with a comment that says how many more there were. Names are the caller's, known or
not, as far as findings show them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from lxml import etree

from shim.core.commands.backend import Call
from shim.core.message import LONGEST_NAME, Element
from shim.core.parse import SOAP
from shim.core.reading.encoded_types import XSI
from shim.core.schema.interface import ElementDecl, Interface, Simple
from shim.core.schema.values import boolean

MOST_CALLS = 20
"""v3 calls of one old call that are shown."""
TOKEN = "{accessToken}"  # noqa: S105  # what stands in its place

_MOST_ALIKE = 3
_MOST_ELEMENTS = 1_000
_NIL = Simple(None, "boolean")
_XSI_NIL = f"{{{XSI}}}nil"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def sample(old: Interface, new: Interface, request: Element, calls: Sequence[Call], more: int = 0) -> str:
    """The `sample` column of a finding, JSON: `old`, `calls`, and `more` calls than are shown, if any."""
    shown = [
        {
            "operation": call.full_name,
            "endpoint": call.endpoint,
            "soap_action": call.soap_action,
            "xml": new_shape(new, call.envelope(TOKEN)),
        }
        for call in calls[:MOST_CALLS]
    ]
    parts: dict[str, object] = {"old": old_shape(old, request), "calls": shown}
    left = more + max(0, len(calls) - MOST_CALLS)
    return json.dumps(parts | ({"more": left} if left else {}), ensure_ascii=False)


def old_shape(interface: Interface, request: Element) -> str:
    """The body element of an old message as indented XML without namespaces."""
    operation = interface.by_input.get(request.name)
    root = _built(request)
    _mask(root, operation.input if operation else None)
    return _text(root)


def new_shape(interface: Interface, envelope: bytes) -> str:
    """A whole v3 envelope as indented XML."""
    root = etree.fromstring(envelope, _PARSER)
    operations = {each.input.name: each for each in interface.operations.values()}
    for part in root:
        for block in part:
            name = etree.QName(block).localname
            known = operations.get(name) if part.tag == f"{{{SOAP}}}Body" else None
            _mask(block, known.input if known else None)
    return _text(root)


def _built(element: Element) -> etree._Element:
    """The tree of an element, cut to what is shown."""
    left = _MOST_ELEMENTS

    def build(source: Element) -> etree._Element:
        nonlocal left
        left -= 1
        attributes = {name[:LONGEST_NAME]: value for name, value in source.attributes.items()}
        node = etree.Element(source.name[:LONGEST_NAME], attributes)
        node.text = source.text
        if source.nil:
            node.set(_XSI_NIL, "true")
        shown: Counter[str] = Counter()
        for child in source.children:
            if shown[child.name] < _MOST_ALIKE and left > 0:
                shown[child.name] += 1
                node.append(build(child))
        _tell_rest(node, len(source.children) - shown.total())
        return node

    return build(element)


def _tell_rest(node: etree._Element, count: int) -> None:
    if count:
        node.append(etree.Comment(f" {count} more "))


def _mask(node: etree._Element, decl: ElementDecl | None) -> None:
    """Replace every value of an element and of all below it."""
    name = _local(node)
    kind = decl.complex if decl else None
    attributes = {each.name: each.type for each in kind.all_attributes} if kind else {}
    for key, value in node.attrib.items():
        local = etree.QName(key).localname
        node.set(key, _masked(str(value), _NIL if key == _XSI_NIL else attributes.get(local), local))
    children = [each for each in node if isinstance(each.tag, str)]
    if children:
        node.text = _masked(node.text, None, "text") if (node.text or "").strip() else None
        _cut(node, children)
    else:
        node.text = _masked(node.text, decl.simple if decl else None, name)
    for child in children:
        child.tail = None
        slot = kind.slots.get(_local(child)) if kind else None
        _mask(child, slot.decl if slot else None)


def _cut(node: etree._Element, children: list[etree._Element]) -> None:
    """Take away what is alike beyond the first few."""
    shown: Counter[str] = Counter()
    for child in list(children):
        shown[_local(child)] += 1
        if shown[_local(child)] > _MOST_ALIKE:
            node.remove(child)
            children.remove(child)
    _tell_rest(node, shown.total() - len(children))


def _masked(text: str | None, simple: Simple | None, name: str) -> str:
    """The name that is shown in place of a text; an empty one stays empty, which is part of the shape."""
    if not text:
        return ""
    stripped = text.strip()
    own_word = simple is not None and (
        stripped in simple.enum or (simple.base == "boolean" and boolean(stripped) is not None)
    )
    return stripped if own_word else f"{{{name}}}"


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _text(root: etree._Element) -> str:
    etree.indent(root, "  ")
    return etree.tostring(root, encoding="unicode")
