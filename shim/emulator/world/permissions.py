"""Permissions and limits of accounts: what an account may do, what it may have, and what it has left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

from shim.core.message import Element
from shim.core.schema.interface import ElementDecl, Interface
from shim.emulator.world.refusal import (
    DISABLED,
    EXPIRED,
    NO_PERMISSION,
    PARENT_DISABLED,
    PARENT_EXPIRED,
    Refusal,
    forbidden,
)
from shim.emulator.world.world import (
    ADMINISTRATOR,
    LEVELS,
    ORGANIZATION,
    SERVICE_PROVIDER,
    USER,
    EmulatedAccount,
    World,
    switched_on,
)

NAMES = {SERVICE_PROVIDER: "ServiceProvider", ORGANIZATION: "Organization", USER: "User"}
PARENTS = {SERVICE_PROVIDER: ADMINISTRATOR, ORGANIZATION: SERVICE_PROVIDER, USER: ORGANIZATION}

_NEEDED = {ORGANIZATION: "organizationManag", USER: "extensionManag", "extension": "extensionManag"}
_QUOTAS = {ORGANIZATION: "organizationMax", USER: "userMax"}
EXTENSION_QUOTAS = {
    "term": "phoneExtMax",
    "phoneQueue": "queueExtMax",
    "ivr": "ivrExtMax",
    "voicecenter": "voicemailExtMax",
    "queuecenter": "queuecenterExtMax",
    "conference": "confExtMax",
    "callback": "callbackExtMax",
    "callcard": "callCardExtMax",
    "intercom": "intercomExtMax",
}
_FAR_AWAY = "2037-12-31"


@cache
def limit_fields(interface: Interface, level: str) -> dict[str, ElementDecl]:
    """Every permission and limit that accounts of a level have, by name."""
    operation = interface.operations[f"{NAMES[level]}.Set{NAMES[level]}PL"]
    assert operation.input.complex is not None
    slots = operation.input.complex.slots
    skipped = ("ID", "identifier", "accountExpireDays")
    return {name: slot.decl for name, slot in slots.items() if name not in skipped}


def nothing_allowed(interface: Interface, level: str) -> dict[str, list[Element]]:
    """The permissions of a new account: every permission off, every limit 0, no end."""
    return {name: [_off(decl)] for name, decl in limit_fields(interface, level).items() if decl.simple}


def _off(decl: ElementDecl) -> Element:
    if decl.name == "accountExpire":
        return Element(decl.name, _FAR_AWAY, {"unlimited": "true"})
    simple = decl.simple
    assert simple is not None
    if simple.base == "boolean":
        return Element(decl.name, "false")
    bounded = {"unlimited": "false"} if decl.complex is not None else None
    return Element(decl.name, decl.default or (simple.enum[0] if simple.enum else "0"), bounded)


def everything_allowed(interface: Interface, level: str) -> dict[str, list[Element]]:
    """Every permission on, every limit away: what the demo accounts start from."""
    return {name: [_on(decl)] for name, decl in limit_fields(interface, level).items() if decl.simple}


def _on(decl: ElementDecl) -> Element:
    simple = decl.simple
    assert simple is not None
    if simple.base == "boolean":
        return Element(decl.name, "true")
    if decl.complex is not None:
        return Element(decl.name, _FAR_AWAY if simple.base == "date" else "0", {"unlimited": "true"})
    return Element(decl.name, "4" if "4" in simple.enum else decl.default or simple.enum[0])


def is_unlimited(limit: Element) -> bool:
    """By the schema an absent attribute is true."""
    return switched_on(limit.attributes.get("unlimited", "true"))


def allowed(account: EmulatedAccount, permission: str) -> bool:
    if account.level == ADMINISTRATOR:
        return True
    limit = account.limits.get(permission)
    return limit is not None and switched_on(limit[0].text)


def require(account: EmulatedAccount, permission: str) -> None:
    if not allowed(account, permission):
        raise forbidden(f"{account.level} accounts need {permission} for this, and this one does not have it")


def require_management(actor: EmulatedAccount, what: str) -> None:
    """Raises Refusal unless an account may add and delete accounts of a level, or extensions."""
    rank = len(LEVELS) if what == "extension" else LEVELS.index(what)
    if LEVELS.index(actor.level) >= rank:
        raise forbidden(f"a {actor.level} account cannot manage what is called {what}")
    if what in _NEEDED:
        require(actor, _NEEDED[what])


def require_room(world: World, parent: EmulatedAccount, level: str, more: int = 1) -> None:
    """Raises Refusal when the parent, or one above it, may not have so many more accounts of a level."""
    quota = _QUOTAS.get(level)
    if quota is None:
        return
    for holder in world.chain(parent):
        if quota in holder.limits:
            _require(holder, quota, lambda top: sum(e.level == level for e in world.at_or_below(top)), more)


def require_extension_room(world: World, user: EmulatedAccount, kind: str) -> None:
    quota = EXTENSION_QUOTAS[kind]
    for holder in world.chain(user):
        if quota in holder.limits:
            _require(holder, quota, lambda top: sum(e.type == kind for e in world.extensions_of(top)))


def _require(
    holder: EmulatedAccount, quota: str, count: Callable[[EmulatedAccount], int], more: int = 1
) -> None:
    limit = holder.limits[quota][0]
    if is_unlimited(limit) or not more:
        return
    if count(holder) + more > int(limit.text or 0):
        raise Refusal(
            NO_PERMISSION, f"The limit {quota} of account {holder.id} is used up ({limit.text or 0} in all)."
        )


def is_expired(account: EmulatedAccount, today: date) -> bool:
    limit = account.limits.get("accountExpire")
    if not limit or is_unlimited(limit[0]):
        return False
    return _day(limit[0].text or _FAR_AWAY) < today


def _day(text: str) -> date:
    """An xs:date as a day; years before 1 and after 9999 are as far away as days go."""
    if text.startswith("-"):
        return date.min
    return date.fromisoformat(text[:10]) if text[4] == "-" else date.max


def require_live(world: World, account: EmulatedAccount) -> None:
    """Raises Refusal when an account, or one above it, is switched off or has run out."""
    today = world.clock().date()
    for each in world.chain(account):
        own = each is account
        if not each.status:
            raise Refusal(DISABLED if own else PARENT_DISABLED, f"Account {each.id} is disabled.")
        if is_expired(each, today):
            raise Refusal(EXPIRED if own else PARENT_EXPIRED, f"Account {each.id} has expired.")
