"""The whole way of a message, from its bytes to the bytes of its answer, and what may come of it.

An input is written as HTTP has it: a path, then headers, an empty line, the body. The v3 backend is one that
gives a valid answer to whatever it is asked, or a fault.
"""

from __future__ import annotations

import random
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import Any
from zlib import crc32

from lxml import etree

from shim.core.answers.fault_message import fault_message
from shim.core.answers.soap12 import as_soap_12
from shim.core.commands.backend import Call
from shim.core.drive import run
from shim.core.endpoints import normal_path
from shim.core.errors import CallerError, Fault
from shim.core.message import Element
from shim.core.native import carries_old_login, head_of, is_native, may_be_native
from shim.core.parse import PARSER_OPTIONS, fault_of, parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.schema.interface import Operation
from shim.edge.http.bodies import decoded
from shim.edge.http.toolkits import HEAD, clean_agent, toolkit
from shim.interfaces.load import new
from tests.hostile.shapes import LARGEST
from tests.support.conversation import World, catalogue, new_answer
from tests.support.messages import Messages

TIMES = 100
FREE = 1 << 20
"""Bytes that any message may cost."""
LINES_FREE = 400_000
LINES_EACH = 60
"""Lines of Python that a message may cost, and for each of its bytes."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One input, taken apart."""

    path: str
    content_type: str
    encoding: str
    action: str
    agent: str
    body: bytes


def taken_apart(data: bytes) -> Sent:
    """An input as HTTP would give it to the endpoint; what HTTP would never let through is taken off."""
    head, _, body = data.partition(b"\n\n")
    path, *lines = head[:8190].decode("utf-8", "surrogateescape").replace("\r", "").split("\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    said = (headers.get(name, "") for name in ("content-type", "content-encoding", "soapaction", "user-agent"))
    return Sent(path, *said, body)


def put_together(path: str, body: bytes, **headers: str) -> bytes:
    lines = "".join(f"\n{name.replace('_', '-')}: {value}" for name, value in headers.items())
    return f"{path}{lines}\n\n".encode() + body


@cache
def _operations() -> dict[str, Operation]:
    return dict(new().operations)


def _answering(call: Call, request: Element) -> bytes | Fault:
    """A valid answer, always the same to the same request; one in eight is a fault."""
    operation = _operations()[call.full_name]
    source = random.Random(crc32(repr(sorted(request.leaves())).encode("utf-8", "surrogatepass")))
    if source.random() < 0.125:
        return fault_message(CallerError("refused", "Refused: \x01 it is not so.", "520"))
    return new_answer(operation, Messages(source).message(operation.output))


class WholeWorld(World):
    """A backend that answers everything, and a store that holds nothing yet."""

    def serve(self, sent: Sent, path: str) -> Outcome:
        outcome = Outcome()
        asked = Request(path, sent.content_type, sent.body, sent.action, unusual=path != sent.path)
        run(exchange(Shim(catalogue()), asked, outcome), self._perform)
        return outcome


def through(data: bytes) -> str:
    """What became of an input: `answer`, `native`, or the reason of a fault. Raises what must not be raised."""
    sent = taken_apart(data)
    path = normal_path(sent.path)
    toolkit(clean_agent(sent.agent), sent.body[:HEAD])
    try:
        body = decoded(sent.body, sent.encoding, LARGEST)
    except CallerError as fault:
        _judge_fault(fault, False)
        return fault.reason
    if may_be_native(body):
        carries_old_login(body, sent.content_type)
        if is_native(head_of(body, sent.content_type)):
            return "native"
    plain = Sent(sent.path, sent.content_type, "", sent.action, sent.agent, body)
    outcome = WholeWorld(_answering).serve(plain, path)
    if outcome.fault is not None:
        assert outcome.fault.__traceback__ is None
        _judge_fault(outcome.fault, outcome.soap_12)
        return outcome.fault.reason
    assert outcome.answer is not None
    answer = as_soap_12(outcome.answer) if outcome.soap_12 else outcome.answer
    assert fault_of(parse(answer, empty=True).body) is None
    return "answer"


def _judge_fault(fault: Fault, soap_12: bool) -> None:
    told = fault_message(fault, "0123456789abcdef")
    etree.fromstring(as_soap_12(told) if soap_12 else told, etree.XMLParser(**PARSER_OPTIONS))
    assert fault.text.strip()
    assert fault.carried or len(fault.text) < 100_000, "a fault that is larger than what it is about"


class TooMuch(Exception):
    """An input cost more than it may."""


Line = tuple[str, int]
"""A file and a number."""


@contextmanager
def counted(size: int, seen: set[Line] | None = None) -> Iterator[list[int]]:
    """Counts the lines of our own code that are run; the count is there at the end. Raises TooMuch midway.

    What lines those are goes into `seen`.
    """
    most = LINES_FREE + LINES_EACH * size
    count = 0
    told: list[int] = []

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += 1
        if count > most:
            raise TooMuch(f"more than {most} lines of Python for {size} bytes")
        if seen is not None:
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        return line if "/shim/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield told
    finally:
        sys.settrace(before)
        told.append(count)


def judged(data: bytes) -> tuple[str, int, int]:
    """What became of an input, the lines of Python that it cost, and how far Python's memory grew, bytes.

    Raises TooMuch when either is too much.
    """
    tracemalloc.start(1)
    try:
        with counted(len(data)) as lines:
            became = through(data)
        grown = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if grown > FREE + TIMES * len(data):
        raise TooMuch(f"{grown} bytes of memory for {len(data)}")
    return became, lines[0], grown
