"""Where rules and plans ask what configuration chose: about an element, an answer, or the call.

What was not chosen is done as the rule was written, with the rule's own finding and reason. What was chosen
instead has the finding that says so, and a reason of its own: a rule's would tell of something not done.
"""

from __future__ import annotations

from shim.core.context import CallContext, Problem
from shim.core.errors import CallerError
from shim.core.findings import Code
from shim.core.policies import CHOICES

_NOT_KEPT = "v3 has no place for it, and the shim's configuration chose to drop it."
_REFUSED = "v3 has no place for it, and the shim's configuration chose to refuse it. Send the call without it."
_RATHER = "{0}. The shim's configuration chose to refuse it rather than drop it: send the call without it."
_NOT_ANSWERED = "v3 does not have it, and the shim's configuration chose not to answer in its place."
_OPERATION = "v3 has no such operation, and the shim's configuration chose to refuse the call: port it."


def accepts(context: CallContext, code: Code, path: str, because: str) -> bool:
    """Make the finding of a request's element, or what was chosen instead; whether to do as the rule says.

    A refusal is a problem of the call, so that it ends with a fault before anything is forwarded.
    """
    do = context.policy(code, path)
    if do == CHOICES["request", code][0]:
        context.find(code, path, because)
        return True
    if do == "drop":
        context.find("field-dropped", path, _NOT_KEPT)
        return False
    why = _RATHER.format(because.rstrip(".")) if code == "field-dropped" else _REFUSED
    context.find("field-refused", path, why)
    context.record.problems.append(Problem("field-refused", path, why, None))
    return False


def gives(context: CallContext, path: str, because: str) -> bool:
    """True if the shim answers with an element that v3 does not have; the finding says what is done."""
    if context.policy("field-emulated", path, "answer") == "drop":
        context.find("answer-field-unavailable", path, _NOT_ANSWERED)
        return False
    context.find("field-emulated", path, because)
    return True


def emulates(context: CallContext, because: str) -> None:
    """For operations that v3 does not have at all: make the finding. Raises CallerError if that is refused."""
    name = context.request.name
    if context.policy("operation-emulated") == "refuse":
        context.find("field-refused", name, _OPERATION)
        raise CallerError("field-refused", f"{name} cannot be served: {_OPERATION}")
    context.find("operation-emulated", name, because)
