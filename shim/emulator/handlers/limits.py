"""Permissions and limits on the wire: Set is absolute, Update relative, Get tells everything."""

from __future__ import annotations

from datetime import timedelta

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.handlers.views import not_oneself, target, updated
from shim.emulator.world.permissions import NAMES, is_unlimited, limit_fields, require
from shim.emulator.world.refusal import NOT_UPDATED, Refusal, missing
from shim.emulator.world.world import EmulatedAccount, switched_on

_UNLIMITED = {"unlimited": "true"}
_BOUNDED = {"unlimited": "false"}
_STEPS = {"increase": 1, "decrease": -1}


def set_limits(call: EmulatedRequest) -> Element:
    account = _changeable(call)
    known = limit_fields(call.interface, account.level)
    expiry = _expiry(call, account)
    for name in {child.name for child in call.request.children} & set(known):
        account.limits[name] = _as_kept(call.request.all(name))
    if expiry is not None:
        account.limits["accountExpire"] = [expiry]
    return updated(call, account)


def _as_kept(sent: list[Element]) -> list[Element]:
    """Sharing is set as one list of groups and read as one element a group; everybody reads as a nil group."""
    if any(each.text for each in sent):
        return sent
    groups = [group for each in sent for group in each.children]
    shared = [each for each in groups if each.name == "groupID" or switched_on(each.text)]
    return [
        Element(sent[0].name, None, None, [Element("groupID", each.text, nil=each.name != "groupID")])
        for each in shared
    ]


def update_limits(call: EmulatedRequest) -> Element:
    account = _changeable(call)
    known = limit_fields(call.interface, account.level)
    sent = [each for each in call.request.children if each.name in known]
    changed = {each.name: _moved(each, account.limits[each.name][0]) for each in sent}
    expiry = _expiry(call, account)
    for name, value in changed.items():
        account.limits[name] = [value]
    if expiry is not None:
        account.limits["accountExpire"] = [expiry]
    return updated(call, account)


def _changeable(call: EmulatedRequest) -> EmulatedAccount:
    account = target(call)
    not_oneself(call, account, "change the permissions of")
    require(call.actor, "permsManag")
    return account


def _expiry(call: EmulatedRequest, account: EmulatedAccount) -> Element | None:
    """accountExpireDays, counted from the day the account was made, as the date that it means."""
    days = call.request.child("accountExpireDays")
    if days is None:
        return None
    if is_unlimited(days):
        return Element("accountExpire", account.limits["accountExpire"][0].text, _UNLIMITED)
    try:
        end = account.created.date() + timedelta(days=int(days.text or 0))
    except OverflowError:
        raise Refusal(NOT_UPDATED, "The value of accountExpireDays leads beyond the calendar.") from None
    return Element("accountExpire", end.isoformat(), _BOUNDED)


_DIGITS = 20
"""More than any limit has; Python itself reads no number of more than 4,300."""


def _moved(change: Element, now: Element) -> Element:
    """The new value of a limit; a permission is taken as it is sent."""
    if not change.children:
        if change.text is None or not change.text.strip():
            raise missing(f"{change.name}/value, increase, decrease or unlimited")
        return change
    how, text = change.children[0].name, (change.children[0].text or "").strip()
    if how == "unlimited":
        return Element(change.name, now.text, _UNLIMITED if switched_on(text) else _BOUNDED)
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS:
        raise Refusal(NOT_UPDATED, f"The value of {change.name}/{how} is invalid: it must be a number.")
    if how == "value":
        return Element(change.name, text, _BOUNDED)
    if is_unlimited(now):
        return now
    return Element(change.name, _stepped(change.name, now, how, int(text)), _BOUNDED)


def _stepped(name: str, now: Element, how: str, step: int) -> str:
    value = int(now.text or 0) + _STEPS[how] * step
    if not 0 <= value < 2**32:
        raise Refusal(NOT_UPDATED, f"The limit {name} cannot become {value}.")
    return str(value)


def get_limits(call: EmulatedRequest) -> Element:
    account = target(call)
    assert call.operation.output.complex is not None
    place = next(name for name in call.operation.output.complex.slots if name != "notice")
    return call.answer({place: dict(account.limits)})


HANDLERS: dict[str, OperationHandler] = {
    f"{name}.{pattern.format(name)}": handler
    for name in NAMES.values()
    for pattern, handler in (
        ("Set{}PL", set_limits),
        ("Update{}PL", update_limits),
        ("Get{}PL", get_limits),
    )
}
