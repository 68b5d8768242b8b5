"""Messages with elements of elements in odd forms: as references, arrays, maps, in another order, and null."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shim.core.message import Element
from shim.core.schema.interface import Operation
from shim.core.serialise import MessageWriter
from shim.interfaces.load import old
from tests.old_server.judging import through_the_shim
from tests.old_server.oddities import HEADERS, Odd
from tests.support.messages import Messages

_SPACES = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:map="http://xml.apache.org/xml-soap"'
)


@dataclass(frozen=True)
class Group:
    """An element of elements as it stands in a message: its tag, and what is in it."""

    tag: str
    inner: str

    @property
    def children(self) -> list[tuple[str, str]]:
        """Tag and text of each child, with its attributes in the tag."""
        return re.findall(r"<([^/\s>]+[^>/]*)>(.*?)</[^>]+>", self.inner, re.DOTALL)

    def whole(self, inner: str | None = None, attributes: str = "") -> str:
        """The element, with other content or attributes."""
        return f"<{self.tag}{attributes}>{self.inner if inner is None else inner}</{self.tag}>"


Form = Callable[[Group], tuple[str, str]]
"""Makes of a group what stands in its place, and what goes into the header."""


def _items(group: Group, count: int, item: str = "item") -> str:
    return f"<{item}>{group.inner}</{item}>" * count


def _array(group: Group, count: int) -> str:
    return f' enc:arrayType="xsd:anyType[{count}]" xsi:type="enc:Array"'


def _pairs(group: Group) -> str:
    return "".join(
        f"<item><key>{tag.split()[0].rpartition(':')[2]}</key><value>{text}</value></item>"
        for tag, text in group.children
    )


def _each(group: Group, form: str) -> str:
    """All children in another form: {0} the tag with attributes, {1} the tag alone, {2} the text."""
    return "".join(form.format(tag, tag.split()[0], text) for tag, text in group.children)


def _far_children(group: Group) -> tuple[str, str]:
    near, far = "", ""
    for number, (tag, text) in enumerate(group.children):
        near += f'<{tag} href="#c{number}"/>'
        far += f'<far id="c{number}">{text}</far>'
    return group.whole(near), far


FORMS: dict[str, Form] = {
    "plain": lambda group: (group.whole(), ""),
    "reference": lambda group: (f'<{group.tag} href="#far"/>', f'<far id="far">{group.inner}</far>'),
    "reference-typed": lambda group: (
        f'<{group.tag} href="#far"/>',
        f'<far id="far" xsi:type="enc:Struct">{group.inner}</far>',
    ),
    "reference-nowhere": lambda group: (f'<{group.tag} href="#gone"/>', ""),
    "reference-children": _far_children,
    "reference-twice": lambda group: (
        f'<{group.tag} href="#far"/><{group.tag} href="#far"/>',
        f'<far id="far">{group.inner}</far>',
    ),
    "array": lambda group: (group.whole(_items(group, 1), _array(group, 1)), ""),
    "array-two": lambda group: (group.whole(_items(group, 2), _array(group, 2)), ""),
    "array-reference": lambda group: (
        group.whole('<item href="#far"/>', _array(group, 1)),
        f'<far id="far">{group.inner}</far>',
    ),
    "array-nil": lambda group: (
        group.whole('<item xsi:nil="true"/>' + _items(group, 1), _array(group, 2)),
        "",
    ),
    "array-untyped": lambda group: (group.whole(_items(group, 1)), ""),
    "nested-again": lambda group: (group.whole(group.whole()), ""),
    "map": lambda group: (group.whole(_pairs(group), ' xsi:type="map:Map"'), ""),
    "struct": lambda group: (group.whole(attributes=' xsi:type="enc:Struct"'), ""),
    "nil": lambda group: (f'<{group.tag} xsi:nil="true"/>', ""),
    "nil-full": lambda group: (group.whole(attributes=' xsi:nil="true"'), ""),
    "nil-false": lambda group: (group.whole(attributes=' xsi:nil="false"'), ""),
    "empty": lambda group: (f"<{group.tag}/>", ""),
    "text": lambda group: (f"<{group.tag}>text</{group.tag}>", ""),
    "text-beside": lambda group: (group.whole(f"text{group.inner}"), ""),
    "cdata-beside": lambda group: (group.whole(f"<![CDATA[text]]>{group.inner}"), ""),
    "comments": lambda group: (group.whole(group.inner.replace("><", "><!-- c --><")), ""),
    "reversed": lambda group: (
        group.whole("".join(f"<{tag}>{text}</{tag.split()[0]}>" for tag, text in reversed(group.children))),
        "",
    ),
    "unknown-child": lambda group: (group.whole(f"{group.inner}<unknown>1</unknown>"), ""),
    "unqualified": lambda group: (group.whole(re.sub(r"(</?)ns[0-9]+:", r"\1", group.inner)), ""),
    "children-nil": lambda group: (group.whole(_each(group, '<{0} xsi:nil="true"/>')), ""),
    "children-empty": lambda group: (group.whole(_each(group, "<{0}/>")), ""),
    "children-cdata": lambda group: (group.whole(_each(group, "<{0}><![CDATA[{2}]]></{1}>")), ""),
    "children-string": lambda group: (group.whole(_each(group, '<{0} xsi:type="xsd:string">{2}</{1}>')), ""),
    "twice": lambda group: (group.whole() * 2, ""),
    "then-empty": lambda group: (f"{group.whole()}<{group.tag}/>", ""),
    "attribute": lambda group: (group.whole(attributes=' other="1" id="own"'), ""),
}
"""Ways to send an element of elements, by name."""


def group_messages() -> Iterator[Odd]:
    """All of them, in an order that does not change: each form of the first group of each shape."""
    for operation, name, repeated in _places():
        text = _message(operation, name)
        found = text and re.search(rf"<(ns[0-9]+:{name})>(.*?)</\1>", text.partition("Body>")[2], re.DOTALL)
        if not text or not found or not Group(found[1], found[2]).children:
            continue
        group = Group(found[1], found[2])
        endpoint = old().services[operation.service].endpoint
        if through_the_shim(endpoint, text.encode(), HEADERS).refused:
            continue
        for form, make in FORMS.items():
            near, far = make(group)
            sent = text.replace(group.whole(), near, 1).replace(
                "</SOAP-ENV:Header>", f"{far}</SOAP-ENV:Header>"
            )
            sent = sent.replace("<SOAP-ENV:Envelope", f"<SOAP-ENV:Envelope{_SPACES}", 1)
            kind = "list" if repeated else "one"
            label = f"group-{kind}-{operation.name}-{name}-{form}"
            yield Odd(label, operation.service, endpoint, sent.encode())


def _places() -> Iterator[tuple[Operation, str, bool]]:
    """The first place of each type of elements that hold nothing but values."""
    seen: set[tuple[str, ...]] = set()
    for operation in old().operations.values():
        kind = operation.input.complex
        if kind is None or operation.name == "LinkedOp":
            continue
        for name, slot in kind.slots.items():
            inner = slot.decl.complex
            if slot.decl.simple is not None or inner is None or slot.decl.max == 0:
                continue
            shape = tuple(inner.slots)
            flat = all(each.decl.simple is not None for each in inner.slots.values())
            if flat and inner.slots and shape not in seen:
                seen.add(shape)
                yield operation, name, slot.repeated


def _message(operation: Operation, name: str) -> str:
    """A message with one such group, full of values; empty where there is none in twenty tries."""
    for seed in range(20):
        messages = Messages(random.Random(f"{seed} {operation.full_name}"), 0.6, 1)
        root = messages.message(operation.input)
        root.children = [each for each in root.children if each.name != "templateID"]
        groups = root.all(name)
        if not groups or not groups[0].children or groups[0].child("transferNumber"):
            continue
        for child in root.children:
            if child.name in ("ID", "userID"):
                child.text = "30"
        writer = MessageWriter(old(), operation.input)
        login = [Element("username", "acme"), Element("password", "secret")]
        text, lost = writer.write(root)
        if not lost:
            return writer.envelope(text, Element("userCredentials", children=login)).decode()
    return ""
