"""Replay: plays the reads of a capture against a server, and compares what it answers with what was answered.

Laws: reads only; nothing that writes, and nothing that may suspend an account, is ever sent. Values that the
capture has as digests are found again in what the server answers: what cannot be found is told, not guessed.
Each read is made twice, and what differs between the two is noise, not a difference.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import aiohttp

from shim.core.catalogue.translation import Catalogue
from shim.core.errors import Fault
from shim.core.findings import KINDS, Finding
from shim.core.message import Element
from shim.core.parse import fault_of, parse_answer
from shim.core.rehearsal.capture import FORMAT, Conversation, digest_by, from_data, key_id
from shim.core.rehearsal.compare import (
    CODE,
    MASK,
    WORDS,
    Difference,
    canonical,
    differences,
    is_vocabulary,
    meaning,
    only_reads,
    without_noise,
)
from shim.core.schema.interface import ElementDecl, Operation
from shim.core.serialise import MessageWriter

Verdict = Literal["same", "differs", "write", "unknown-value", "unknown-login", "not-played"]
MEANINGS: dict[Verdict, str] = {
    "same": "answered with the same meaning",
    "differs": "answered with another meaning",
    "write": "changes something: planned, never sent",
    "unknown-value": "needs a value that no answer had: give it with --values",
    "unknown-login": "was made by a login that was not given",
    "not-played": "is no call that can be played",
}


class CaptureError(Exception):
    """A capture that cannot be played, with the reason and what to do."""


@dataclass(frozen=True, slots=True)
class ReplayLogin:
    """A 2.5 user name and its password."""

    username: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Played:
    """The result of one conversation. `expected` and `got` are codes of faults, None for answers."""

    conversation: Conversation
    verdict: Verdict
    differences: Counter[Difference] = field(default_factory=Counter)
    noise: int = 0
    expected: str | None = None
    got: str | None = None


def read_capture(path: Path, key: bytes) -> list[Conversation]:
    """The conversations of a file. Raises CaptureError."""
    try:
        head, *lines = path.read_text("utf-8").splitlines()
        first = json.loads(head)
        conversations = [from_data(json.loads(line)) for line in lines if line]
    except (OSError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path} cannot be read ({type(error).__name__}).") from None
    except (ValueError, KeyError, TypeError):
        raise CaptureError(f"{path} is no capture: make one with `shim capture`.") from None
    if not isinstance(first, dict) or first.get("format") != FORMAT:
        raise CaptureError(f"{path} is no capture of this version: make one with `shim capture`.")
    if first.get("key") != key_id(key):
        raise CaptureError(f"{path} was made with another key: give the key file that `shim capture` made.")
    return conversations


class Replayer:
    """Plays conversations against `base`, in rounds, until no further value can be found."""

    def __init__(
        self,
        catalogue: Catalogue,
        session: aiohttp.ClientSession,
        base: str,
        key: bytes,
        logins: Iterable[ReplayLogin],
        values: Iterable[str] = (),
    ) -> None:
        self._catalogue = catalogue
        self._session = session
        self._base = base.rstrip("/")
        self._digest = digest_by(key)
        self._logins = {self._digest(each.username): each for each in logins}
        self._known = {self._digest(canonical(each, None)): each for each in values if each.strip()}

    async def play(self, conversations: list[Conversation]) -> list[Played]:
        """All of them, in their order; the one at the same place is that of the conversation."""
        played: dict[int, Played] = {}
        waiting = dict(enumerate(conversations))
        progress = True
        while waiting and progress:
            progress = False
            for index, each in list(waiting.items()):
                result = await self._one(each)
                if result.verdict != "unknown-value":
                    played[index] = result
                    del waiting[index]
                    progress = True
        played |= {index: Played(each, "unknown-value") for index, each in waiting.items()}
        return [played[index] for index in range(len(conversations))]

    async def _one(self, each: Conversation) -> Played:
        operation = self._catalogue.old.operations.get(each.operation or "")
        if operation is None or each.request is None or each.problem:
            return Played(each, "not-played")
        if not only_reads(operation, each.request):
            return Played(each, "write")
        login = self._logins.get(each.login or "")
        if login is None:
            return Played(each, "unknown-login")
        request = self.with_values(each.request)
        if request is None:
            return Played(each, "unknown-value")
        message = self._message(operation, each, request, login)
        if message is None:
            return Played(each, "not-played")
        first = await self._call(operation, each, message)
        second = await self._call(operation, each, message)
        return self._judged(each, operation, first, second)

    def with_values(self, masked: Element) -> Element | None:
        """The request with the values that its digests stand for; None when one is not known."""
        children = [self.with_values(child) for child in masked.children]
        text = self._value(masked.text)
        attributes = {name: self._value(value) for name, value in masked.attributes.items()}
        known = [each for each in children if each is not None]
        if len(known) < len(children) or (text is None and masked.text) or None in attributes.values():
            return None
        given = {name: value for name, value in attributes.items() if value is not None}
        return Element(masked.name, text, given, known, masked.nil)

    def _value(self, text: str | None) -> str | None:
        if not text or not text.startswith(MASK):
            return text
        return self._known.get(text.removeprefix(MASK))

    def _message(
        self, operation: Operation, each: Conversation, request: Element, login: ReplayLogin
    ) -> bytes | None:
        """The call as a strict client sends it. None when a value is none of its type: it meant nothing."""
        writer = MessageWriter(self._catalogue.old, operation.input)
        body, unwritten = writer.write(request)
        if any(one.why in ("value", "repeated", "choice") for one in unwritten):
            return None
        names = {"username": login.username, "password": login.password}
        header = Element("userCredentials", children=[Element(name, text) for name, text in names.items()])
        return writer.envelope(body, header, each.version)

    async def _call(self, operation: Operation, each: Conversation, message: bytes) -> Element | Fault:
        action = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation.soap_action}"'}
        async with self._session.post(self._base + each.path, data=message, headers=action) as response:
            content = await response.read()
            content_type = response.headers.get("Content-Type", "")
        try:
            answer = parse_answer(content, content_type).body
        except Fault as fault:
            return fault
        body = fault_of(answer)
        if body is not None:
            return body
        self._learn(answer, operation.output)
        return answer

    def _learn(self, answer: Element, decl: ElementDecl | None) -> None:
        """Remember every value that the answer has under its digest."""
        slots = decl.complex.slots if decl is not None and decl.complex is not None else {}
        for child in answer.children:
            known = slots[child.name].decl if child.name in slots else None
            simple = known.simple if known is not None else None
            value = canonical(child.text or "", simple)
            if value and not child.children and not is_vocabulary(value, simple):
                self._known.setdefault(self._digest(value), value)
            self._learn(child, known)

    def _judged(
        self, each: Conversation, operation: Operation, first: Element | Fault, second: Element | Fault
    ) -> Played:
        if isinstance(first, Fault) or isinstance(second, Fault) or each.answer is None:
            got = first.code or "" if isinstance(first, Fault) else None
            same = got is not None and each.fault is not None and got == each.fault
            return Played(each, "same" if same else "differs", expected=each.fault, got=got)
        ours = [meaning(reply, operation.output, self._digest) for reply in (first, second)]
        noise = {differing.path for differing in differences(*ours)}
        differing = differences(each.answer, ours[0])
        left = without_noise(differing, noise)
        return Played(each, "differs" if left else "same", left, noise=len(differing) - len(left))


def findings(played: Iterable[Played]) -> Iterator[tuple[str, str, Finding]]:
    """(digest of the login, operation, finding) of everything that differs."""
    severity = KINDS[CODE].severity
    for each in played:
        login, name = each.conversation.login or "", each.conversation.operation or ""
        for one, count in each.differences.items():
            yield login, name, Finding(CODE, one.path, WORDS[one.kind], None, severity, count)
        if each.verdict == "differs" and not each.differences:
            because = f"There was {_code(each.expected)} then, and {_code(each.got)} now."
            yield login, name, Finding(CODE, "", because, None, severity)


def totals(played: Iterable[Played]) -> Mapping[Verdict, int]:
    """How many conversations had which verdict."""
    return Counter(each.verdict for each in played)


def rows(played: Iterable[Played]) -> Iterator[tuple[str, str, str, int]]:
    """(operation, path, kind, in how many conversations) of all differences, faults as `(fault)`."""
    many: Counter[tuple[str, str, str]] = Counter()
    for each in played:
        name = each.conversation.operation or ""
        for one in each.differences:
            many[name, one.path, one.kind] += 1
        if each.verdict == "differs" and not each.differences:
            many[name, "(fault)", f"{_code(each.expected)} then, {_code(each.got)} now"] += 1
    for (name, path, kind), count in sorted(many.items()):
        yield name, path, kind, count


def _code(code: str | None) -> str:
    return "an answer" if code is None else f"a fault {code or 'without a code'}"
