"""Public numbers: each lies in the pool of one account, and may be assigned to one extension below it."""

from __future__ import annotations

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.world.refusal import AUTHENTICATION, Refusal, forbidden, missing
from shim.emulator.world.shape import Fact, flat, grouped
from shim.emulator.world.world import EmulatedAccount, EmulatedExtension, Object, World, stamp, switched_on

_KIND = "PublicNo"


def _pool(world: World, number: Object) -> EmulatedAccount:
    return world.accounts[int(number.owner[1])]


def _whose(call: EmulatedRequest) -> tuple[EmulatedAccount, EmulatedExtension | None]:
    """The account or extension that the request is about: its own when it names none."""
    if call.text("extendedNumber"):
        extension = call.extension()
        return call.world.accounts[extension.user], extension
    return call.find("user") or call.actor, None


def _named(call: EmulatedRequest) -> tuple[EmulatedAccount, EmulatedExtension | None]:
    if not any(call.text(name) for name in ("extendedNumber", "userID", "userIdentifier")):
        raise missing("extendedNumber, userID or userIdentifier")
    return _whose(call)


def _is_available(call: EmulatedRequest, number: Object, account: EmulatedAccount) -> bool:
    """Free, in the pool of the account or of one above it, and the actor's to give."""
    pool = _pool(call.world, number)
    return (
        number.held_by is None
        and call.world.is_at_or_below(account, pool)
        and call.world.is_at_or_below(pool, call.actor)
    )


def _is_assigned(
    call: EmulatedRequest, number: Object, account: EmulatedAccount, extension: EmulatedExtension | None
) -> bool:
    """Held by that extension; or held by an extension below the account, or passed on to an account below."""
    if extension is not None:
        return number.held_by == extension.number
    if number.held_by is not None:
        holder = call.world.accounts[call.world.extensions[number.held_by].user]
        return call.world.is_at_or_below(holder, account)
    pool = _pool(call.world, number)
    return pool is not account and call.world.is_at_or_below(pool, account)


def _channel_name(world: World, key: str | None) -> str | None:
    channel = world.kept("Channel").get(int(key)) if key else None
    return str(flat(channel.fields)["name"][0].text) if channel and "name" in flat(channel.fields) else None


def _facts(call: EmulatedRequest, number: Object) -> dict[str, Fact]:
    extension = call.world.extensions.get(number.held_by or "")
    name = _channel_name(call.world, number.text("channelID"))
    return {
        "flow": "both",
        "type": "exclusive",
        **grouped(number.fields),
        "ID": number.key,
        "didID": number.key,
        "externalNo": number.text("phoneNo"),
        "channel": name,
        "callbackExt": extension.number if extension else None,
        "callbackExtID": extension.user if extension else None,
        "crDate": stamp(number.created),
    }


def get_poll(call: EmulatedRequest) -> Element:
    account, extension = _whose(call)
    numbers = list(call.world.kept(_KIND).values())
    available = [_facts(call, each) for each in numbers if _is_available(call, each, account)]
    assigned = [_facts(call, each) for each in numbers if _is_assigned(call, each, account, extension)]
    return call.answer({"publicNo": {"available": available, "assigned": assigned}})


def get_numbers(call: EmulatedRequest) -> Element:
    account, extension = _whose(call)
    named = any(call.text(name) for name in ("extendedNumber", "userID", "userIdentifier"))
    shown = [
        each
        for each in call.world.kept(_KIND).values()
        if (
            _is_assigned(call, each, account, extension)
            or (extension is None and call.world.is_at_or_below(_pool(call.world, each), account))
            or (not named and call.world.is_at_or_below(_pool(call.world, each), call.actor))
        )
        and _passes(call, each)
    ]
    return call.answer({"publicNo": [_facts(call, each) for each in shown]})


def _passes(call: EmulatedRequest, number: Object) -> bool:
    text = (call.text("filter") or "").lower()
    places = (number.text("phoneNo"), number.text("did"), number.held_by)
    return (
        call.text("channelID") in (None, number.text("channelID"))
        and call.text("type") in (None, number.text("type") or "exclusive")
        and not (switched_on(call.text("inUse")) and number.held_by is None)
        and any(text in (place or "").lower() for place in places)
    )


def assign(call: EmulatedRequest) -> Element:
    account, extension = _named(call)
    chosen = _chosen(call, account)
    for number in chosen:
        if extension is not None:
            number.held_by = extension.number
        else:
            number.owner = ("account", account.id)
    return call.done(ID=[each.key for each in chosen])


def _chosen(call: EmulatedRequest, account: EmulatedAccount) -> list[Object]:
    """The numbers that are asked for by ID, or so many of those that are free in a place."""
    keys = list(dict.fromkeys(call.texts("didID")))
    free = [each for each in call.world.kept(_KIND).values() if _is_available(call, each, account)]
    if keys:
        by_key = {str(each.key): each for each in free}
        if not set(keys) <= set(by_key):
            raise Refusal(AUTHENTICATION, "The value of didID is invalid: the number is not available.")
        return [by_key[key] for key in keys]
    location = call.text("location")
    count = call.text("count")
    if count is None and location is None:
        raise missing("didID")
    there = [each for each in free if location in (None, each.text("location"))]
    if len(there) < int(count or 1):
        raise Refusal(AUTHENTICATION, "There are not so many numbers available.")
    return there[: int(count or 1)]


def unassign(call: EmulatedRequest) -> Element:
    account, extension = _named(call)
    keys = list(dict.fromkeys(call.texts("didID")))
    if not keys:
        raise missing("didID")
    kept = call.world.kept(_KIND)
    numbers = [each for key in keys if (each := kept.get(int(key))) and _is_its(call, each, account, extension)]
    if not numbers:
        raise Refusal(AUTHENTICATION, "The value of didID is invalid: none of these numbers is assigned there.")
    if extension is None and any(each.held_by is None for each in numbers):
        _require_above(call, account)
    for number in numbers:
        _release(number, account, extension)
    result = "success" if len(numbers) == len(keys) else "partial"
    return call.answer({"result": result, "ID": [each.key for each in numbers]})


def _is_its(
    call: EmulatedRequest, number: Object, account: EmulatedAccount, extension: EmulatedExtension | None
) -> bool:
    own_pool = extension is None and _pool(call.world, number) is account
    return own_pool or _is_assigned(call, number, account, extension)


def _require_above(call: EmulatedRequest, account: EmulatedAccount) -> None:
    if account.parent is None or account is call.actor:
        raise forbidden("an account cannot give its own numbers away")


def _release(number: Object, account: EmulatedAccount, extension: EmulatedExtension | None) -> None:
    """From an extension back to the pool; from an account's own pool to the account above it."""
    if extension is None and number.held_by is None and account.parent is not None:
        number.owner = ("account", account.parent)
    number.held_by = None


def get_caller_ids(call: EmulatedRequest) -> Element:
    extension = call.extension()
    user = call.world.accounts[extension.user]
    rows = [
        {
            "extensionNo": extension.local,
            "name": user.profile.get("name"),
            "phoneNo": each.text("phoneNo"),
            "CallerIDRef": each.key,
        }
        for each in call.world.kept(_KIND).values()
        if each.held_by == extension.number
    ]
    return call.answer({"CallerID": rows})


HANDLERS: dict[str, OperationHandler] = {
    "Channel.GetPublicNoPoll": get_poll,
    "Channel.GetPublicNo": get_numbers,
    "Channel.AssignPublicNo": assign,
    "Channel.UnassignPublicNo": unassign,
    "Extension.GetAvailableCallerID": get_caller_ids,
}
