"""Passwords of extensions: one in 2.5, for the account and its phone, until the phone's was set apart.

v3 has two, the user's and the extension's. EditExtension changes both, unless the phone has one of its own:
SetProvision gave it one, which the shim remembers (never the password itself), or the setting `phone_password`
says so of phones that the shim knows nothing about. A password that v3 makes for a new user is its phone's.
"""

from __future__ import annotations

from typing import Final

from shim.core.commands.kept import Recall, Remember
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import BackendRefused, Fault
from shim.core.message import Element

_FIELD = "phonePassword"
_APART, _SAME = "apart", "same"
_CODE: Final = "phone-password-stays"
_HAS_ITS_OWN = (
    "The phone's password was set apart (SetProvision, or the setting phone_password): it stays as it is."
)
_NOT_TOLD = "v3 made a password for the account and does not tell it: the phone keeps its own."


def share(context: CallContext, written: Element, phone: Element) -> None:
    """Let a new phone have the password that v3 made for its user and answered in `written`."""
    if not phone.is_on("passwordAuto"):
        return
    password = written.get("password")
    if not password:
        context.find(_CODE, "passwordAuto", _NOT_TOLD)
        return
    phone.children = [each for each in phone.children if each.name not in ("passwordAuto", "password")]
    phone.children.append(Element("password", password))


def remember_same(context: CallContext) -> Steps[None]:
    """Remember of a new extension that its phone has the account's password, where that makes a difference."""
    if context.caller.settings.get("phone_password") == _APART and context.extensions.account is not None:
        try:
            yield from _note(context.extensions.account, _SAME)
        except Fault:
            context.find("kept-value-lost", "password")


def follow(context: CallContext, profile: Element, phone: Element) -> Steps[None]:
    """Take the password out of what is sent for the phone, unless the phone follows its account.

    Raises Fault when it cannot be found out whether it does.
    """
    if profile.is_on("passwordAuto"):
        why = _NOT_TOLD
    elif not phone.get("password") or (yield from _follows(context)):
        return
    else:
        why = _HAS_ITS_OWN
    context.find(_CODE, "password", why)
    phone.children = [each for each in phone.children if each.name != "password"]


def _follows(context: CallContext) -> Steps[bool]:
    kept = (
        (yield from ask(Recall(context.extensions.account))) if context.extensions.account is not None else {}
    )
    value = kept[_FIELD].text if _FIELD in kept else None
    return (value or context.caller.settings.get("phone_password", "follow")) != _APART


def set_apart(context: CallContext, writes: Steps[Element]) -> Steps[Element]:
    """Give the phone a password of its own. It is remembered first: a crash finishes the writes, not this.

    Raises Fault when it cannot be remembered; then nothing was written.
    """
    assert context.extensions.account is not None
    kept = yield from ask(Recall(context.extensions.account))
    yield from _note(context.extensions.account, _APART)
    try:
        return (yield from writes)
    except BackendRefused:  # the phone has the password that it had
        yield from _note(context.extensions.account, kept[_FIELD].text or "" if _FIELD in kept else "")
        raise


def _note(account: str, value: str) -> Steps[None]:
    yield from ask(Remember(account, {_FIELD: Element(_FIELD, value)}))
