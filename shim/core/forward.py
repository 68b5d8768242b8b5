"""Forward: one v3 call, from an element tree to an element tree."""

from __future__ import annotations

from shim.core.aside import LARGE, aside
from shim.core.commands.backend import Call
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import PARAMETER_MISSING, BackendError, BackendRefused, CallerError, says_absent
from shim.core.message import Element
from shim.core.parse import fault_of, parse_answer
from shim.core.reading.pieces import parts_of
from shim.core.reading.zero_ids import may_have_zeros, without_zeros
from shim.core.rules.choices import accepts
from shim.core.schema.interface import Operation
from shim.core.serialise import MessageWriter
from shim.core.translate import refusal

_MISSING = "Parameter missing: {}; send it. v3 cannot do without."
_NOT_ALLOWED = "The schema of v3 does not allow it here."


def forward(context: CallContext, operation: Operation, request: Element, *, writes: bool) -> Steps[Element]:
    """Make a v3 call. Raises BackendError for the backend's faults and for what is no answer to the call.

    Raises CallerError when the request lacks what v3 must have, and when something would be dropped and
    configuration chose to refuse that.
    """
    writer = context.catalogue.new_writer(operation)
    body, unwritten = writer.write(request)
    if missing := [each.path for each in unwritten if each.why == "missing"]:
        raise CallerError("missing-parameter", _MISSING.format(", ".join(missing[:5])), PARAMETER_MISSING)
    for each in unwritten:
        if not accepts(context, "field-dropped", each.path, _NOT_ALLOWED):
            raise refusal(context.record.problems)
    context.record.calls.append(operation.full_name)
    answer = yield from ask(_command(writer, operation, body, writes))
    envelope = yield from aside(len(answer.body), lambda: parse_answer(answer.body, answer.content_type))
    if len(answer.body) > LARGE:
        context.record.held.append(parts_of(envelope.body))
    fault = fault_of(envelope.body)
    if fault is not None:
        text = context.in_old_words(fault.text)
        raise BackendRefused(fault.reason, text, fault.code, side=fault.side, carried=True)
    if envelope.body.name != operation.output.name:
        raise BackendError(
            "backend-nonsense", "The v3 backend answered another call than the one it was asked."
        )
    context.record.server_info = next((each for each in envelope.headers if each.name == "serverInfo"), None)
    zeros = envelope.zeros
    if zeros is None:
        zeros = may_have_zeros(answer.body)
    if not zeros:
        return envelope.body
    return without_zeros(envelope.body, operation.output.complex, context.find)


def read_v3(context: CallContext, name: str, *children: Element) -> Steps[Element]:
    """Read something of v3, by the operation's full name. Raises BackendError."""
    operation = context.catalogue.new.operations[name]
    request = Element(operation.input.name, children=list(children))
    return (yield from forward(context, operation, request, writes=False))


def look(context: CallContext, name: str, *children: Element, strict: bool = False) -> Steps[Element | None]:
    """The same of what may not be there, or not be shown: None when v3 refuses. Else raises BackendError.

    If `strict`, None says that v3 denies that there is such a thing; any other refusal of it is raised.
    """
    try:
        return (yield from read_v3(context, name, *children))
    except BackendRefused as fault:
        if strict and not says_absent(fault):
            raise
        return None


def _command(writer: MessageWriter, operation: Operation, body: str, writes: bool) -> Call:
    def envelope(token: str) -> bytes:
        header = Element("userCredentials", children=[Element("accessToken", token)])
        return writer.envelope(body, header)

    endpoint = writer.interface.services[operation.service].endpoint
    return Call(operation.service, operation.name, endpoint, operation.soap_action, envelope, writes)
