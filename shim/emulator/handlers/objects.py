"""Owners and rows of objects: to whom they belong, who may see them, how they are shown."""

from __future__ import annotations

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest
from shim.emulator.world.kinds import KINDS, OWNER_PARAMETERS, PLAN_NAMES, AccountKind
from shim.emulator.world.permissions import require
from shim.emulator.world.refusal import AUTHENTICATION, BAD_PLAN, Refusal, forbidden, missing
from shim.emulator.world.rows import MORE
from shim.emulator.world.shape import Fact, flat
from shim.emulator.world.world import (
    ADMINISTRATOR,
    EmulatedAccount,
    Object,
    Owner,
    World,
    identifier,
    stamp,
    switched_on,
)

ROOT: Owner = ("account", 1)


def owner_named(call: EmulatedRequest, kind: AccountKind, but: str = "") -> Owner | None:
    """The owner that the request names; None when it names none. Raises Refusal when it is not there.

    `but` is a parameter that names something else in this request.
    """
    if kind.owner == "system":
        return ROOT
    if kind.owner == "account":
        account = call.find(kind.owner_from)
        return ("account", account.id) if account else None
    if kind.owner == "extension":
        number = call.text("extendedNumber")
        return ("extension", call.extension_at(number).number) if number else None
    names = PLAN_NAMES if kind.owner == "plan" else kind.owner_names
    owner_kind = KINDS["ChargingPlan" if kind.owner == "plan" else kind.owner]
    for name in names:
        value = call.text(name) if name != but else None
        if value is not None:
            owner = _by_name(call.world, owner_kind, name, value)
            if owner is None or not is_visible(call, owner, call.actor):
                code = BAD_PLAN if kind.owner == "plan" else AUTHENTICATION
                raise Refusal(code, f"The value of {name} is invalid: there is no such object.")
            return (owner_kind.noun, owner.key)
    return None


def _by_name(world: World, kind: AccountKind, name: str, value: str) -> Object | None:
    key = key_of(world, kind, value) if name.endswith("Identifier") else value
    return world.kept(kind.noun).get(int(key or 0))


def key_of(world: World, kind: AccountKind, name: str | None) -> str:
    """The key of the object with that identifier; empty when there is none."""
    return next((str(key) for key in world.kept(kind.noun) if name == identifier(kind.noun, key)), "")


def owner_needed(call: EmulatedRequest, kind: AccountKind) -> Owner:
    owner = owner_named(call, kind)
    if owner is not None:
        return owner
    if kind.owner == "account":
        return ("account", call.actor.id)
    raise missing({"extension": "extendedNumber", "plan": PLAN_NAMES[0]}.get(kind.owner) or kind.owner_names[0])


def account_of(world: World, owner: Owner) -> EmulatedAccount | None:
    """The account at the root of an owner."""
    kind, key = owner
    if kind == "account":
        return world.accounts.get(int(key))
    if kind == "extension":
        return world.accounts[world.extensions[str(key)].user]
    account = world.kept(kind).get(key)
    return account_of(world, account.owner) if account else None


def is_visible(call: EmulatedRequest, item: Object, view: EmulatedAccount) -> bool:
    """An account sees what belongs to it and those below it, and what is handed down to it."""
    account = account_of(call.world, item.owner)
    if account is None:
        return False
    if call.world.is_at_or_below(account, view):
        return True
    return KINDS[item.kind].inherited and call.world.is_at_or_below(view, account)


def require_writable(call: EmulatedRequest, kind: AccountKind) -> None:
    if kind.writes_need == ADMINISTRATOR:
        if call.actor.level != ADMINISTRATOR:
            raise forbidden("only the administrator may change this")
    elif kind.writes_need:
        require(call.actor, kind.writes_need)


def reachable(call: EmulatedRequest, kind: AccountKind, key: str, name: str) -> Object:
    """The object with that key, if the actor may touch it."""
    item = call.world.kept(kind.noun).get(key if kind.key == "code" else int(key))
    if item is None or not call.world.is_at_or_below(_root(call.world, item), call.actor):
        raise Refusal(AUTHENTICATION, f"The value of {name} is invalid: there is no such object.")
    return item


def _root(world: World, item: Object) -> EmulatedAccount:
    account = account_of(world, item.owner)
    assert account is not None
    return account


def row(world: World, kind: AccountKind, item: Object) -> dict[str, Fact]:
    """Everything that can be told about an object, by the names that answers use."""
    facts = flat(item.fields)
    for name, value in kind.defaults.items():
        facts.setdefault(name, value)
    for name, counted in kind.counts.items():
        facts[name] = _count(world, item, counted)
    facts.setdefault("availableCredit", facts.get("credit"))
    more = MORE.get(kind.noun)
    return {
        **owner_facts(world, item.owner),
        **facts,
        **(more(world, item) if more else {}),
        kind.key: item.key,
        "identifier": identifier(kind.noun, item.key),
        "crDate": stamp(item.created),
    }


def _count(world: World, item: Object, counted: str) -> int:
    if counted in KINDS:
        return sum(each.owner == (item.kind, item.key) for each in world.kept(counted).values())
    return sum(each.name == counted for each in item.fields)


def owner_facts(world: World, owner: Owner) -> dict[str, Fact]:
    """How an answer names the owner, above its rows and in them."""
    kind, key = owner
    if kind == "extension":
        return {"extendedNumber": key}
    if kind == "ChargingPlan":
        return {"chargingPlanID": key}
    account = account_of(world, owner)
    assert account is not None
    return {
        "userID": account.id,
        "ownerID": account.id,
        "userIdentifier": account.identifier,
        "userLogin": account.login,
        "userName": account.profile.get("name"),
    }


def unkept(call: EmulatedRequest, kind: AccountKind, item: Element) -> frozenset[str]:
    """The element that names the owner in a request that is the object itself; inside an item nothing does."""
    return OWNER_PARAMETERS | set(kind.owner_names) if item is call.request else frozenset()


def fields_sent(item: Element, *but: str) -> list[Element]:
    """The elements to keep of an item: everything that does not name the object or its owner."""
    return [each for each in item.children if each.name not in but]


def settle_default(world: World, item: Object) -> None:
    """One of an owner's things is the default at most: the one that was said to be so last."""
    if not switched_on(item.text("default")):
        return
    for other in world.kept(item.kind).values():
        if other is not item and other.owner == item.owner:
            other.fields = [each for each in other.fields if each.name != "default"]
