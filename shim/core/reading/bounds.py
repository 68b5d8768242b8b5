"""Bounds: what the tags of a message may hold, counted from its bytes before a parser expands anything.

A parser compares the attributes of an element with each other, and writes the whole name of a namespace before
each name in it. Within a message of one megabyte that can cost thousands of times its size. So one pass over
the bytes judges the attributes of each element, the length of each namespace name, and what all names together
become when they are written out. The pass sees a tag wherever a parser does: where this one stops, because the
document is not well-formed, a parser stops as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shim.core.errors import CallerError

_TAG = re.compile(
    rb"<(?:"
    rb"/[^<>]*+>"
    rb"|[^\s<>=/\"'!?][^\s<>=/\"']*+((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>"
    rb"|!--(?>(?:[^-]++|-(?!->))*+)-->"
    rb"|!\[CDATA\[(?>(?:[^\]]++|\](?!\]>))*+)\]\]>"
    rb"|\?(?>(?:[^?]++|\?(?!>))*+)\?>"
    rb"|(?s:.*+))"
)
"""A tag with its attributes in the group; a comment, a section, an instruction; or else all that is left."""
_VALUE = re.compile(rb"(?<!\S)([^\s=]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")
_SHARE = 16
_FREE = 256 << 10
"""Written out, names may become so many times the size of their message; up to this size it does not matter."""


def bound_tags(document: bytes, attributes: int, namespace: int) -> None:
    """Judge a document in UTF-8: attributes of an element, bytes of a namespace name, all names written out.

    Raises CallerError (`over-limit`).
    """
    tags = _TAG.findall(document)
    longest = _longest_namespace(filter(None, tags), attributes)
    if longest > namespace:
        raise over(f"a namespace name of {longest} bytes", namespace)
    expanded = longest * (len(tags) + document.count(b"="))
    most = max(_FREE, _SHARE * len(document))
    if expanded > most:
        raise over(f"names that become about {expanded} bytes with their namespaces written out", most)


def are_far_below(document: bytes, pieces: list[str], attributes: int, namespace: int) -> bool:
    """True if a document holds too little to be over these limits, as most do: no tag is looked at for that.

    `pieces` is what stands between each `<` of it: neither a tag nor a value has one inside, so that none is
    longer than its piece.
    """
    longest = 0
    for piece in pieces:
        if 4 * len(piece) > longest:  # a character may be four bytes
            longest = max(longest, len(piece.encode()))
    equals = document.count(b"=")
    return equals <= attributes and longest <= namespace and longest * (len(pieces) + equals) <= _FREE


def _longest_namespace(tags: Iterable[bytes], most: int) -> int:
    """Bytes of the longest namespace name. Raises CallerError for a tag with too many attributes."""
    longest = 0
    for tag in tags:
        if tag.count(b"=") > most and sum(1 for _ in _VALUE.finditer(tag)) > most:
            raise over(f"more than {most} attributes on an element", most)
        if b"xmlns" in tag:
            for name, double, single in _VALUE.findall(tag):
                if name == b"xmlns" or name.startswith(b"xmlns:"):
                    longest = max(longest, len(double or single))
    return longest


def over(what: str, most: int) -> CallerError:
    """The refusal of a message that holds more than is taken."""
    return CallerError("over-limit", f"The message has {what}; at most {most} are taken.")
