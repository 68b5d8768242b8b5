"""Service providers, organizations and users: one life for all three, told apart by the level alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache

from shim.core.message import Element
from shim.core.schema.interface import Interface
from shim.emulator.call import EmulatedRequest, OperationHandler, fields_of
from shim.emulator.handlers.departures import delete, move_organizations
from shim.emulator.handlers.person_names import require_names, settle_name
from shim.emulator.handlers.plans import (
    apply_template,
    chosen_plan,
    chosen_template,
    first_plan,
    plan_of_template,
)
from shim.emulator.handlers.views import LEVEL_OF, details, get_details, get_list, not_oneself, target, updated
from shim.emulator.judge import check_profile
from shim.emulator.world.permissions import NAMES, PARENTS, nothing_allowed, require_management, require_room
from shim.emulator.world.refusal import BAD_EMAIL, BAD_PARENT, DUPLICATE, Refusal, missing
from shim.emulator.world.shape import Fact
from shim.emulator.world.world import EmulatedAccount, identifier, switched_on

_NOT_PROFILE = {"ID", "identifier", "status", "templateID", "accountFlag"} | {
    *("parentID", "parentIdentifier", "chargingPlanID", "chargingPlanIdentifier"),
    *("password", "passwordAuto", "passwordStrength", "forceUpdate"),
}


@cache
def profile_fields(interface: Interface, level: str) -> frozenset[str]:
    """The elements that an account of a level is answered when added, and gives back in its details."""
    name = NAMES[level]
    given = fields_of(interface, f"{name}.Add{name}") | {"channelRuleID"}
    shown = fields_of(interface, f"{name}.Get{name}Details", True) | {"channelRuleID"}
    return (given & shown) - _NOT_PROFILE


def add(call: EmulatedRequest) -> Element:
    level = LEVEL_OF[call.operation.service]
    require_names(call)
    call.need("login")
    check_profile(call.request)
    require_management(call.actor, level)
    parent = call.find("parent") or call.actor
    if parent.level != PARENTS[level]:
        raise Refusal(BAD_PARENT, f"The parent is invalid: it must be a {PARENTS[level]} account.")
    template = chosen_template(call, level)
    plan = chosen_plan(call, parent) or plan_of_template(template) or first_plan(call.world, parent)
    login, renamed = _login(call)
    require_room(call.world, parent, level)
    account = _create(call, level, parent, login)
    account.plan = plan
    if template is not None:
        account.template = int(template.key)
        apply_template(account, template)
    call.world.enter(account)
    return _added(call, account, renamed)


def _create(call: EmulatedRequest, level: str, parent: EmulatedAccount, login: str) -> EmulatedAccount:
    world = call.world
    number = world.next_id
    account = EmulatedAccount(
        id=number,
        level=level,
        parent=parent.id,
        identifier=_new_identifier(call, number),
        created=world.clock(),
        limits=nothing_allowed(call.interface, level),
        flags=[text for text in call.texts("accountFlag") if text],
    )
    _take_profile(call, account)
    account.profile["login"] = login
    uuid = call.text("linkUUID")
    if uuid:
        account.links[call.text("linkResourceID") or "1"] = uuid
    return account


def _new_identifier(call: EmulatedRequest, number: int) -> str:
    sent = call.text("identifier")
    if sent and call.world.by_identifier(sent):
        raise Refusal(DUPLICATE, "The identifier is in use already.")
    return sent or identifier("account", number)


def _take_profile(call: EmulatedRequest, account: EmulatedAccount) -> None:
    _need_own_email(call, account)
    known = profile_fields(call.interface, account.level)
    for child in call.request.children:
        value = (child.text or "").strip()
        if child.name not in known or child.name == "login":
            continue
        if value:
            account.profile[child.name] = value
        else:
            account.profile.pop(child.name, None)
    settle_name(account.profile, anew="name" not in known)


def _need_own_email(call: EmulatedRequest, account: EmulatedAccount) -> None:
    email = (call.text("email") or "").casefold()
    if not email or call.world.ways.emails == "shared":
        return
    others = (each for each in call.world.accounts.values() if each.id != account.id)
    if any(each.profile.get("email", "").casefold() == email for each in others):
        raise Refusal(BAD_EMAIL, "The e-mail address is in use already.")


def _login(call: EmulatedRequest, own: EmulatedAccount | None = None) -> tuple[str, bool]:
    """The login to use, and whether it had to be computed because the one asked for is taken."""
    login = call.need("login")
    if call.world.by_login(login) in (None, own):
        return login, False
    if not switched_on(call.text("forceUpdate")):
        raise Refusal(DUPLICATE, "The login is in use already.")
    number = 1
    while call.world.by_login(f"{login}{number}"):
        number += 1
    return f"{login}{number}", True


def _added(call: EmulatedRequest, account: EmulatedAccount, renamed: bool) -> Element:
    facts: dict[str, Fact] = {"ID": account.id, "identifier": account.identifier}
    if switched_on(call.text("verbose")):
        facts = details(call.world, account)
    if switched_on(call.text("passwordAuto")):
        facts["password"] = secrets.token_urlsafe(9)
    if renamed:
        facts["login"] = account.login
        facts["notice"] = {"message": "The login was in use; another one was computed.", "code": DUPLICATE}
    return call.done(**facts)


def edit(call: EmulatedRequest) -> Element:
    account = target(call)
    check_profile(call.request)
    login, renamed = _new_login(call, account)
    parent = call.world.accounts.get(account.parent or 0)
    plan = chosen_plan(call, parent) if parent else None
    if plan is not None:
        not_oneself(call, account, "change the charging plan of")
    _take_profile(call, account)
    if login != account.login:
        call.world.rename(account, login)
    if plan is not None:
        account.plan = plan
    notice = {"message": f"The login was in use; it is now {login}.", "code": DUPLICATE} if renamed else None
    return updated(call, account, notice=notice)


def _new_login(call: EmulatedRequest, account: EmulatedAccount) -> tuple[str, bool]:
    if call.request.child("login") is None:
        return account.login, False
    login, renamed = _login(call, account)
    if login != account.login and "noneditablelogin" in account.flags:
        raise Refusal("310", "The login of this account cannot be changed.")
    return login, renamed


def set_status(call: EmulatedRequest) -> Element:
    account = target(call)
    status, phone = call.text("status"), call.text("phoneStatus")
    if status is None and phone is None:
        raise missing("status")
    if status is not None and not switched_on(status):
        not_oneself(call, account, "disable")
    if status is not None:
        account.status = switched_on(status)
    account.phone_status = phone or account.phone_status
    return updated(call, account)


def set_cp_access(call: EmulatedRequest) -> Element:
    account = target(call)
    account.cp_access = switched_on(call.need("cpAccess"))
    return updated(call, account)


def link(call: EmulatedRequest) -> Element:
    account = target(call, "any")
    resource, uuid = call.text("linkResourceID") or "1", call.need("linkUUID")
    if resource in account.links and not switched_on(call.text("forceUpdate")):
        raise Refusal(DUPLICATE, "The account is linked to this resource already.")
    account.links[resource] = uuid
    return updated(call, account)


_EACH_LEVEL: dict[str, Callable[[EmulatedRequest], Element]] = {
    "{0}.Add{0}": add,
    "{0}.Edit{0}": edit,
    "{0}.Del{0}": delete,
    "{0}.Get{0}s": get_list,
    "{0}.Get{0}Details": get_details,
    "{0}.Set{0}Status": set_status,
    "{0}.Set{0}CpAccess": set_cp_access,
}

HANDLERS: dict[str, OperationHandler] = {
    **{pattern.format(name): handler for pattern, handler in _EACH_LEVEL.items() for name in NAMES.values()},
    "Organization.MoveOrganizations": move_organizations,
    "Account.DelAccount": delete,
    "Account.SetAccountStatus": set_status,
    "Account.LinkAccount": link,
}
