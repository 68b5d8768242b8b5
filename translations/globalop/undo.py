"""Taking back what an operation of a LinkedOp added, by an old operation: the one that deletes such a thing.

Only what was new is taken back, by the ID that the answer gave it. Changes of what was there before are not:
nobody knows what it was like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shim.core.message import Element
from shim.core.schema.interface import Interface, Operation


@dataclass(frozen=True, slots=True)
class Undoing:
    """The operation that deletes it; `also` are elements of its request by those of the addition's."""

    operation: str
    also: Mapping[str, str] = field(default_factory=dict)


_OWNER = {"userID": "userID", "userIdentifier": "userIdentifier"}
_PLAN = {"chargingPlanID": "chargingPlanID"}

UNDONE_BY: Mapping[str, Undoing] = {
    "Reseller.AddReseller": Undoing("Reseller.DelReseller"),
    "Client.AddClient": Undoing("Client.DelClient"),
    "Extension.AddExtension": Undoing("Extension.DelExtension"),
    "Extension.AddCallRulesIn": Undoing("Extension.DelCallRulesIn", _OWNER),
    "Extension.AddCardCode": Undoing("Extension.DelCardCode", _OWNER),
    "Extension.AddAuthCallerID": Undoing("Extension.DelAuthCallerID", _OWNER),
    "Billing.AddChargingPlan": Undoing("Billing.DelChargingPlan"),
    "Billing.AddChargingPackage": Undoing("Billing.DelChargingPackage", _PLAN),
    "Billing.AddDestinationException": Undoing("Billing.DelDestinationException", _PLAN),
    "Channel.AddChannelGroup": Undoing("Channel.DelChannelGroup"),
    "Channel.AddChannel": Undoing("Channel.DelChannel"),
    "Channel.AddPublicNo": Undoing("Channel.DelPublicNo"),
    "Channel.AddCallRulesOutGroup": Undoing("Channel.DelCallRulesOutGroup"),
    "Channel.AddCallRulesOut": Undoing("Channel.DelCallRulesOut", {"ID": "rulesGroupID"}),
    "PBX.AddTimeIntervalBlock": Undoing("PBX.DelTimeIntervalBlock"),
}


def undoing(old: Interface, operation: Operation, request: Element, answer: Element) -> Element | None:
    """The old request that takes an operation back; None when nothing does, or its answer names nothing."""
    declared = UNDONE_BY.get(operation.full_name)
    ids = [Element("ID", each.text) for each in answer.all("ID") if each.text]
    if declared is None or not ids:
        return None
    also = [
        Element(name, each.text)
        for parameter, name in declared.also.items()
        for each in request.all(parameter)[:1]
        if each.text
    ]
    return Element(old.operations[declared.operation].input.name, children=[*also, *ids])
