"""Parse: bytes of a SOAP message become an `Envelope`.

Liberal as the old server was: any prefix or none, even undeclared ones, a BOM, white space before the XML
declaration, a NUL after the document, headers twice, SOAP 1.2, values that stand elsewhere in the message.
Hostile input is refused before it can cost: what a message may hold is counted on the bytes, so that a refused
one never becomes a tree. DOCTYPE is refused before the parser sees it, because entities in attribute values are
expanded whatever the parser is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from shim.core.errors import BackendError, BackendRefused, BodyRefused, CallerError, Fault
from shim.core.findings import Code
from shim.core.message import Element, Envelope, Sent
from shim.core.reading.bounds import are_far_below, bound_tags, over
from shim.core.reading.encoded_types import ENCODINGS, XSI, how_sent, mapped
from shim.core.reading.encodings import as_utf8
from shim.core.reading.multiref import References, reference
from shim.core.reading.pieces import PIECE, count, has, take_apart
from shim.core.reading.plain_answers import LONG, NotPlain, PlainReader, header_and_body
from shim.core.reading.short_messages import cut, pieces_of
from shim.core.reading.turns import EACH, give_turn
from shim.core.reading.white_space import without_blanks

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_NIL = f"{{{XSI}}}nil"
_OF_PROTOCOL = (f"{{{XSI}}}", *(f"{{{space}}}" for space in (SOAP, SOAP_12, *ENCODINGS)))
"""The prefixes of attributes that belong to XML Schema and to SOAP, not to the message."""

_PROLOG_DOCTYPE = re.compile(rb"(?>\s++|<!--(?:[^-]++|-(?!->))*+-->|<\?(?:[^?]++|\?(?!>))*+\?>)*+<!DOCTYPE")
"""Possessive throughout: what could be tried again costs a hundred bytes of memory for each character."""

_MULTIPART = re.compile(r"\s*multipart/", re.IGNORECASE)

_REFERS = re.compile(rb"""\b(?:href|ref)\s*=\s*["']""")
"""The bytes that a message with references has somewhere in it."""

_SAYS_HOW = (b":type", b":array", b":itemType")
"""The bytes that a message has somewhere in it where attributes say how an element was sent: they have a
prefix."""

PARSER_OPTIONS: dict[str, Any] = {
    "encoding": "utf-8",
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
    "decompress": False,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one message. Lengths in characters of the parsed text, sizes in bytes."""

    bytes: int = 1 << 20
    elements: int = 20_000
    depth: int = 64
    attributes: int = 64
    name: int = 256
    namespace: int | None = 1_024
    """Bytes of a namespace name. None: the sender is trusted, and tags are not judged from the bytes."""
    text: int = 256 << 10
    repeats: int = 1_000


ANSWER_LIMITS = Limits(bytes=256 << 20, elements=4_000_000, namespace=None, text=64 << 20, repeats=4_000_000)
"""For answers of the backend that the operator chose: lists have no paging and can be huge."""


def parse(
    data: bytes,
    content_type: str = "",
    limits: Limits | None = None,
    *,
    bare: bool = False,
    empty: bool = False,
) -> Envelope:
    """Take a message of a caller apart. Raises CallerError with the limit or rule that it breaks.

    With `bare` it may also be the body element alone, with `empty` the body may hold nothing.
    """
    limits = limits or _DEFAULT
    if len(data) > limits.bytes:
        raise too_large(limits.bytes)
    _refuse_multipart(data, content_type)
    document = as_utf8(data, content_type).rstrip(b"\0")
    if limits.namespace is None and len(document) >= LONG and (plain := _plain(document, limits)) is not None:
        return plain
    pieces = pieces_of(document)
    short = None
    if 0 < len(pieces) <= limits.repeats:
        short = cut(pieces, limits.depth, limits.name, limits.text, limits.attributes)
    if short is None:
        document = without_blanks(document)
        refuse_doctype(document)
    if short is None or len(pieces) > limits.elements:
        _count_elements(document, limits)
    if limits.namespace is not None and not (
        short is not None and are_far_below(document, pieces, limits.attributes, limits.namespace)
    ):
        bound_tags(document, limits.attributes, limits.namespace)
    root, undeclared = _tree(document)
    if short is not None and not undeclared and (envelope := _short_envelope(root, short)) is not None:
        return envelope
    references = None
    if has(document, b"ref") and _REFERS.search(document):
        references = References(root, len(document), limits.elements, limits.bytes, limits.depth)
    reader = _Reader(limits, references, any(has(document, each) for each in _SAYS_HOW))
    if bare and _local(root.tag) != "Envelope":
        return Envelope(reader.element(root, 3), _namespace(root.tag), [])
    envelope = _envelope(root, reader)
    if not (envelope.body.name or empty):
        raise CallerError("not-soap", "The SOAP envelope has no body element: there is no call in it.")
    if undeclared:
        envelope.notes += (("undeclared-prefix", ""),)
    if len(document) > PIECE:
        take_apart(root)
    return envelope


def parse_answer(data: bytes, content_type: str = "", limits: Limits = ANSWER_LIMITS) -> Envelope:
    """Take an answer of the backend apart. Raises BackendError when it is no SOAP message."""
    try:
        return parse(data, content_type, limits)
    except CallerError as error:
        if error.reason in ("over-limit", "too-large"):
            what = "The v3 backend answered with more than is taken of one answer: ask for less at once."
            raise BackendError("backend-nonsense", what) from error
        raise BackendError(
            "backend-nonsense",
            f"The v3 backend answered with something that is not a SOAP message ({error.reason}).",
        ) from error


_DEFAULT = Limits()


def refuse_doctype(document: bytes) -> None:
    """Raises CallerError for a document (in UTF-8) that has a DOCTYPE."""
    if _PROLOG_DOCTYPE.match(document):
        raise CallerError("doctype-refused", "The message has a DOCTYPE, which is never read: send it without.")


def _refuse_multipart(data: bytes, content_type: str) -> None:
    """By its name: what is wrong with it as XML would lead nobody to what is to be done."""
    head = data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    if head.startswith(b"--") or (_MULTIPART.match(content_type) and not head.startswith(b"<")):
        raise CallerError(
            "multipart",
            "The message is multipart (MTOM, XOP or SOAP with attachments), which 2.5 never took: send the "
            "SOAP envelope alone, as text/xml, with MTOM off and files as base64 in their elements.",
        )


def too_large(most: int) -> CallerError:
    return BodyRefused(
        "too-large", f"The message is larger than {most} bytes, the most that is taken: send less at once."
    )


def _malformed(detail: str) -> CallerError:
    return CallerError("malformed-xml", f"The message is not well-formed XML: {detail}.")


def _count_elements(document: bytes, limits: Limits) -> None:
    """An upper bound of the elements, from the bytes: a tree of empty ones costs fifty times its size."""
    tags = count(document, b"<")
    if tags > limits.elements:
        tags -= sum(count(document, other) for other in (b"</", b"<!", b"<?"))
    if tags > limits.elements:
        raise over(f"about {tags} elements", limits.elements)


def _tree(document: bytes) -> tuple[etree._Element, bool]:
    """The document as a tree, and whether prefixes of it are undeclared: the old server read on at that."""
    parser = etree.XMLParser(**PARSER_OPTIONS)
    try:
        return etree.fromstring(document, parser), False
    except (etree.XMLSyntaxError, ValueError) as error:
        if _only_prefixes(parser):
            return _with_undeclared_prefixes(document), True
        line = getattr(error, "lineno", None)
        raise _malformed(f"see line {line}" if line else "it is empty or broken") from None


def _only_prefixes(parser: etree.XMLParser) -> bool:
    """True if nothing but undeclared prefixes is wrong with what a parser read."""
    errors = [each.domain for each in parser.error_log if each.level > etree.ErrorLevels.WARNING]
    return bool(errors) and all(domain == etree.ErrorDomains.NAMESPACE for domain in errors)


def _with_undeclared_prefixes(document: bytes) -> etree._Element:
    parser = etree.XMLParser(**{**PARSER_OPTIONS, "recover": True})
    root: etree._Element | None = etree.fromstring(document, parser)
    if root is None or not _only_prefixes(parser):
        raise _malformed("it is broken")
    for node in root.iter():
        if node.tag[0] != "{" and ":" in node.tag:
            try:
                node.tag = _local(node.tag)
            except ValueError:  # of a colon at the end, or before what begins no name
                raise _malformed("it is broken") from None
        for key in [key for key in node.attrib if key[0] != "{" and ":" in key]:
            del node.attrib[key]
    return root


def _plain(document: bytes, limits: Limits) -> Envelope | None:
    """A long answer that is plain, in the form that answers usually have; None for any other."""
    refuse_doctype(document)
    _count_elements(document, limits)

    def read_tag(root_tag: str, tag: str) -> Element:
        root, _ = _tree(f"<{root_tag}><{tag.rstrip('/')}/></{root_tag.split(maxsplit=1)[0]}>".encode())
        return _Reader(limits, None, True).element(root[0], 3)

    reader = PlainReader(read_tag, limits.depth, limits.name, limits.text)
    try:
        headers, body = header_and_body(reader.read(document, PARSER_OPTIONS))
    except NotPlain:
        return None
    node, _ = _tree(f"<{reader.root_tag}/>".encode())
    prefix = reader.body_tag.split(maxsplit=1)[0].rpartition(":")[0]
    answer = Envelope(body, node.nsmap.get(prefix or None, ""), headers, zeros=reader.zeros)
    return None if _namespace(node.tag) == SOAP_12 else answer


def _short_envelope(root: etree._Element, short: Element) -> Envelope | None:
    """The message of a tree as it was cut; None where it is not in the form that messages usually have."""
    try:
        headers, body = header_and_body(short)
    except NotPlain:
        return None
    notes, soap_12 = _version(root)
    return Envelope(body, _namespace(root[-1][0].tag), headers, (), soap_12, notes, True)


def _version(root: etree._Element) -> tuple[tuple[tuple[Code, str], ...], bool]:
    """The notes that the version of SOAP makes, and True if it is 1.2."""
    return ((("soap-12", ""),), True) if _namespace(root.tag) == SOAP_12 else ((), False)


def _local(tag: str) -> str:
    name = tag[tag.rfind("}") + 1 :]
    return name[name.rfind(":") + 1 :]


def _namespace(tag: str) -> str:
    return tag[1 : tag.find("}")] if tag[0] == "{" else ""


def _envelope(root: etree._Element, reader: _Reader) -> Envelope:
    if _local(root.tag) != "Envelope":
        raise CallerError("not-soap", "The message is XML, but no SOAP envelope.")
    headers: list[Element] = []
    bodies: list[etree._Element] = []
    parts = {name: [part for part in root if _local(part.tag) == name] for name in ("Header", "Body")}
    for part in parts["Header"]:
        headers.extend(reader.element(block, 3) for block in part)
    for part in parts["Body"]:
        bodies += [each for each in part if not reader.is_target(each)]
    notes, soap_12 = _version(root)
    if not bodies:
        if not parts["Body"]:
            raise CallerError("not-soap", "The SOAP envelope has no Body: there is no call in it.")
        return Envelope(Element(""), "", headers, (), soap_12, notes)
    body, *others = bodies
    surplus = tuple(_local(each.tag) for each in others)
    return Envelope(reader.element(body, 3), _namespace(body.tag), headers, surplus, soap_12, notes)


class _Reader:
    """Makes elements of the nodes of one message, within the limits."""

    __slots__ = ("limits", "names", "references", "typed")

    def __init__(self, limits: Limits, references: References | None, typed: bool) -> None:
        self.limits = limits
        self.references = references
        self.typed = typed
        self.names: dict[str, str] = {}
        """Local names by tag: one text for all elements of a name."""

    def is_target(self, node: etree._Element) -> bool:
        return self.references is not None and self.references.is_target(node)

    def element(self, node: etree._Element, depth: int) -> Element:
        limits = self.limits
        if depth > limits.depth:
            raise over(f"elements more than {limits.depth} deep", limits.depth)
        tag = node.tag
        name = self.names.get(tag) or self._name(tag)
        attributes = None
        nil = False
        sent: Sent = ()
        items = node.items()
        if items:
            if len(items) > limits.attributes:
                raise over(f"more than {limits.attributes} attributes on an element", limits.attributes)
            if self.references is not None and (referred := reference(node)) is not None:
                return self._elsewhere(name, referred, depth, self.references)
            nil = node.get(_NIL) in ("true", "1")
            attributes = {_local(str(key)): str(value) for key, value in items if not _of_protocol(key)}
            if self.references is not None:
                attributes.pop("id", None)
            sent = how_sent(node) if self.typed else ()
        text = node.text
        held = len(node)
        if held:
            if held > limits.repeats:
                _check_repeats(node, limits)
            depth += 1
            stray = text.strip() if text else ""
            children: list[Element] = []
            for each in node:  # once: each round makes lxml's objects of the nodes anew
                if len(children) % EACH == 0:
                    give_turn()
                children.append(self.element(each, depth))
                if tail := each.tail:
                    stray += tail.strip()
            if "map" in sent:
                children = mapped(children, limits.name)
            return Element(name, stray or None, attributes, children, nil, sent)
        if text is not None and len(text) > limits.text:
            raise over(f"a text of more than {limits.text} characters", limits.text)
        return Element(name, text or "", attributes, None, nil, sent)

    def _name(self, tag: str) -> str:
        name = tag[tag.rfind("}") + 1 :]
        if len(name) > self.limits.name:
            raise over(f"names of more than {self.limits.name} characters", self.limits.name)
        self.names[tag] = name
        return name

    def _elsewhere(self, name: str, identifier: str, depth: int, references: References) -> Element:
        """The element that a reference stands for, under the name of the reference."""
        node = references.enter(identifier)
        if node is None:
            return Element(name, "", None, None, False, ("nowhere",))
        element = self.element(node, depth)
        references.leave()
        element.name = name
        element.sent = (*element.sent, "reference")
        return element


def _of_protocol(key: str | bytes) -> bool:
    return isinstance(key, str) and key.startswith(_OF_PROTOCOL)


def _check_repeats(node: Iterable[etree._Element], limits: Limits) -> None:
    seen: dict[str, int] = {}
    for each in node:
        seen[each.tag] = seen.get(each.tag, 0) + 1
    if max(seen.values()) > limits.repeats:
        raise over(f"one element repeated more than {limits.repeats} times", limits.repeats)


_CODE = re.compile(r"(?<![0-9])([0-9]{3})(?![0-9])")
_NOTES = re.compile(r"\s\((?:code (?P<code>[0-9]{3})(?:, )?)?(?:reference \S+)?\)$")
"""The reference that the shim itself puts at the end of a text (serialise.fault_message)."""


def fault_of(body: Element) -> Fault | None:
    """The fault of a backend, of an old server or of a shim in a body element, None if it is none.

    Where v3 and 2.5 put the numeric code is unknown, so it is looked for in the detail, in the fault code, in
    the note with which the text of a shim's fault ends, and at the start of the text, in that order.
    """
    if body.name != "Fault":
        return None
    text = (body.get("faultstring") or "The v3 backend gave no reason.").strip()
    faultcode = body.get("faultcode") or ""
    detail = body.child("detail")
    code = None
    v3_code = (detail.get("code") or detail.get("fault/code")) if detail else None
    notes = _NOTES.search(text)
    start = text[: notes.start() if notes else None][:40]
    for place in (v3_code, faultcode, notes and notes["code"], start):
        match = _CODE.search(place or "")
        if match:
            code = match[1]
            break
    side = "Client" if "Client" in faultcode else "Server"
    return BackendRefused("backend-fault", text, code, side=side, carried=True)
