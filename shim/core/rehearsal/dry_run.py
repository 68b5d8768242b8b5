"""A dry run: one old call through the core, with placeholders where a backend would answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import assert_never

from lxml import etree

from shim.core.answers.soap12 import action_of
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.backend import Call
from shim.core.commands.caller import Caller, Identify
from shim.core.commands.extensions import (
    DenyIdentities,
    DoubtIdentities,
    FindEnded,
    FindIdentities,
    ForgetIdentities,
    Identity,
    LearnIdentities,
    RenumberIdentities,
)
from shim.core.commands.journal import Begin, Close, MarkSteps, Revoke
from shim.core.commands.kept import Forget, Issue, Recall, Remember
from shim.core.commands.steps import AnyCommand, Aside, Together
from shim.core.drive import run
from shim.core.errors import CallerError, Fault
from shim.core.findings import Finding
from shim.core.message import Envelope
from shim.core.parse import SOAP, parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.reading.called_operation import as_called
from shim.core.rehearsal.placeholders import Placeholders

_HEAD = re.compile(rb"\s*+POST [^\r\n]{1,2000} HTTP/[0-9.]{1,3}\r?\n(?P<lines>(?:[^\r\n]++\r?\n)*+)\r?\n")
TOKEN = "ACCESS-TOKEN"  # noqa: S105  # the word that stands for one
_OF_PLACEHOLDERS = {"answer-value-omitted", "unknown-answer-element"}
"""Findings that only say that a placeholder does not fit."""
_UNKNOWN_HERE = {"backend-nonsense", "unknown-industry"}
"""Faults that only say what a dry run does not have: real answers of v3, and what a shim keeps."""


@dataclass(frozen=True, slots=True)
class DryCall:
    """A v3 call that would be made. `placeholders` are the paths that an earlier answer would fill."""

    service: str
    operation: str
    url: str
    envelope: bytes
    placeholders: list[str]


@dataclass(slots=True)
class DryRun:
    calls: list[DryCall] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fault: Fault | None = None
    cut_short: bool = False
    """The placeholders of a dry run were not enough to go on with: the call may do more."""


def dry_run(catalogue: Catalogue, message: bytes, backend_url: str) -> DryRun:
    """The dry run of an old message: a whole envelope, or its body element alone.

    It may be the dump of a request, too, with the head of HTTP before it.
    """
    run = DryRun()
    message, head = _without_head(message)
    content_type, action = head.get("content-type", ""), head.get("soapaction", "")
    try:
        message, envelope = _whole(message, content_type)
    except CallerError as fault:
        run.fault = fault
        return run
    envelope = as_called(catalogue.old, envelope, action or action_of(content_type))
    operation = catalogue.old.by_input.get(envelope.body.name)
    path = catalogue.old.services[operation.service].endpoint if operation else ""
    driver = _Driver(catalogue, Placeholders(catalogue.new, message), backend_url.rstrip("/"), run)
    outcome = driver.drive(Shim(catalogue), Request(path, content_type, message, action))
    run.findings = [each for each in outcome.findings if each.code not in _OF_PLACEHOLDERS]
    run.cut_short = outcome.fault is not None and outcome.fault.reason in _UNKNOWN_HERE
    run.fault = None if run.cut_short else outcome.fault
    return run


class _Driver:
    """Replies to the commands of one exchange."""

    def __init__(self, catalogue: Catalogue, answers: Placeholders, base: str, run: DryRun) -> None:
        self._catalogue = catalogue
        self._answers = answers
        self._base = base
        self._run = run
        self._under_way = ""

    def drive(self, shim: Shim, request: Request) -> Outcome:
        return run(exchange(shim, request), self._reply)

    def _reply(self, command: AnyCommand) -> object:  # noqa: PLR0912  # one arm for each command
        match command:
            case Aside():
                return command.work()
            case Identify():
                return Caller("dry-run")
            case Call():
                return self._call(command)
            case Recall():
                return {}
            case Remember() | Forget() | ForgetIdentities() | RenumberIdentities():
                return None
            case Issue():
                return 1
            case DoubtIdentities() | DenyIdentities() | Begin() | MarkSteps() | Close() | Revoke():
                return None  # no journal: nothing is written
            case FindIdentities("user_id") | FindEnded():
                return {}  # what else a user has, and what is gone, is not known here
            case FindIdentities("number") if self._under_way == "Extension.GetExtensions":
                return {}
            case FindIdentities():
                return {value: (self._answers.identity(command.by, value),) for value in command.values}
            case LearnIdentities():
                return tuple(
                    Identity(each.user_id, each.user_id, each.user_id, each.number) for each in command.known
                )
            case Together():
                return [run(part, self._reply) for part in command.parts]
            case _:
                assert_never(command)

    def _call(self, command: Call) -> object:
        self._under_way = command.full_name
        envelope = command.envelope(TOKEN)
        request = parse(envelope).body
        used = self._answers.used_in(request)
        url = self._base + command.endpoint
        self._run.calls.append(DryCall(command.service, command.operation, url, envelope, used))
        return self._answers.answer(self._catalogue.new.operations[command.full_name], request)


def _without_head(message: bytes) -> tuple[bytes, dict[str, str]]:
    """The message without a head of HTTP before it, and what that says, by small names."""
    match = _HEAD.match(message)
    if match is None:
        return message, {}
    lines = (line.partition(":") for line in match["lines"].decode("latin-1").splitlines())
    return message[match.end() :], {name.strip().lower(): value.strip() for name, _, value in lines}


def _whole(message: bytes, content_type: str = "") -> tuple[bytes, Envelope]:
    """The message as an envelope, taken apart. Raises CallerError for what is neither envelope nor XML."""
    try:
        return message, parse(message, content_type, empty=True)
    except CallerError as fault:
        if fault.reason != "not-soap":
            raise
        wrapped = _wrapped(message)
        if wrapped is None:
            raise
        return wrapped, parse(wrapped)


def _wrapped(message: bytes) -> bytes | None:
    """A bare body element in an envelope. It was parsed once, so it is within all limits and has no DOCTYPE."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(message.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if etree.QName(root).localname == "Envelope":
        return None
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(root)
    return etree.tostring(envelope, encoding="utf-8")
