"""Reading accounts: one by one and in lists, as far as the one who asks may see."""

from __future__ import annotations

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest
from shim.emulator.handlers.person_names import name_facts
from shim.emulator.world.permissions import NAMES
from shim.emulator.world.refusal import AUTHENTICATION, Refusal, forbidden
from shim.emulator.world.shape import Fact
from shim.emulator.world.world import EmulatedAccount, World, identifier, stamp

LEVEL_OF = {name: level for level, name in NAMES.items()}


def details(world: World, account: EmulatedAccount) -> dict[str, Fact]:
    """Everything that can be told about an account, by the names that answers use."""
    parent = world.accounts.get(account.parent or 0)
    plan = world.kept("ChargingPlan").get(account.plan or 0)
    template = world.kept("Template").get(account.template or 0)
    return {
        **account.profile,
        **name_facts(account.profile),
        "ID": account.id,
        "identifier": account.identifier,
        "status": account.status,
        "phoneStatus": account.phone_status,
        "cpAccess": account.cp_access,
        "parentID": account.parent,
        "parentIdentifier": parent.identifier if parent else None,
        "parentName": parent.profile.get("name") if parent else None,
        "chargingPlanID": account.plan,
        "chargingPlanIdentifier": identifier("ChargingPlan", plan.key) if plan else None,
        "chargingPlan": plan.text("name") if plan else None,
        "templateID": account.template,
        "template": template.text("name") if template else None,
        "crDate": stamp(account.created),
        "accountFlag": list(account.flags),
        "link": [{"resourceID": number, "UUID": uuid} for number, uuid in account.links.items()],
    }


def at_level(call: EmulatedRequest, account: EmulatedAccount) -> EmulatedAccount:
    """The account, if it is of the level that the operation is about."""
    level = LEVEL_OF.get(call.operation.service)
    if level not in (None, account.level):
        raise Refusal(AUTHENTICATION, f"The account is not a {level}.")
    return account


def target(call: EmulatedRequest, who: str = "account") -> EmulatedAccount:
    return at_level(call, call.need_account(who))


def not_oneself(call: EmulatedRequest, account: EmulatedAccount, what: str) -> None:
    if account is call.actor:
        raise forbidden(f"an account cannot {what} itself")


def updated(call: EmulatedRequest, account: EmulatedAccount, **facts: Fact) -> Element:
    return call.done(ID=account.id, identifier=account.identifier, **facts)


def get_details(call: EmulatedRequest) -> Element:
    return call.answer(details(call.world, target(call)))


def get_list(call: EmulatedRequest) -> Element:
    level = LEVEL_OF[call.operation.service]
    top = call.find("parent") or call.actor
    rows = [
        details(call.world, each)
        for each in call.world.listed_below(top)
        if each.level == level and _asked_for(call, each)
    ]
    return call.answer({level: rows})


def _asked_for(call: EmulatedRequest, account: EmulatedAccount) -> bool:
    template, server, scope = call.text("templateID"), call.text("serverID"), call.text("scope")
    return (
        (template is None or template == str(account.template))
        and (server is None or server == account.profile.get("serverID"))
        and (scope is None or scope == account.profile.get("scope"))
        and matches(call.text("filter"), account)
    )


def matches(text: str | None, account: EmulatedAccount, *more: str) -> bool:
    """True if a free text occurs in the name, company, e-mail or login, whatever the case."""
    if text is None:
        return True
    places = [account.profile.get(name, "") for name in ("name", "company", "email", "login")]
    return any(text.lower() in place.lower() for place in (*places, *more))
