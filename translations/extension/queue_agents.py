"""Agents of queues. 2.5 names a phone terminal by its ID and a remote agent by its own, in the same element.

Which of the two an ID is, the queue itself tells: v3 is asked for its agents. How v3 wants a remote agent to be
named where an extended number is due, no source tells: the setting `remote_agent` says it.
"""

from __future__ import annotations

from collections.abc import Iterable

from shim.core.commands.extensions import Identity
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import CallerError
from shim.core.extensions.lookup import perhaps
from shim.core.forward import look
from shim.core.message import Element
from shim.core.pipeline import one_call
from shim.core.rules.declare import call
from shim.core.rules.extensions import Refer, has_number
from shim.core.rules.rule import Rule

WHOSE = call("Extension.GetQueueAgents", "Which of the agents that are named by ID are remote ones.")
_NUMBER = "v3 names an agent by extended number; a remote one as the setting remote_agent says."
_UNTOLD = "How v3 names a remote agent here, no source tells: it was sent as the setting remote_agent says."
_REFUSED = (
    "a remote agent cannot be named in v3: the setting remote_agent refuses it; change the agent through v3."
)


def agent(old_id: str, new: str) -> Rule:
    """An agent by ID: an extension, or a remote agent. The plan finds out which."""
    return Refer(old_id, new, _NUMBER, "request", later=True)


def by_id(context: CallContext) -> Steps[Element]:
    """A call whose element ID names agents."""
    yield from _find_out(context, [(each.text or "").strip() for each in context.request.all("ID")])
    return (yield from one_call(context))


def _find_out(context: CallContext, named: Iterable[str]) -> Steps[None]:
    """Let the call know each agent, a remote one too: as if its name in v3 were a number."""
    distinct = [each for each in dict.fromkeys(named) if each]
    if not distinct:
        return
    local, remote = yield from _agents(context)
    yield from perhaps(context, "old_id", distinct, ask=False)
    for named_agent in distinct:
        known = context.extensions.identities.get(("old_id", named_agent))
        row = remote.get(_canonical(named_agent))
        if row is None and known is None:
            yield from perhaps(context, "old_id", [named_agent], ask=True)
            known = context.extensions.identities.get(("old_id", named_agent))
        if known is None and row is None and local is not None:
            raise CallerError(
                "unknown-extension", "The queue has no agent with this ID: look it up anew.", "100"
            )
        if known is None or (row is not None and not _is_among(known, local)):
            _note(context, named_agent, row)


def _agents(context: CallContext) -> Steps[tuple[list[Element] | None, dict[str, Element]]]:
    """The local agents of the queue, and the remote ones by ID; None and none where v3 does not show them."""
    if context.extensions.main is None:
        return None, {}
    request = Element("extendedNumber", context.extensions.main.number)
    answer = yield from look(context, WHOSE.operation, request)
    if answer is None:
        return None, {}
    return answer.all("localAgents"), {
        _canonical(each.get("agentID") or ""): each for each in answer.all("remoteAgents")
    }


def _canonical(text: str) -> str:
    """An ID without sign, leading zeros and the fraction that a decimal may have."""
    whole, _, rest = text.strip().removeprefix("+").partition(".")
    return whole.lstrip("0") if not rest.strip("0") else text.strip()


def _is_among(known: Identity, local: list[Element] | None) -> bool:
    return any(has_number(known, (each.get("extensionNo") or "").strip()) for each in local or ())


def _note(context: CallContext, identifier: str, row: Element | None) -> None:
    """Name a remote agent in v3. Raises CallerError where the setting refuses it."""
    how = context.caller.settings.get("remote_agent", "id")
    if how == "refuse":
        context.find("field-refused", "ID", _REFUSED)
        raise CallerError("field-refused", f"ID cannot be served: {_REFUSED}")
    phone = (row.get("phoneNumber") or "").strip() if row is not None else ""
    name = phone if how == "phone" and phone else identifier
    context.find("effect-may-differ", "ID", _UNTOLD)
    identity = Identity(identifier, "", "", name)
    context.extensions.identities["old_id", identifier] = context.extensions.identities["number", name] = (
        identity
    )
