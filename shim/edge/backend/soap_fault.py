"""Looks at answers of the backend: SOAP, a fault or neither; what a fault means is the core's business."""

from __future__ import annotations

from http import HTTPStatus

from shim.core.commands.backend import Answer
from shim.core.errors import AUTHENTICATION, BackendError, Fault
from shim.core.parse import fault_of, parse_answer

_LARGEST_FAULT = 65536


def looks_like_xml(body: bytes) -> bool:
    if body.startswith(b"<?xml"):
        return True
    head = body[:256].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").replace(b"\0", b"").lower()
    return head.startswith(b"<") and not head.startswith((b"<!doctype", b"<html"))


def is_plain(answer: Answer) -> bool:
    """True if an answer can be neither a refused token nor a fault, as nearly all are."""
    return answer.status == HTTPStatus.OK and not _may_hold_fault(answer.body)


def _may_hold_fault(body: bytes) -> bool:
    """True if it is worth a look: what is large holds none, and is not looked through for it."""
    return len(body) <= _LARGEST_FAULT and (b"Fault" in body or b"\0" in body)


def says_authentication(answer: Answer) -> bool:
    """True if the token may be dead: HTTP status 401, or a fault with the code of one, whatever the status.

    The code (100) is also that of an invalid object ID.
    """
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return True
    fault = _fault(answer)
    return fault is not None and fault.code == AUTHENTICATION


def carries_fault(answer: Answer) -> bool:
    return _fault(answer) is not None


def _fault(answer: Answer) -> Fault | None:
    """The SOAP fault in an answer."""
    if not _may_hold_fault(answer.body) or not looks_like_xml(answer.body):
        return None
    try:
        return fault_of(parse_answer(answer.body, answer.content_type).body)
    except BackendError:
        return None  # the core will say what is wrong with it
