"""Short messages: plain ones that are read from their text, which the parser judges all the same.

lxml makes an object of each node and of each text that is looked at, which takes several times as long as
cutting the text at its tags. Plain is what has elements, texts and attributes of no namespace alone, but for
xsi:nil and most of xsi:type; namespaces may be declared anywhere, since elements go by their local names.
Anything else is read from the tree: see `shim.core.parse`.
"""

from __future__ import annotations

import re
from typing import Final

from shim.core.message import Element
from shim.core.reading.encoded_types import TELLING, XSI

SHORT = 16 << 10
"""Bytes up to which a message is short: no other thread waits long while it is cut."""
_MOST: Final = 4_096
"""Tags whose local names are remembered, each of at most 600 characters."""
_LONGEST: Final = 600
_FEW: Final = 2
"""Attributes of a tag that is remembered."""
_BLANK = "[ \t\n]"
_TAG = re.compile(
    rf"""(?:[^\s"'=/<>:!?]++:)?+([^\s"'=/<>:!?]++)"""
    rf"""((?:{_BLANK}++[^\s"'=/<>]++{_BLANK}*+={_BLANK}*+(?:"[^"&\t\n]*+"|'[^'&\t\n]*+'))*+){_BLANK}*+"""
)
"""The inside of a tag that opens an element: its local name and its attributes."""
_ATTRIBUTE = re.compile(rf"""([^\s=]++){_BLANK}*+={_BLANK}*+(?:"([^"]*+)"|'([^']*+)')""")
_OF_SOAP = frozenset({"href", "ref", "id"})
"""The attributes by which elements refer to others."""
_ESCAPED = re.compile(r"[^&]*+(?:&(?:amp|lt|gt|quot|apos);[^&]*+)*+")

_local_names: dict[str, str] = {}
"""By what stands in a tag, of tags with no attributes but declarations and types: most messages have those."""
_names_of_nulls: dict[str, str] = {}


class _NotPlain(Exception):
    """There is something in a message that is read from a tree."""


def pieces_of(document: bytes) -> list[str]:
    """The pieces between each `<` of a short message; nothing of one that is long, or surely not plain."""
    if len(document) > SHORT or b"\r" in document:  # which the parser takes away
        return []
    try:
        text = document.decode()
    except UnicodeDecodeError:
        return []
    pieces = text.split("<")
    if "xsi:" in text and not (
        len(pieces) > 1 and f' xmlns:xsi="{XSI}"' in pieces[1] and text.count("xmlns:xsi") == 1
    ):
        return []  # a prefix that may mean something else
    return [] if pieces[0] else pieces


def cut(pieces: list[str], depth: int, name: int, text: int, attributes: int) -> Element | None:
    """The root of a message, given in pieces, that the parser takes; None where it is not plain.

    Nor is one that holds more than is taken; `depth`, `name`, `text` and `attributes` are the most.
    """
    top = Element("")
    try:
        _cut(pieces, top, depth, name, text, attributes)
    except (_NotPlain, IndexError):  # of an end without a beginning
        return None
    return top.children[0] if len(top.children) == 1 else None


def _cut(
    pieces: list[str], top: Element, most_depth: int, longest_name: int, longest_text: int, attributes: int
) -> None:
    holder = top
    above: list[Element] = []
    leaf: Element | None = None
    known = _local_names if attributes >= _FEW else {}
    for number in range(1, len(pieces)):
        piece = pieces[number]
        end = piece.find(">")
        if end <= 0:
            raise _NotPlain
        text = piece[end + 1 :]
        text = _unescaped(text) if "&" in text else text
        if piece[0] == "/":
            if leaf is None:
                holder = above.pop()
            leaf = None
        else:
            closes = piece[end - 1] == "/"
            tag = piece[: end - 1] if closes else piece[:end]
            held = "" if closes else text
            name = known.get(tag)
            element = _element(tag, held, attributes) if name is None else Element(name, held)
            if leaf is not None:
                above.append(holder)
                holder = leaf
                leaf.text = (leaf.text or "").strip() or None
            if len(above) >= most_depth or len(element.name) > longest_name or len(text) > longest_text:
                raise _NotPlain
            holder.children.append(element)
            leaf = None if closes else element
        if leaf is None and text and (behind := text.strip()):
            holder.text = (holder.text or "") + behind


def _element(tag: str, text: str, most: int) -> Element:
    """The element of a tag that has attributes, or was not seen before."""
    name = _names_of_nulls.get(tag)
    if name is not None and most >= _FEW:
        return Element(name, text, None, None, True)
    match = _TAG.fullmatch(tag)
    if match is None:
        raise _NotPlain
    name = str(match[1])
    nil = False
    own: dict[str, str] = {}
    count = 0
    for key, double, single in _ATTRIBUTE.findall(str(match[2])):
        value = str(double or single)
        if key == "xmlns" or key.startswith("xmlns:"):
            continue
        count += 1
        if key == "xsi:nil":
            nil = value in ("true", "1")
        elif key == "xsi:type":
            if value.strip().rpartition(":")[2] in TELLING:
                raise _NotPlain
        elif ":" in key or key in _OF_SOAP:
            raise _NotPlain
        else:
            own[str(key)] = value
    if count > most:
        raise _NotPlain
    if not own and len(tag) <= _LONGEST and len(_local_names) + len(_names_of_nulls) < _MOST and count <= _FEW:
        (_names_of_nulls if nil else _local_names)[tag] = name
    return Element(name, text, own, None, nil)


def _unescaped(text: str) -> str:
    """A text with the characters that stand for themselves in no XML."""
    if not _ESCAPED.fullmatch(text):
        raise _NotPlain
    for name, character in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{name};", character)
    return text
