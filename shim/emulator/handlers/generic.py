"""Add, Get, Edit, Del and Set...Status for every kind of the table: one handler a verb."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shim.core.message import Element
from shim.core.schema.interface import Interface
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.handlers.generic_edit import edit, set_status
from shim.emulator.handlers.generic_list import get_details, get_list
from shim.emulator.handlers.objects import (
    fields_sent,
    key_of,
    owner_named,
    owner_needed,
    reachable,
    require_writable,
    row,
    settle_default,
    unkept,
)
from shim.emulator.world.kinds import KINDS, AccountKind
from shim.emulator.world.refusal import AUTHENTICATION, DUPLICATE, Refusal, missing
from shim.emulator.world.shape import Fact
from shim.emulator.world.world import Object, Owner, identifier


def _items(call: EmulatedRequest, kind: AccountKind) -> list[Element]:
    """The objects in an Add: the request itself, or each item in it."""
    if kind.item is None:
        return [call.request]
    items = call.request.all(kind.item)
    if not items:
        raise missing(kind.item)
    return items


def add(kind: AccountKind, call: EmulatedRequest) -> Element:
    require_writable(call, kind)
    owner = owner_needed(call, kind)
    for name in kind.required:
        sent = call.request.child(name)
        if sent is None or not (sent.children or call.text(name)):
            raise missing(name)
    objects = [create(call, kind, owner, item) for item in _items(call, kind)]
    facts = row(call.world, kind, objects[0])
    answered: dict[str, Fact] = {"ID": [each.key for each in objects], kind.key: objects[0].key}
    if kind.noun == "ChargingPlan":
        answered["identifier"] = identifier(kind.noun, objects[0].key)
    if kind.key == "code":
        del answered["ID"]
    return call.done(**answered, serial=facts.get("serial"))


def create(call: EmulatedRequest, kind: AccountKind, owner: Owner, item: Element) -> Object:
    world = call.world
    key = _new_key(call, kind, item)
    nested = kind.nests
    kept = fields_sent(item, *unkept(call, kind, item), *nested)
    created = Object(kind.noun, key, owner, world.clock(), kept)
    world.kept(kind.noun)[key] = created
    settle_default(world, created)
    for name, noun in nested.items():
        for each in item.all(name):
            create(call, KINDS[noun], (kind.noun, key), each)
    return created


def _new_key(call: EmulatedRequest, kind: AccountKind, item: Element) -> int | str:
    number = call.world.new_key(kind.noun)
    if kind.key != "code":
        return number
    code = (item.get("code") or "").strip() or f"{kind.noun.lower()}-{len(call.world.kept(kind.noun)) + 1}"
    if code in call.world.kept(kind.noun):
        raise Refusal(DUPLICATE, "The code is in use already.")
    return code


def delete(kind: AccountKind, call: EmulatedRequest) -> Element:
    require_writable(call, kind)
    owner = owner_named(call, kind, kind.del_key) if kind.owner not in ("account", "system") else None
    keys = list(dict.fromkeys(call.texts(kind.del_key)))
    keys += [key_of(call.world, kind, name) or "0" for name in call.texts("identifier")]
    if not keys:
        raise missing(kind.del_key)
    deletable = [each for key in keys if (each := _deletable(call, kind, key, owner))]
    if not deletable:
        raise Refusal(AUTHENTICATION, f"The value of {kind.del_key} is invalid: nothing of this exists.")
    for key in dict.fromkeys(each.key for each in deletable):  # by ID and by identifier it may be named twice
        del call.world.kept(kind.noun)[key]
        call.world.forget((kind.noun, key))
    result = "success" if len(deletable) == len(keys) else "partial"
    return call.answer({"items": len(deletable), "result": result})


def _deletable(call: EmulatedRequest, kind: AccountKind, key: str, owner: Owner | None) -> Object | None:
    try:
        item = reachable(call, kind, key, kind.del_key)
    except Refusal:
        return None
    return item if owner in (None, item.owner) else None


_VERBS: tuple[tuple[str, Callable[[AccountKind, EmulatedRequest], Element]], ...] = (
    ("Add{}", add),
    ("Edit{}", edit),
    ("Del{}", delete),
    ("Get{}", get_list),
    ("Get{}s", get_list),
    ("Get{}Details", get_details),
    ("Set{}Status", set_status),
)


def handlers(interface: Interface) -> dict[str, OperationHandler]:
    """A handler for every operation whose name is a verb and a kind of the table."""
    by_name = {operation.name: full_name for full_name, operation in interface.operations.items()}
    return {
        by_name[name]: partial(handler, kind)
        for kind in KINDS.values()
        for pattern, handler in _VERBS
        if (name := pattern.format(kind.noun)) in by_name
    }
