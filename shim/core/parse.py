"""Parse: bytes of a SOAP 1.1 message become an `Envelope`.

Liberal as the old server was: any prefix or none, any encoding of the list, a BOM, white space before the
XML declaration, headers twice. Hostile input is refused before it can cost: what a message may hold is
counted on the bytes, so that a refused one never becomes a tree. DOCTYPE is refused before the parser sees
it, because entities in attribute values are expanded whatever the parser is told.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from shim.core.errors import BackendError, CallerError, Fault
from shim.core.model import Credentials, Element, Envelope

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NIL = f"{{{XSI}}}nil"
_OF_PROTOCOL = (f"{{{XSI}}}", f"{{{SOAP}}}")
"""What attributes begin with that belong to XML Schema and to SOAP, not to the message."""

_ENCODINGS = {
    name: codec
    for codec, names in {
        "utf-8": ("utf-8", "utf8"),
        "utf-16": ("utf-16", "utf16", "utf-16le", "utf-16be", "ucs-2"),
        "iso-8859-1": ("iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1"),
        "iso-8859-15": ("iso-8859-15", "iso8859-15", "iso_8859-15", "latin9", "latin-9"),
        "windows-1252": ("windows-1252", "cp1252", "cp-1252"),
        "us-ascii": ("us-ascii", "ascii"),
    }.items()
    for name in names
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(r"<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*?\?>", re.DOTALL)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_PROLOG_DOCTYPE = re.compile(rb"(?>\s+|<!--(?>(?:[^-]|-(?!->))*)-->|<\?(?>(?:[^?]|\?(?!>))*)\?>)*+<!DOCTYPE")

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
    """What one message may hold. Lengths in characters of the parsed text, sizes in bytes."""

    bytes: int = 1 << 20
    elements: int = 20_000
    depth: int = 64
    attributes: int = 64
    name: int = 256
    text: int = 256 << 10
    repeats: int = 1_000


ANSWER_LIMITS = Limits(bytes=256 << 20, elements=4_000_000, text=64 << 20, repeats=1_000_000)
"""For answers of the backend that the operator chose: lists have no paging and can be huge."""


def parse(data: bytes, content_type: str = "", limits: Limits | None = None, *, bare: bool = False) -> Envelope:
    """Take a message of a caller apart. Raises CallerError with the limit or rule that it breaks.

    With `bare` it may also be the body element alone.
    """
    limits = limits or _DEFAULT
    if len(data) > limits.bytes:
        raise too_large(limits.bytes)
    document = as_utf8(data, content_type)
    refuse_doctype(document)
    _count_elements(document, limits)
    root = _tree(document)
    if bare and _local(root.tag) != "Envelope":
        return Envelope(_element(root, 3, limits), _namespace(root.tag), [])
    return _envelope(root, limits)


def parse_answer(data: bytes, content_type: str = "", limits: Limits = ANSWER_LIMITS) -> Envelope:
    """Take an answer of the backend apart. Raises BackendError when it is no SOAP message."""
    try:
        return parse(data, content_type, limits)
    except CallerError as error:
        raise BackendError(
            "backend-nonsense",
            f"The v3 backend answered with something that is not a SOAP message ({error.reason}).",
        ) from error


_DEFAULT = Limits()


def refuse_doctype(document: bytes) -> None:
    """Raises CallerError for a document (in UTF-8) that has a DOCTYPE."""
    if _PROLOG_DOCTYPE.match(document):
        raise CallerError("doctype-refused", "The message has a DOCTYPE, which is never read: send it without.")


def too_large(most: int) -> CallerError:
    return CallerError(
        "too-large", f"The message is larger than {most} bytes, the most that is taken: send less at once."
    )


def _over(what: str, most: int) -> CallerError:
    return CallerError("over-limit", f"The message has {what}; at most {most} are taken.")


def _malformed(detail: str) -> CallerError:
    return CallerError("malformed-xml", f"The message is not well-formed XML: {detail}.")


def as_utf8(data: bytes, content_type: str) -> bytes:
    """The document in UTF-8 without BOM and declaration, whatever it came in. Raises CallerError."""
    head = data[:64].lstrip()
    plain = head.startswith(b"<") and not head.startswith(b"<?xml") and head[1:2] != b"\0"
    if plain and "charset" not in content_type.lower():
        return data.lstrip()
    codec, data = _encoding(data, content_type)
    try:
        text = data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        raise _malformed(f"it cannot be decoded as {codec}") from None
    text = text.lstrip("\ufeff")
    declaration = _DECLARATION.match(text)
    return text[declaration.end() if declaration else 0 :].lstrip().encode("utf-8", "surrogatepass")


def _encoding(data: bytes, content_type: str) -> tuple[str, bytes]:
    """The BOM decides, then what the XML declaration says, then the charset of the content type."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return codec, data[len(bom) :]
    head = data[:4]
    if head[:1] == b"\0" or head[1:2] == b"\0":
        return ("utf-16-be" if head[:1] == b"\0" else "utf-16-le"), data
    declared = _DECLARED.search(data[:512].decode("latin-1"))
    charset = _CHARSET.search(content_type)
    for found in (declared, charset):
        if found is None:
            continue
        codec = _ENCODINGS.get(found[1].lower(), "")
        if codec == "utf-16":
            continue  # without a BOM or zero bytes it is not: as the XML rules have it
        if codec:
            return codec, data
        if found is declared:
            raise CallerError(
                "encoding-refused",
                "The message is in an encoding that is not taken: send UTF-8, UTF-16, ISO-8859-1, "
                "ISO-8859-15, Windows-1252 or US-ASCII.",
            )
    return "utf-8", data


def _count_elements(document: bytes, limits: Limits) -> None:
    """An upper bound of the elements, from the bytes: a tree of empty ones costs fifty times its size."""
    tags = document.count(b"<")
    if tags > limits.elements:
        tags -= document.count(b"</") + document.count(b"<!") + document.count(b"<?")
    if tags > limits.elements:
        raise _over(f"about {tags} elements", limits.elements)


def _tree(document: bytes) -> etree._Element:
    parser = etree.XMLParser(**PARSER_OPTIONS)
    try:
        return etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise _malformed(f"see line {line}" if line else "it is empty or broken") from None


def _local(tag: str) -> str:
    return tag[tag.rfind("}") + 1 :]


def _namespace(tag: str) -> str:
    return tag[1 : tag.find("}")] if tag[0] == "{" else ""


def _envelope(root: etree._Element, limits: Limits) -> Envelope:
    tag = root.tag
    if tag == f"{{{SOAP_12}}}Envelope":
        raise CallerError(
            "soap-version", "The message is SOAP 1.2; this endpoint speaks SOAP 1.1.", side="VersionMismatch"
        )
    if _local(tag) != "Envelope":
        raise CallerError("not-soap", "The message is XML, but not a SOAP 1.1 envelope.")
    headers: list[Element] = []
    bodies: list[etree._Element] = []
    for part in root:
        name = _local(part.tag)
        if name == "Header":
            headers.extend(_element(block, 3, limits) for block in part)
        elif name == "Body":
            bodies += part
    if not bodies:
        raise CallerError("not-soap", "The SOAP envelope has no body element: there is no call in it.")
    body, *others = bodies
    surplus = tuple(_local(each.tag) for each in others)
    return Envelope(_element(body, 3, limits), _namespace(body.tag), headers, surplus)


def _element(node: etree._Element, depth: int, limits: Limits) -> Element:
    if depth > limits.depth:
        raise _over(f"elements more than {limits.depth} deep", limits.depth)
    tag = node.tag
    name = tag[tag.rfind("}") + 1 :]
    if len(name) > limits.name:
        raise _over(f"names of more than {limits.name} characters", limits.name)
    attributes = None
    nil = False
    items = node.items()
    if items:
        if len(items) > limits.attributes:
            raise _over(f"more than {limits.attributes} attributes on an element", limits.attributes)
        nil = node.get(_NIL) in ("true", "1")
        attributes = {_local(str(key)): str(value) for key, value in items if not _of_protocol(key)}
    count = len(node)
    if count:
        if count > limits.repeats:
            _check_repeats(node, limits)
        depth += 1
        stray = "".join((each or "").strip() for each in (node.text, *(child.tail for child in node)))
        return Element(name, stray or None, attributes, [_element(each, depth, limits) for each in node], nil)
    text = node.text
    if text is not None and len(text) > limits.text:
        raise _over(f"a text of more than {limits.text} characters", limits.text)
    return Element(name, text or "", attributes, None, nil)


def _of_protocol(key: str | bytes) -> bool:
    return isinstance(key, str) and key.startswith(_OF_PROTOCOL)


def _check_repeats(node: Iterable[etree._Element], limits: Limits) -> None:
    seen: dict[str, int] = {}
    for each in node:
        seen[each.tag] = seen.get(each.tag, 0) + 1
    if max(seen.values()) > limits.repeats:
        raise _over(f"one element repeated more than {limits.repeats} times", limits.repeats)


def credentials(headers: Iterable[Element]) -> Credentials:
    """What all userCredentials of the header say together, at any depth; where they differ, the first wins."""
    found: dict[str, str] = {}
    for block in headers:
        for name, text in _credentials(block, inside=False):
            if text:
                found.setdefault(name, text)
    return Credentials(
        username=found.get("username"),
        password=found.get("password"),
        crypted_auth=found.get("cryptedAuth"),
        app_key=found.get("appKey"),
        app_secret=found.get("appSecret"),
        v3_token="accessToken" in found,
    )


def _credentials(block: Element, *, inside: bool) -> Iterator[tuple[str, str]]:
    """Names and texts of what stands in userCredentials: vendor samples have it nested, one in the other."""
    inside = inside or block.name == "userCredentials"
    for each in block.children:
        if inside and not each.children:
            yield each.name, each.text or ""
        yield from _credentials(each, inside=inside)


_CODE = re.compile(r"(?<![0-9])([0-9]{3})(?![0-9])")


def fault_of(body: Element) -> Fault | None:
    """The backend's fault in a body element, None if it is none.

    Where the numeric code sits is unknown, so it is looked for in the detail, in the fault code, and at
    the start of the text, in that order.
    """
    if body.name != "Fault":
        return None
    text = (body.get("faultstring") or "The v3 backend gave no reason.").strip()
    faultcode = body.get("faultcode") or ""
    detail = body.child("detail")
    code = None
    told = (detail.get("code") or detail.get("fault/code")) if detail else None
    for place in (told, faultcode, text[:40]):
        match = _CODE.search(place or "")
        if match:
            code = match[1]
            break
    side = "Client" if "Client" in faultcode else "Server"
    return BackendError("backend-fault", text, code, side=side, carried=True)
