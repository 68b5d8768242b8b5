"""MoveClients without a charging plan: the old plan belongs to the old reseller, and stays behind.

What v3 does then, no source tells; its own provisioning tool always names a plan. The setting
`move_without_plan` leaves it to v3, names the new reseller's default plan, or refuses.
"""

from __future__ import annotations

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import PARAMETER_MISSING, CallerError
from shim.core.forward import forward, look
from shim.core.message import Element
from shim.core.rules.declare import call

PLANS = call(
    "Billing.GetChargingPlans",
    "Which plan is the new reseller's default: with the setting move_without_plan: default.",
)
_PLANS = ("chargingPlanID", "chargingPlanIdentifier")
_TO = {"serviceProviderID": "userID", "serviceProviderIdentifier": "userIdentifier"}
_DEFAULT = "The clients' old charging plan stays with the old reseller: they get the new one's default plan."
_NONE = "The new reseller has no default charging plan that v3 shows: v3 decides which plan the clients get."


def move(context: CallContext) -> Steps[Element]:
    """Move clients; without a plan as the setting says."""
    translation = context.translation
    new = translation.to_new(context)
    how = context.caller.settings.get("move_without_plan", "leave")
    if how != "leave" and not any(new.get(each) for each in _PLANS):
        if how == "refuse":
            raise CallerError(
                "missing-parameter",
                "Parameter missing: chargingPlanID or chargingPlanIdentifier; send a plan of the new reseller.",
                PARAMETER_MISSING,
            )
        yield from _default(context, new)
    answer = yield from forward(context, translation.new, new, writes=True)
    return translation.to_old(answer, context)


def _default(context: CallContext, new: Element) -> Steps[None]:
    """Let the request name the default plan of whom it moves to, if there is one."""
    to = next(each for each in new.children if each.name in _TO)
    answer = yield from look(context, PLANS.operation, Element(_TO[to.name], to.text))
    plans = answer.all("chargingPlan") if answer is not None else []
    marked = [each.get("ID") for each in plans if each.is_on("default")]
    if marked and marked[0]:
        new.children.append(Element("chargingPlanID", marked[0]))
    context.find("default-added", "chargingPlanID", _DEFAULT if marked else _NONE, "chargingPlanID")
