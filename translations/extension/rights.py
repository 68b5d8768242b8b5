"""The rights of a new extension's user. A 2.5 extension worked at once; v3 starts a user with every
permission off and every limit 0.

The setting `new_user_values` changes the defaults below, `new_user` says whether they are bounded by what the
organization has: at once (`parent`), or only when v3 refuses them (`configured`). A template for users decides
alone: then nothing is granted.
"""

from __future__ import annotations

from collections.abc import Mapping

from shim.core.catalogue.translation import Catalogue
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import BackendRefused
from shim.core.forward import read_v3
from shim.core.message import Element, is_on
from shim.core.schema.interface import Slot
from shim.core.translate import is_unlimited

Rights = Mapping[str, str]
"""By name in SetUserPL: `true`, `false`, a number, or `unlimited`."""

_ON = ("sipManag", "IMManag", "soundManag", "callAPIManag", "callerIDManag")
"""Permissions that extensions of 2.5 had too. Managing extensions, their features or numbers was not theirs."""
_UNBOUNDED = (
    "callbackCallerIDMax", "callCardCodesMax", "concurentCalls", "concurentInternalCalls", "queueMembersMax",
    "concurentText2Speech", "mailboxMax", "mailboxSize", "recordStorage", "soundStorage", "mohStorage",
    "faxStorage", "storage",
)  # fmt: skip
DEFAULTS: Rights = dict.fromkeys(_ON, "true") | dict.fromkeys(_UNBOUNDED, "unlimited")

ROOM_FOR = {
    "term": "phoneExtMax",
    "queue": "queueExtMax",
    "phoneQueue": "queueExtMax",
    "ivr": "ivrExtMax",
    "voicecenter": "voicemailExtMax",
    "conference": "confExtMax",
    "callback": "callbackExtMax",
    "callcard": "callCardExtMax",
    "intercom": "intercomExtMax",
    "queuecenter": "queuecenterExtMax",
}
"""The limit of a v3 user that lets it have an extension of a type, by its names of both sides."""

ASKS = ("User.GetUserDetails", "Organization.GetOrganizationPL")
LIMITS_ASKED = (
    "What the organization has: with the setting new_user: parent, or when v3 refuses the permissions."
)
ALLOWED = "What the extension needs; not with a template for users."
GRANTED = (
    "In 2.5 an extension worked at once; v3 starts a user with everything off, so the shim grants what the "
    "extension needs (settings new_user and new_user_values), within the bounds of its organization."
)
NOTES = (
    "What the user of the extension may do (setting new_user):",
    "  configured  the values below; where v3 refuses them, no more than the organization has",
    "  parent      the values below, but never more than the organization has (Organization.GetOrganizationPL)",
    "  With a template for users, the template alone decides, and nothing is granted.",
    "  On: " + ", ".join(_ON) + ".",
    "  Unlimited: " + ", ".join(_UNBOUNDED) + ".",
    "  And room for one extension of its type: phoneExtMax 1 for a phone terminal.",
    "  The rest stays off, as extensions of 2.5 never had it (extensionManag, extFeatureManag, ...)",
    "  The setting new_user_values changes single values; `leave` grants nothing there.",
)


def configured(context: CallContext) -> Rights:
    """The defaults with what the setting changes, as far as the backend's users have it."""
    own = {
        key.partition(".")[2]: value
        for key, value in context.caller.settings.items()
        if key.startswith("new_user_values.")
    }
    slots = _slots(context.catalogue)
    return {name: value for name, value in {**DEFAULTS, **own}.items() if value != "leave" and name in slots}


def bounded(context: CallContext, rights: Rights, user_id: str) -> Steps[Rights]:
    """The same, but no more than the user's organization has; a finding names what is less."""
    parent = yield from _parent(context, user_id)
    slots = _slots(context.catalogue)
    less = {
        name: value if _has_all(context, has := parent.child(name), slots[name]) else _least(value, has)
        for name, value in rights.items()
    }
    changed = [name for name, value in less.items() if value != rights[name]]
    if changed:
        because = f"The organization has less than a new user should get: lowered {', '.join(changed)}."
        context.find("grant-lowered", "parentID", because, "User.SetUserPL")
    return less


def request(catalogue: Catalogue, rights: Rights, kind: str, user_id: str) -> Element:
    """The request that grants them, and room for the one extension of a type, to a user."""
    operation, slots = catalogue.new.operations["User.SetUserPL"], _slots(catalogue)
    room = {ROOM_FOR[kind]: rights.get(ROOM_FOR[kind], "1")}
    given = [
        _element(name, value, slots[name].decl.complex is not None)
        for name, value in {**rights, **room}.items()
    ]
    return Element(operation.input.name, children=[*given, Element("ID", user_id)])


def _element(name: str, value: str, is_limit: bool) -> Element:
    if not is_limit:
        return Element(name, value)
    unlimited = value == "unlimited"
    return Element(name, "0" if unlimited else value, {"unlimited": str(unlimited).lower()})


def _slots(catalogue: Catalogue) -> Mapping[str, Slot]:
    """The rights that can be granted, as v3 has them."""
    kind = catalogue.new.operations["User.SetUserPL"].input.complex
    assert kind is not None
    return kind.slots


def _has_all(context: CallContext, parent: Element | None, slot: Slot) -> bool:
    """True if the parent has no bound here, or v3 does not tell of one."""
    return parent is None or (slot.decl.complex is not None and is_unlimited(parent, context, "answer"))


def _least(level: str, parent: Element | None) -> str:
    """The smaller of what is wanted and what the parent has."""
    if parent is None:
        return level
    has = (parent.text or "").strip()
    if level in ("true", "false"):
        return level if is_on(has) else "false"
    if level == "unlimited" or (has.isdecimal() and int(has) < int(level)):
        return has if has.isdecimal() else level
    return level


def _parent(context: CallContext, user_id: str) -> Steps[Element]:
    """The rights of a new user's organization; nothing is said where v3 does not tell."""
    named = next((context.request.child(name) for name in _BY if context.request.get(name)), None)
    try:
        if named is not None:
            who = Element(_BY[named.name], (named.text or "").strip())
        else:
            details = yield from read_v3(context, "User.GetUserDetails", Element("ID", user_id))
            who = Element("ID", details.get("parentID"))
        answer = yield from read_v3(context, "Organization.GetOrganizationPL", who)
    except BackendRefused:
        context.find("grant-unchecked", "parentID", v3_path="Organization.GetOrganizationPL")
        return Element("userPL")
    return answer.child("userPL") or Element("userPL")


_BY = {"parentID": "ID", "parentIdentifier": "identifier"}
