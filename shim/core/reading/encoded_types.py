"""How an element was sent: what the attributes of SOAP encoding and xsi:type say of its content.

SOAP::Lite writes every text with an accent as base64, PHP without a WSDL writes lists as arrays and named lists
as maps. What a type says is only believed where it changes how the content is to be read.
"""

from __future__ import annotations

import base64
import binascii
import re

from lxml import etree

from shim.core.message import Element, Sent

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ENCODINGS = ("http://schemas.xmlsoap.org/soap/encoding/", "http://www.w3.org/2003/05/soap-encoding")
"""The namespaces of SOAP encoding, 1.1 and 1.2."""

_SCHEMA = re.compile(r"http://www\.w3\.org/(1999|2000/10|2001)/XMLSchema")
_TYPES = (
    f"{{{XSI}}}type",
    "{http://www.w3.org/1999/XMLSchema-instance}type",
    "{http://www.w3.org/2000/10/XMLSchema-instance}type",
)
_OF_ARRAYS = (f"{{{ENCODINGS[0]}}}arrayType", f"{{{ENCODINGS[1]}}}itemType", f"{{{ENCODINGS[1]}}}arraySize")
TELLING = frozenset({"Array", "base64Binary", "hexBinary", "Map"})
"""The local names of types that change how a content is to be read."""
_MAP = "http://xml.apache.org/xml-soap"
_BLANKS = re.compile(r"\s+")


def how_sent(node: etree._Element) -> Sent:
    """The type that the attributes of an element give to its content; empty for what is simply there."""
    if any(node.get(name) is not None for name in _OF_ARRAYS):
        return ("array",)
    type_name = next((value for name in _TYPES if (value := node.get(name))), None)
    if type_name is None:
        return ()
    prefix, _, name = type_name.strip().rpartition(":")
    if name == "Array":
        return ("array",)
    if name not in TELLING:
        return ()
    space = node.nsmap.get(prefix or None, "")
    if name == "Map":
        return ("map",) if space == _MAP else ()
    if not _SCHEMA.fullmatch(space):
        return ()
    return ("base64",) if name == "base64Binary" else ("hex",)


def mapped(items: list[Element], longest: int) -> list[Element]:
    """The items of a map, each as an element that has the key for its name."""
    pairs = []
    for item in items:
        key, value = item.child("key"), item.child("value")
        if key is not None and value is not None and key.text and len(key.text) <= longest:
            pairs.append(Element(key.text, value.text, value.attributes, value.children, value.nil, value.sent))
    return pairs


def decoded(text: str, sent: Sent) -> str | None:
    """A text as it was before it was sent as base64 or hexadecimal (UTF-8, else Latin-1), or as it is.

    None when it was said to be so written and is not.
    """
    try:
        if "hex" in sent:
            data = bytes.fromhex(text.strip())
        elif "base64" not in sent:
            return text
        else:
            data = base64.b64decode(_BLANKS.sub("", text), validate=True)
    except (ValueError, binascii.Error):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
