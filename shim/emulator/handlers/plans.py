"""Charging plans and templates, as accounts and extensions get them."""

from __future__ import annotations

from shim.emulator.call import EmulatedRequest
from shim.emulator.world.refusal import BAD_PLAN, BAD_TEMPLATE, Refusal
from shim.emulator.world.world import EmulatedAccount, Object, World, identifier, switched_on


def chosen_template(call: EmulatedRequest, level: str) -> Object | None:
    key = call.text("templateID")
    if key is None:
        return None
    template = call.world.kept("Template").get(int(key))
    if template is None or template.text("userLevel") != level:
        raise Refusal(BAD_TEMPLATE, f"The value of templateID is invalid: there is no such {level} template.")
    return template


def apply_template(account: EmulatedAccount, template: Object) -> None:
    for each in template.fields:
        if each.name in account.limits:
            account.limits[each.name] = [each]


def plan_of_template(template: Object | None) -> int | None:
    key = template.text("chargingPlanID") if template else None
    return int(key) if key else None


def chosen_plan(call: EmulatedRequest, parent: EmulatedAccount) -> int | None:
    """The charging plan that the request names. Raises Refusal unless it belongs to the parent."""
    plan: Object | None = None
    plans = call.world.kept("ChargingPlan")
    number, name = call.text("chargingPlanID"), call.text("chargingPlanIdentifier")
    if number is None and name is None:
        return None
    if number is not None:
        plan = plans.get(int(number))
    else:
        plan = next((each for each in plans.values() if identifier("ChargingPlan", each.key) == name), None)
    if plan is None or plan.owner != ("account", parent.id):
        raise Refusal(BAD_PLAN, f"The charging plan is invalid: it does not belong to account {parent.id}.")
    return int(plan.key)


def first_plan(world: World, parent: EmulatedAccount) -> int | None:
    """The plan of new accounts below a parent: its default one, else its first."""
    plans = [each for each in world.kept("ChargingPlan").values() if each.owner == ("account", parent.id)]
    plans.sort(key=lambda each: not switched_on(each.text("default")))
    return int(plans[0].key) if plans else None
