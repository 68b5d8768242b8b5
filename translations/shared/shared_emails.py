"""E-mail addresses that several extensions share: 2.5 took them, a later v3 may not.

An address is tried as it is. Where v3 refuses it because another user has it, the setting `shared_email`
decides: v3's refusal stands, the call is made without the address, or it is refused in the words of 2.5.
Whether another user has it, v3 is asked, as far as the integration's v3 app sees users.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import BackendRefused, CallerError, invalid_code
from shim.core.forward import look
from shim.core.message import Element
from shim.core.rules.choices import accepts
from shim.core.rules.declare import call
from shim.core.translate import refusal

T = TypeVar("T")

USERS_READ = call(
    "User.GetUsers",
    "Who else has an e-mail address that v3 refused: with shared_email: leave_out or refuse.",
)
_REFUSALS = ("200", "300")
"""Codes by which v3 says that something is there already, or that an address is invalid."""
_LEFT_OUT = "v3 refused this address, which another user has, and the setting shared_email leaves it out."
_REFUSED = (
    "another v3 user has this address, and the setting shared_email refuses it: send another one, or none."
)


def tried(
    context: CallContext,
    profile: Element,
    write: Callable[[], Steps[T]],
    own: str | None = None,
) -> Steps[T]:
    """Make a v3 write with a user's `profile`; once more without its e-mail address if that is to be left out.

    `own` is the ID of the user itself. Raises CallerError (300) where the setting refuses an address that v3
    refused and another user has; else what the write raises.
    """
    try:
        return (yield from write())
    except BackendRefused as fault:
        if not (yield from _is_shared(context, profile, fault, own)):
            raise
        if context.caller.settings.get("shared_email") == "refuse":
            context.find("field-refused", "email", _REFUSED)
            text = f"email cannot be served: {_REFUSED}"
            raise CallerError("field-refused", text, invalid_code("email")) from None
        if not accepts(context, "field-dropped", "email", _LEFT_OUT):
            raise refusal(context.record.problems) from None
    profile.children = [each for each in profile.children if each.name != "email"]
    return (yield from write())


def _is_shared(context: CallContext, profile: Element, fault: BackendRefused, own: str | None) -> Steps[bool]:
    """True if v3 refused an address because another user has it, and the setting does not leave it at that."""
    email = (profile.get("email") or "").strip().casefold()
    if context.caller.settings.get("shared_email", "use") == "use" or not email or fault.code not in _REFUSALS:
        return False
    users = yield from look(context, USERS_READ.operation, Element("filter", profile.get("email")))
    rows = users.all("user") if users is not None else []
    owners = [each.get("ID") for each in rows if (each.get("email") or "").strip().casefold() == email]
    return any(each != own for each in owners)
