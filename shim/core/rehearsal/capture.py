"""Captured conversations: 2.5 calls and their answers with shapes, order and digests instead of values.

A file has a line of JSON each: first what it is, then a conversation a line, in the order of the answers.
Digests are keyed, so that equal values stay equal across a file and nobody without the key can try values out.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from shim.core.catalogue.translation import Catalogue
from shim.core.errors import CallerError, Fault
from shim.core.message import Element
from shim.core.parse import fault_of, parse, parse_answer
from shim.core.reading.credentials import credentials
from shim.core.rehearsal.compare import Digest, meaning
from shim.core.resolve import schema_version
from shim.core.schema.interface import Operation

FORMAT = "systemapi-capture-1"
_DIGITS = 24


def digest_by(key: bytes) -> Digest:
    """The text that stands for a value: an HMAC of it, shortened."""
    return lambda text: hmac.new(key, text.encode("utf-8", "surrogatepass"), sha256).hexdigest()[:_DIGITS]


def key_id(key: bytes) -> str:
    """A text that tells that two files were made with the same key, and nothing else."""
    return digest_by(key)(FORMAT)[:8]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One call and its answer. `login` is the digest of who called.

    `answer` is None where a fault came, `fault` its code or an empty text, None where an answer came. `problem`
    says why a call that could not be read has neither.
    """

    path: str
    operation: str | None
    version: str | None
    login: str | None
    request: Element | None = field(repr=False)
    answer: Element | None = field(repr=False)
    fault: str | None = None
    problem: str | None = None


def captured(
    catalogue: Catalogue, path: str, request: tuple[bytes, str], answer: tuple[bytes, str], digest: Digest
) -> Conversation:
    """A conversation without its values; `request` and `answer` are bodies with their content types."""
    try:
        envelope = parse(*request)
    except CallerError as fault:
        return Conversation(path, None, None, None, None, None, problem=fault.reason)
    operation = catalogue.old.by_input.get(envelope.body.name)
    login = _login(envelope.headers)
    body = meaning(envelope.body, operation.input if operation else None, digest)
    reply, code, problem = _answer(operation, answer, digest)
    return Conversation(
        path,
        operation.full_name if operation else None,
        schema_version(envelope),
        digest(login) if login else None,
        body,
        reply,
        code,
        problem,
    )


def _login(headers: list[Element]) -> str | None:
    values = credentials(headers)
    return values.username or values.app_key or values.crypted_auth


def _answer(
    operation: Operation | None, answer: tuple[bytes, str], digest: Digest
) -> tuple[Element | None, str | None, str | None]:
    """The answer, or the fault's code, or why it can be neither."""
    try:
        body = parse_answer(*answer).body
        fault = fault_of(body)
    except Fault as problem:
        return None, None, problem.reason
    if fault is not None:
        return None, fault.code or "", None
    return meaning(body, operation.output if operation else None, digest), None, None


# ---- as data ----


def to_data(conversation: Conversation) -> dict[str, Any]:
    """The fields of it that are written; none that is None."""
    data = {
        "path": conversation.path,
        "operation": conversation.operation,
        "version": conversation.version,
        "login": conversation.login,
        "request": _plain(conversation.request),
        "answer": _plain(conversation.answer),
        "fault": conversation.fault,
        "problem": conversation.problem,
    }
    return {name: value for name, value in data.items() if value is not None}


def from_data(data: dict[str, Any]) -> Conversation:
    """The conversation that `to_data` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    return Conversation(
        data["path"],
        data.get("operation"),
        data.get("version"),
        data.get("login"),
        _element(data.get("request")),
        _element(data.get("answer")),
        data.get("fault"),
        data.get("problem"),
    )


def _plain(element: Element | None) -> list[Any] | None:
    if element is None:
        return None
    children = [_plain(each) for each in element.children]
    return [element.name, element.text, element.attributes, children, *([True] if element.nil else [])]


def _element(plain: Any) -> Element | None:
    if plain is None:
        return None
    name, text, attributes, children, *nil = plain
    below = [content for each in children if (content := _element(each)) is not None]
    return Element(str(name), text, dict(attributes), below, bool(nil))
