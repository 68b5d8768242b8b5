"""The request path: parse, resolve, translate, forward, translate back, serialise.

One generator, read top to bottom. It yields commands, which the edge carries out, and returns one outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from shim.core.admit import admit, rung_of
from shim.core.answers.notices import DeprecationDates, add_notices
from shim.core.answers.soap12 import action_of
from shim.core.answers.v3_texts import reworded
from shim.core.aside import MUCH, aside, work_of
from shim.core.catalogue.choices import choose
from shim.core.catalogue.translation import Catalogue, Translation
from shim.core.commands.caller import Caller, Identify, Rung
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext, CallHistory
from shim.core.errors import AUTHENTICATION, BackendError, CallerError, Fault
from shim.core.extensions.lookup import elsewhere
from shim.core.extensions.messages import of_answer, of_request
from shim.core.findings import Findings
from shim.core.forward import forward
from shim.core.inner import InnerCall
from shim.core.keeping import keep
from shim.core.login_forms import admit_login
from shim.core.message import LONGEST_NAME, Credentials, Element, Envelope
from shim.core.parse import Limits, parse
from shim.core.reading.called_operation import as_called
from shim.core.reading.credentials import credentials
from shim.core.reading.flat_call_rules import is_earlier
from shim.core.reading.known_names import Familiar
from shim.core.reading.pieces import give_up, parts_of
from shim.core.reading.request import read
from shim.core.reading.zero_ids import without_zeros
from shim.core.resolve import resolve, schema_version


@dataclass(frozen=True, slots=True)
class Request:
    """The request: the endpoint's path, the content type as sent, the whole body."""

    path: str
    content_type: str
    body: bytes = field(repr=False)
    action: str = ""
    """The SOAPAction as sent, which is only looked at when the body does not name its call."""
    unusual: bool = False
    """True if the path was written in another way and is given here as it is meant."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The text of the serverInfo header of answers; None: what the backend says of itself."""

    edition: str | None = None
    version: str | None = "2.5.1"
    infrastructure_id: str | None = None

    def header(self, header: Element | None) -> Element:
        """The header; `header` is the one of the last v3 answer."""
        ours = {"edition": self.edition, "version": self.version, "infrastructureID": self.infrastructure_id}
        parts = [
            Element(name, (header.get(name) if header else None) or "" if value is None else value)
            for name, value in ours.items()
        ]
        return Element("serverInfo", children=parts)


@dataclass(frozen=True, slots=True)
class Shim:
    """The parts that every exchange needs and none changes."""

    catalogue: Catalogue
    limits: Limits = field(default_factory=Limits)
    server_info: ServerInfo = field(default_factory=ServerInfo)
    deprecation: DeprecationDates = field(default_factory=DeprecationDates)
    familiar: Familiar = field(default_factory=Familiar)
    """Judges whether a message has names that its parser must forget."""
    backend_info: Element | None = None
    """The serverInfo that the backend sent last, for answers that need no v3 call."""


@dataclass(slots=True)
class Outcome:
    """The answer, and the findings on the way. Filled as the exchange goes on.

    Either `answer` or `fault` is set in the end. `schema_version` is the one the caller speaks, `calls`
    names the v3 operations that were called, in order. `operation` is known, and `request` there, as soon as
    the message was read, if it is a call of 2.5.
    """

    answer: bytes | None = None
    fault: Fault | None = None
    findings: Findings = field(default_factory=Findings)
    calls: list[str] = field(default_factory=list)
    caller: Caller | None = None
    operation: str | None = None
    schema_version: str | None = None
    soap_12: bool = False
    """True if the call came in SOAP 1.2, and is to be answered so."""
    rung: Rung | None = None
    """How far the caller has ported the operation; None until it is known which one it is."""
    request: Element | None = field(default=None, repr=False)
    inner: list[InnerCall] = field(default_factory=list)
    """The calls that a call of calls holds, as far as they were begun."""
    backend_info: Element | None = None
    """The serverInfo header of the last v3 answer; None where there was none."""
    held: list[list[Element]] = field(default_factory=list, repr=False)
    """Parts of long trees, which are given up bit by bit at the end."""


_DATES = "v3 gave a date or a time in another form than 2.5 has it; it was converted."

Exchange = Steps[Outcome]


def exchange(shim: Shim, request: Request, outcome: Outcome | None = None) -> Exchange:
    """One call from bytes to bytes. Faults do not leave it: they end in the outcome, like the answer.

    Whoever gives the outcome to fill still has what is known by then when the exchange is cut off.
    """
    outcome = Outcome() if outcome is None else outcome
    try:
        outcome.answer = yield from _serve(shim, request, outcome)
    except Fault as fault:
        outcome.fault = fault.bare()
    give_up(outcome.held)
    return outcome


def _serve(shim: Shim, request: Request, outcome: Outcome) -> Steps[bytes]:
    """The six words. Raises Fault; what is known by then is in the outcome."""
    # parse
    envelope = yield from aside(
        work_of(request.body) if shim.familiar(request.body) else MUCH,
        lambda: parse(request.body, request.content_type, shim.limits, empty=True),
    )
    outcome.soap_12 = envelope.soap_12
    action = request.action or action_of(request.content_type)
    envelope = as_called(shim.catalogue.old, envelope, action)
    _note(envelope, request, outcome.findings)
    outcome.schema_version = schema_version(envelope)
    if (operation := shim.catalogue.old.by_input.get(envelope.body.name)) is not None:
        outcome.operation, outcome.request = operation.full_name, envelope.body

    # resolve: who calls, which operation, and whether it may
    outcome.caller = yield from ask(Identify(_login(envelope, outcome)))
    translation = resolve(shim.catalogue, envelope, request.path, outcome.findings)
    outcome.rung = rung_of(outcome.caller.rungs, translation.old.full_name)
    admit_login(outcome.caller.login, outcome.caller.login_rung, outcome.findings)
    admit(outcome.caller, translation.old, outcome.findings)

    # translate, forward, translate back
    version = outcome.schema_version or shim.catalogue.old.version
    context = _context(shim, translation, envelope.body, outcome.caller, outcome, version)
    old = yield from perform(context)

    outcome.backend_info = context.record.server_info
    is_long = bool(outcome.held)
    give_up(outcome.held)  # of v3's answers only what the old one has of them is needed now

    # serialise
    body = written(translation, old, outcome.findings, version)
    info = shim.server_info.header(context.record.server_info or shim.backend_info)
    body, blocks = add_notices(shim.deprecation, context, old, body)
    if is_long:
        outcome.held.append(parts_of(old))
        old.children = []
        give_up(outcome.held)
    return translation.writer(version).envelope(body, info, version, blocks)


def _note(envelope: Envelope, request: Request, findings: Findings) -> None:
    """The findings that a message makes by its form."""
    path = envelope.body.name[:LONGEST_NAME]
    for code, because in envelope.notes:
        findings.add(code, path, because)
    if request.unusual:
        findings.add("unusual-path", path)


def _login(envelope: Envelope, outcome: Outcome) -> Credentials:
    """The credentials of the caller. Raises CallerError (100) for a call of 2.5 with a login of v3."""
    login = credentials(envelope.headers)
    if login.v3_token and not login.complete and outcome.operation is not None:
        raise CallerError(
            "v3-token",
            "This is a call of SystemAPI 2.5 with an access token of v3 in its header: log in as 2.5 does, "
            "with username and password, cryptedAuth, or appKey and appSecret; or send the call of v3.",
            AUTHENTICATION,
        )
    return login


def perform(context: CallContext) -> Steps[Element]:
    """One old request to its old answer: its names resolved, translated, forwarded, translated back.

    What an operation of several v3 calls does instead of `one_call` is declared with it. Raises Fault.
    """
    translation = context.translation
    earlier = translation.declared.earlier
    if earlier is not None and earlier.request is not None:
        earlier.request(context.request, context)
    read(context.request, translation.old.input.complex, context)
    context.request = without_zeros(context.request, translation.old.input.complex, context.find)
    if (words := translation.words) is not None:
        context.in_old_words = partial(words.in_old_words, request=context.request)
    choose(context)
    yield from of_request(context)
    plan = translation.declared.plan or one_call
    answer = reworded((yield from plan(context)), words, context.request)
    if earlier is not None and earlier.answer is not None and is_earlier(context.schema_version):
        answer = earlier.answer(answer, context)
    return answer


def one_call(context: CallContext) -> Steps[Element]:
    """The plain case: one old call is one v3 call."""
    translation = context.translation
    new = translation.to_new(context)
    try:
        answer = yield from forward(context, translation.new, new, writes=translation.writes)
    except BackendError as fault:
        if not (yield from elsewhere(context, fault)):
            raise
        new = translation.to_new(context)
        answer = yield from forward(context, translation.new, new, writes=translation.writes)
    yield from keep(answer, context)
    yield from of_answer(context, answer)
    return translation.to_old(answer, context)


def written(translation: Translation, old: Element, findings: Findings, version: str = "") -> str:
    """The old answer as text. What v3 said and 2.5 cannot write is a finding.

    Raises BackendError for what 2.5 must say and v3 did not.
    """
    body, unwritten = translation.writer(version).write(old)
    for each in unwritten:
        if each.why == "missing":
            raise BackendError(
                "backend-nonsense", f"The v3 backend answered without {each.path}, which the answer needs."
            )
        if each.why == "converted":
            findings.add("value-converted", each.path, _DATES)
        else:
            findings.add("answer-value-omitted", each.path)
    return body


def _context(
    shim: Shim, translation: Translation, body: Element, caller: Caller, outcome: Outcome, version: str
) -> CallContext:
    return CallContext(
        shim.catalogue,
        body,
        caller,
        CallHistory(outcome.findings, outcome.calls, outcome.inner, outcome.held),
        translation=translation,
        limits=shim.limits,
        schema_version=version,
        shown_version=shim.server_info.version,
    )
