"""Familiar names: whether a message has new ones, since a parser keeps every name that it ever read.

libxml2 keeps one text of each name, prefix and namespace, and lxml shares that collection among all documents
of a thread for as long as the thread lives. A stranger's names would fill the memory of a thread that stays. So
a message with names that are not familiar is parsed in a thread that ends with it. Some become familiar as they
come: the prefixes of toolkits, the slips of integrations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shim.core.schema.interface import Interface, paths

_KEPT = re.compile(
    rb"<[/?]?+([^\s<>/?!=\"'&\[]++)"
    rb"|[\s\"'](xmlns(?::[^\s<>=/\"'&]++)?+\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))"
    rb"|[\s\"']([^\s<>=/\"'&]++)\s*+=\s*+(?=[\"'])"
    rb"|&([^#;\s<>&\"']++)"
    rb"|(?<=>)([ \t\r\n]{16,})(?=<)"
)
"""The dictionary of a parser: names of elements, instructions, attributes and entities; namespaces; blanks.

Texts that look like attributes are found as well, which costs a thread and nothing else.
"""
_USUAL = (
    *("xml", "Envelope", "Header", "Body", "encodingStyle", "mustUnderstand", "actor", "type", "nil", "id"),
    *("arrayType", "item", "multiRef", "href", "lt", "gt", "amp", "quot", "apos", "root", "key", "value"),
    *("soap", "soapenv", "SOAP-ENV", "s", "S", "E", "env", "xsi", "xsd", "SOAP-ENC", "soapenc", "tns", "m"),
)
_TAG = re.compile(r"[^!\"'<>](?:[^\"'<>]++|\"[^\"<>]*+\"|'[^'<>]*+')*+")
"""The inside of a tag, or of an instruction, up to the first `>`, where no value goes on behind that."""
_ENTITY = re.compile(rb"&([^#;\s<>&\"']++)")
_LARGEST = 16 << 10
"""Bytes of a message beyond which looking costs as much as a thread."""
_LONGEST = 200
_LONGEST_TAG = 512
_BLANKS = 16
"""Blanks between tags from which on a parser keeps them like a name."""
_MOST = 4_096


class Familiar:
    """Names that are known, and up to so many `more` of at most 200 bytes that come to be."""

    def __init__(self, names: Iterable[str] = (), more: int = _MOST) -> None:
        self._known = {each.encode() for each in (*_USUAL, *names)}
        self._most = len(self._known) + more
        self._seen: set[tuple[bytes, ...]] = set()
        """Trees of messages whose names are all known, so that it is taken apart once."""
        self._tags: set[str] = set()
        """Whole tags, and blanks between tags, of messages that were familiar: what most are made of."""

    def __call__(self, data: bytes) -> bool:
        """True if a message as it was sent has no name that would be kept beyond those that may be."""
        if len(data) > _LARGEST or b"\0" in data[:4] or data[:64].find(b"<") < 0:
            return False
        if not data.startswith(_USUALLY) and _DECLARES.match(data):
            return False  # in which bytes its names stand, is not known here
        pieces = data.rstrip().decode("latin-1").split("<")  # whatever they are: cutting texts is faster
        if self._has_seen(pieces) and (b"&" not in data or self._known.issuperset(_ENTITY.findall(data))):
            return True
        familiar = self._takes(set(_KEPT.findall(data)))
        if familiar:
            self._note(pieces)
        return familiar

    def _has_seen(self, pieces: list[str]) -> bool:
        """True if all tags of a message are whole ones of messages that were familiar.

        No match of `_KEPT` goes on behind a `<`, and where quotes are closed none begins in a tag and ends in
        the text behind it: what a tag has of names stands in it alone.
        """
        tags = self._tags
        for number in range(1, len(pieces)):
            piece = pieces[number]
            end = piece.find(">")
            if end < 0 or piece[:end] not in tags:
                return False
            if len(piece) - end > _BLANKS and (text := piece[end + 1 :]).isspace() and text not in tags:
                return False
        return True

    def _note(self, pieces: list[str]) -> None:
        """Remember the tags of a message that is familiar."""
        for number in range(1, len(pieces)):
            tag, _, text = pieces[number].partition(">")
            if len(self._tags) + 2 > _MOST:
                return
            if len(tag) <= _LONGEST_TAG and _TAG.fullmatch(tag):
                self._tags.add(tag)
            if _BLANKS <= len(text) <= _LONGEST and text.isspace():
                self._tags.add(text)

    def _takes(self, names: set[tuple[bytes, ...]]) -> bool:
        """True if no name of a message is new, or those that are come to be known with it."""
        if names <= self._seen:
            return True
        fresh: set[bytes] = set()
        for groups in names:
            tag, space, attribute, entity, blank = groups
            for name in (*(tag or attribute or entity).split(b":"), space, blank):
                if name and name not in self._known:
                    fresh.add(name)
        if not fresh:
            if len(self._seen) < _MOST:
                self._seen |= names
            return True
        if len(self._known) + len(fresh) > self._most or max(map(len, fresh)) > _LONGEST:
            return False
        self._known |= fresh
        return True


_USUALLY = b'<?xml version="1.0" encoding="UTF-8"?>'
_DECLARES = re.compile(
    rb"\s*+<\?xml\s[^>]{0,500}?encoding\s*+=\s*+[\"'](?!(?i:utf-8|us-ascii|iso-8859-1)[\"'])"
)
"""An encoding in which a message may not read as its bytes do."""


def names_of(interface: Interface) -> set[str]:
    """All names that messages of an interface have: of elements, attributes and header blocks."""
    names = {"userCredentials", "serverInfo", "username", "password", "cryptedAuth", "appKey", "appSecret"}
    for operation in interface.operations.values():
        for decl in (operation.input, operation.output):
            names.add(decl.name)
            for path, _ in paths(decl):
                names.update(path.replace("@", "").split("/"))
    return {*names, "accessToken"} - {""}
