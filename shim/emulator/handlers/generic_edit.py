"""Edit and Set...Status for every kind of the table: exactly what is sent changes."""

from __future__ import annotations

from shim.core.message import Element
from shim.core.schema.interface import ComplexType
from shim.emulator.call import EmulatedRequest
from shim.emulator.handlers.objects import (
    fields_sent,
    is_visible,
    key_of,
    owner_named,
    reachable,
    require_writable,
    settle_default,
    unkept,
)
from shim.emulator.world.kinds import AccountKind
from shim.emulator.world.refusal import AUTHENTICATION, Refusal, missing
from shim.emulator.world.shape import Fact, merge
from shim.emulator.world.world import Object, Owner

_ORDERS = ("order", "changeOrder", "ruleStatus")


def edit(kind: AccountKind, call: EmulatedRequest) -> Element:
    require_writable(call, kind)
    owner = owner_named(call, kind) if kind.owner not in ("account", "system") else None
    changes = [(_target(call, kind, item, owner), item) for item in _edited(call, kind)]
    inner = _item_type(call, kind)
    for edited, item in changes:
        sent = fields_sent(item, kind.edit_key, *unkept(call, kind, item), *_ORDERS)
        edited.fields = merge(edited.fields, sent, inner)
        settle_default(call.world, edited)
    _reorder(call, kind)
    return _answer(call, kind, [edited for edited, _ in changes] or _in_order(call, kind))


def _edited(call: EmulatedRequest, kind: AccountKind) -> list[Element]:
    """The elements that an Edit changes: the request itself, or each item in it that has a key."""
    if call.operation.input.complex and kind.edit_key in call.operation.input.complex.slots:
        return [call.request]
    items = call.request.all(kind.item or "")
    if not items and not call.request.child("order"):
        raise missing(kind.item or kind.edit_key)
    return items


def _target(call: EmulatedRequest, kind: AccountKind, item: Element, owner: Owner | None) -> Object:
    key = (item.get(kind.edit_key) or "").strip()
    key = key or key_of(call.world, kind, call.text("identifier"))
    if not key:
        raise missing(kind.edit_key)
    target = reachable(call, kind, key, kind.edit_key)
    if owner not in (None, target.owner):
        raise Refusal(AUTHENTICATION, f"The value of {kind.edit_key} is invalid: it belongs to something else.")
    return target


def _item_type(call: EmulatedRequest, kind: AccountKind) -> ComplexType:
    outer = call.operation.input.complex
    assert outer is not None
    slot = outer.slots.get(kind.item or "")
    inner = slot.decl.complex if slot and kind.edit_key not in outer.slots else None
    return inner or outer


def _rules(call: EmulatedRequest, kind: AccountKind) -> dict[int | str, Object]:
    """The rules that an Edit may put into order: its own, or those of the group that it edits."""
    kept = call.world.kept(kind.nests.get("rules", kind.noun))
    return {key: each for key, each in kept.items() if is_visible(call, each, call.actor)}


def _in_order(call: EmulatedRequest, kind: AccountKind) -> list[Object]:
    rules = _rules(call, kind)
    keys = [int(each) for name in _ORDERS[:2] for each in call.texts(name)]
    return [rules[key] for key in keys if key in rules]


def _reorder(call: EmulatedRequest, kind: AccountKind) -> None:
    """Puts rules into the order that was asked for, and switches them on and off (groups of rules)."""
    first = {each.key: each for each in _in_order(call, kind)}
    if first:
        noun = next(iter(first.values())).kind
        rest = {key: each for key, each in call.world.kept(noun).items() if key not in first}
        call.world.objects[noun] = {**first, **rest}
    for each in call.request.all("ruleStatus"):
        rule = _rules(call, kind).get(int(each.get("ruleID") or 0))
        if rule is not None:
            _switch(rule, each.get("status"))


def _switch(target: Object, status: str | None) -> None:
    rest = [each for each in target.fields if each.name != "status"]
    target.fields = [*rest, Element("status", status)]


def _answer(call: EmulatedRequest, kind: AccountKind, touched: list[Object]) -> Element:
    facts: dict[str, Fact] = {"ID": [each.key for each in touched if kind.key != "code"]}
    if touched:
        facts |= {kind.key: touched[0].key, "serial": touched[0].text("serial")}
    return call.done(**facts)


def set_status(kind: AccountKind, call: EmulatedRequest) -> Element:
    target = reachable(call, kind, call.need(kind.edit_key), kind.edit_key)
    _switch(target, call.need("status"))
    return _answer(call, kind, [target])
