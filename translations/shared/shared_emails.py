"""E-mail addresses that several extensions share: 2.5 took them, v3 wants one for each user from some 3.x on.

The setting `shared_email` says what is done with an address that another user has: it is used as it is, which
leaves it to v3, left out, or refused before anything is written. Whether another user has it, v3 is asked, as
far as the integration's v3 app sees users.
"""

from __future__ import annotations

from shim.core.catalogue.translation import Catalogue
from shim.core.commands.steps import Steps
from shim.core.errors import CallerError, invalid_code
from shim.core.forward import look
from shim.core.message import Element
from shim.core.rules.choices import accepts
from shim.core.rules.declare import call
from shim.core.rules.work import CallContext
from shim.core.translate import refusal

ASKED = call("User.GetUsers", "Who else has the e-mail address: with shared_email: leave_out or refuse.")
_LEFT_OUT = "Another v3 user has this address, and the setting shared_email leaves it out."
_REFUSED = (
    "another v3 user has this address, and the setting shared_email refuses it: send another one, or none."
)


def settle(catalogue: Catalogue, work: CallContext, profile: Element, own: str | None = None) -> Steps[None]:
    """Let a v3 request about a user have its e-mail address or not; `own` is the ID of the user itself.

    Raises CallerError (300) where the setting refuses one that another user has.
    """
    how = work.caller.settings.get("shared_email", "use")
    email = (profile.get("email") or "").strip()
    if how == "use" or not email:
        return
    told = yield from look(catalogue, work, ASKED.operation, Element("filter", email))
    rows = told.all("user") if told is not None else []
    others = [each for each in rows if (each.get("email") or "").strip().casefold() == email.casefold()]
    if all(each.get("ID") == own for each in others):
        return
    if how == "refuse":
        work.find("field-refused", "email", _REFUSED)
        raise CallerError("field-refused", f"email cannot be served: {_REFUSED}", invalid_code("email"))
    if not accepts(work, "field-dropped", "email", _LEFT_OUT):
        raise refusal(work.problems)
    profile.children = [each for each in profile.children if each.name != "email"]
