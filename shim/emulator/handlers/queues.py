"""Queues and their agents: `extendedNumber` names the queue, `agentExtendedNumber` the phone terminal."""

from __future__ import annotations

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.world.refusal import AUTHENTICATION, DUPLICATE, NOT_UPDATED, Refusal, missing
from shim.emulator.world.shape import grouped, merge
from shim.emulator.world.world import EmulatedExtension, Object, Owner

_KIND = "QueueAgent"
_LOCAL, _REMOTE = "agentExtendedNumber", "agentID"


def _of_type(call: EmulatedRequest, name: str, kind: str) -> EmulatedExtension:
    extension = call.extension(name)
    if extension.type != kind:
        raise Refusal(NOT_UPDATED, f"The extension given as {name} is not of type {kind}.")
    return extension


def _owner(queue: EmulatedExtension) -> Owner:
    return ("extension", queue.number)


def _agents(call: EmulatedRequest, queue: EmulatedExtension) -> list[Object]:
    return [each for each in call.world.kept(_KIND).values() if each.owner == _owner(queue)]


def _key(queue: EmulatedExtension, place: str, agent: str) -> str:
    return f"{queue.number} {place} {agent}"


def _agent(call: EmulatedRequest) -> tuple[str, str]:
    """By what the agent is known, and its number."""
    if "Remote" in call.operation.name:
        return _REMOTE, call.need(_REMOTE)
    return _LOCAL, _of_type(call, _LOCAL, "term").number


def _sent(call: EmulatedRequest) -> list[Element]:
    return [each for each in call.request.children if each.name != "extendedNumber"]


def assign(call: EmulatedRequest) -> Element:
    queue = _of_type(call, "extendedNumber", "phoneQueue")
    place, agent = _agent(call)
    key = _key(queue, place, agent)
    if key in call.world.kept(_KIND):
        raise Refusal(DUPLICATE, "The agent is in this queue already.")
    call.world.kept(_KIND)[key] = Object(_KIND, key, _owner(queue), call.world.clock(), _sent(call))
    return call.done(extendedNumber=queue.number)


def _agent_of(call: EmulatedRequest, queue: EmulatedExtension) -> tuple[str, str]:
    """The same of one that is in the queue: a remote agent's ID may stand where a number is due."""
    local = call.text(_LOCAL) or ""
    if _key(queue, _REMOTE, local) in call.world.kept(_KIND):
        return _REMOTE, local
    return _agent(call)


def change(call: EmulatedRequest) -> Element:
    queue = _of_type(call, "extendedNumber", "phoneQueue")
    place, agent = _agent_of(call, queue)
    agent_kept = call.world.kept(_KIND).get(_key(queue, place, agent))
    if agent_kept is None:
        raise Refusal(AUTHENTICATION, f"The value of {place} is invalid: no such agent is in this queue.")
    assert call.operation.input.complex is not None
    sent = [each for each in _sent(call) if place == _LOCAL or each.name != _LOCAL]
    agent_kept.fields = merge(agent_kept.fields, sent, call.operation.input.complex)
    return call.done(extendedNumber=queue.number)


def unassign(call: EmulatedRequest) -> Element:
    queue = _of_type(call, "queueExtendedNumber", "phoneQueue")
    numbers = list(dict.fromkeys(call.texts("extendedNumber")))
    if not numbers:
        raise missing("extendedNumber")
    keys = {agent: _key(queue, place, agent) for agent in numbers for place in (_LOCAL, _REMOTE)}
    kept = call.world.kept(_KIND)
    gone = [
        agent for agent in numbers for place in (_LOCAL, _REMOTE) if kept.pop(_key(queue, place, agent), None)
    ]
    if not gone:
        raise Refusal(AUTHENTICATION, "The value of extendedNumber is invalid: no such agent is in this queue.")
    result = "success" if len(gone) == len(keys) else "partial"
    return call.answer({"extendedNumber": gone, "result": result})


def set_member(call: EmulatedRequest) -> Element:
    """How an agent logs in: kept with the phone terminal, the same for all its queues."""
    extension = call.extension()
    assert call.operation.input.complex is not None
    key = ("SetQueueMember", extension.number)
    kept = call.world.settings.get(key, [])
    call.world.settings[key] = merge(kept, _sent(call), call.operation.input.complex)
    return call.done(extendedNumber=extension.number)


def get_agents(call: EmulatedRequest) -> Element:
    queue = _of_type(call, "extendedNumber", "phoneQueue")
    chosen = call.text("filter") or "all"
    agents = _agents(call, queue)
    local = [_local_row(call, each) for each in agents if each.text(_LOCAL)]
    remote = [grouped(each.fields) for each in agents if not each.text(_LOCAL)]
    return call.answer(
        {
            "localAgents": local if chosen != "remote" else None,
            "remoteAgents": remote if chosen != "local" else None,
        }
    )


def _local_row(call: EmulatedRequest, agent: Object) -> dict[str, object]:
    extension = call.world.extensions[agent.text(_LOCAL) or ""]
    return {**_duty(agent), "ID": extension.user, "extensionNo": extension.local}


def _duty(agent: Object) -> dict[str, object]:
    return {"supervisor": agent.text("supervisor") or "false", "penalty": agent.text("penalty") or "0"}


def get_membership(call: EmulatedRequest) -> Element:
    extension = call.extension()
    queues = [
        {
            **_duty(each),
            "queueExtendedNumber": each.owner[1],
            "name": call.world.extensions[str(each.owner[1])].label,
        }
        for each in call.world.kept(_KIND).values()
        if each.text(_LOCAL) == extension.number
    ]
    return call.answer({"member": queues})


HANDLERS: dict[str, OperationHandler] = {
    "Extension.AssignQueueAgent": assign,
    "Extension.AssignQueueRemoteAgent": assign,
    "Extension.SetQueueAgent": change,
    "Extension.SetQueueRemoteAgent": change,
    "Extension.UnassignQueueAgent": unassign,
    "Extension.SetQueueMember": set_member,
    "Extension.GetQueueAgents": get_agents,
    "Extension.GetQueueMembership": get_membership,
}
