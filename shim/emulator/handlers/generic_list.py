"""Get for every kind of the table: lists, with their filters, and details."""

from __future__ import annotations

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest
from shim.emulator.handlers.objects import is_visible, key_of, owner_facts, owner_named, owner_needed, row
from shim.emulator.world.kinds import KINDS, OWNER_PARAMETERS, AccountKind
from shim.emulator.world.refusal import AUTHENTICATION, Refusal, missing
from shim.emulator.world.shape import Fact
from shim.emulator.world.world import EmulatedAccount, Object, Owner, switched_on

_NOT_COMPARED = OWNER_PARAMETERS | {
    "filter",
    "displayLevel",
    "enabled",
    "status",
    "inUse",
    "assignedExtensions",
    "default",
}


def get_list(kind: AccountKind, call: EmulatedRequest) -> Element:
    owner = owner_named(call, kind) if kind.owner != "system" else None
    if owner is None and kind.owner not in ("account", "system") and not _free_search(call, kind):
        owner = owner_needed(call, kind)
    view = call.find("user") if kind.owner_from != "user" else None
    shown = [
        each for each in call.world.kept(kind.noun).values() if _is_shown(call, each, owner, view or call.actor)
    ]
    rows = [facts for each in shown if _fits(call, kind, facts := row(call.world, kind, each))]
    return call.answer({**_heading(call, shown, owner), kind.row: rows})


def _free_search(call: EmulatedRequest, kind: AccountKind) -> bool:
    """Card codes and caller IDs are found by their own ID or text as well, whosever they are."""
    return kind.owner == "extension" and bool(call.text("ID") or call.text("filter"))


def _is_shown(call: EmulatedRequest, each: Object, owner: Owner | None, view: EmulatedAccount) -> bool:
    return is_visible(call, each, view) and owner in (None, each.owner)


def _heading(call: EmulatedRequest, shown: list[Object], owner: Owner | None) -> dict[str, Fact]:
    """The elements above the rows of a list: whose they are."""
    if owner is None:
        return owner_facts(call.world, shown[0].owner if shown else ("account", call.actor.id))
    if owner[0] in KINDS and owner[0] != "ChargingPlan":
        account = call.world.kept(owner[0])[owner[1]]
        return row(call.world, KINDS[owner[0]], account)
    return owner_facts(call.world, owner)


def _fits(call: EmulatedRequest, kind: AccountKind, facts: dict[str, Fact]) -> bool:
    """True if a row passes the filters: equal where it has the parameter, text found anywhere in it."""
    for child in call.request.children:
        value = (child.text or "").strip()
        if child.name in _NOT_COMPARED or child.name in kind.owner_names or not value:
            continue
        if child.name in facts and _as_text(facts[child.name]) != value:
            return False
    only_enabled = switched_on(call.text("status")) or switched_on(call.text("enabled"))
    if only_enabled and not switched_on(_as_text(facts.get("status"))):
        return False
    if switched_on(call.text("default")):  # 2.5 looked at no filter then
        return switched_on(_as_text(facts.get("default")))
    text = (call.text("filter") or "").lower()
    return not text or any(text in _as_text(each).lower() for each in facts.values())


def _as_text(fact: Fact) -> str:
    if isinstance(fact, list):
        return " ".join(_as_text(each) for each in fact)
    if isinstance(fact, Element):
        return fact.text or ""
    return str(fact) if fact is not None else ""


def get_details(kind: AccountKind, call: EmulatedRequest) -> Element:
    key = call.text(kind.key) or key_of(call.world, kind, call.text("identifier"))
    if not key and call.text("identifier") is None:
        raise missing(kind.key)
    item = call.world.kept(kind.noun).get(int(key or 0))
    if item is None or not is_visible(call, item, call.actor):
        raise Refusal(AUTHENTICATION, f"The value of {kind.key} is invalid: there is no such object.")
    return call.answer({kind.row: row(call.world, kind, item)})
