"""Native: whether a message is one of v3, which passes through, told by its head and nothing else.

A message of v3 has an access token in its header and no body element of 2.5. One that has 2.5 credentials as
well, or neither, is treated as an old one, which gets the old faults. Only the head of a message
is looked at, once and within bounds; what cannot be read is not claimed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from shim.core.errors import CallerError
from shim.core.parse import PARSER_OPTIONS, SOAP, Limits, refuse_doctype
from shim.core.reading.bounds import bound_tags
from shim.core.reading.encodings import as_utf8

_CHUNK = 2048
_MOST = 64 << 10
"""Bytes of a message within which its body element has to begin."""
_CREDENTIALS = "userCredentials"
"""Vendor samples have it nested, one in the other."""
_LIMITS = Limits()
_ELEMENT = rb"<(?:[^\s<>/:]+:)?(?:%b)[\s/>]"
_OLD_SECRET = re.compile(_ELEMENT % b"cryptedAuth|appSecret", re.IGNORECASE)
_OLD_LOGIN = re.compile(_ELEMENT % b"username|password|appKey", re.IGNORECASE)
_OLD = frozenset({"username", "password", "cryptedAuth", "appKey", "appSecret"})


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a message: its body element's local name, what userCredentials holds."""

    name: str
    token: str = field(default="", repr=False)
    old_credentials: bool = False


def _is_old(name: str) -> bool:
    """Request elements of 2.5 all end so, and none of v3 does."""
    return name.endswith("Request")


def may_be_native(data: bytes) -> bool:
    """True if it is worth looking: a cheap test that every message of v3 passes and hardly an old one does."""
    return b"accessToken" in data or b"\0" in data[:16]


def carries_old_login(data: bytes, content_type: str = "") -> bool:
    """True if a login of 2.5 stands anywhere in a message: such a message never goes on to the backend.

    No message of v3 has an element cryptedAuth or appSecret; a password is an old login inside userCredentials.
    """
    try:
        document = as_utf8(data, content_type)
    except CallerError:
        document = data.replace(b"\0", b"")
    if _OLD_SECRET.search(document):
        return True
    names = document.lower()  # 2.5 takes any case: none of them may be a way around
    begin, end = names.find(b"usercredentials"), names.rfind(b"usercredentials")
    return begin >= 0 and _OLD_LOGIN.search(document, begin, end if end > begin else len(document)) is not None


def is_native(head: Head | None) -> bool:
    """True if a message on an endpoint that both versions have is one of v3.

    It has an access token and no login of 2.5, whatever its operation, which may be newer than any description;
    what is named as in 2.5 is no such, so that its caller is told what is wrong.
    """
    return head is not None and bool(head.token) and not head.old_credentials and not _is_old(head.name)


def head_of(data: bytes, content_type: str = "") -> Head | None:
    """The head of a message; None when it has none that can be read."""
    try:
        head = as_utf8(data, content_type)[:_MOST]
        refuse_doctype(head)
    except CallerError:
        return None
    try:
        bound_tags(head, _LIMITS.attributes, _LIMITS.namespace or 0)
        return _read(_events(head))
    except (CallerError, etree.XMLSyntaxError):
        return None


def _events(document: bytes) -> Iterator[tuple[str, etree._Element]]:
    """Starts and ends of elements, parsed no further than they are asked for."""
    parser = etree.XMLPullParser(("start", "end"), **PARSER_OPTIONS)
    for at in range(0, len(document), _CHUNK):
        parser.feed(document[at : at + _CHUNK])
        for event, element in parser.read_events():
            if isinstance(element, etree._Element):
                yield event, element


def _read(events: Iterator[tuple[str, etree._Element]]) -> Head | None:
    path: list[str] = []
    values: dict[str, str] = {}
    for event, element in events:
        if event == "end":
            if path[1:2] == ["Header"] and _CREDENTIALS in path[2:-1] and element.text:
                values.setdefault(path[-1], element.text)
            path.pop()
            continue
        space, _, name = str(element.tag).rpartition("}")
        if not path and (name != "Envelope" or space != f"{{{SOAP}"):
            return None
        path.append(name)
        if len(path) == 3 and path[1] == "Body":
            token = values.get("accessToken", "").strip()
            return Head(name, token, not _OLD.isdisjoint(values))
    return None
