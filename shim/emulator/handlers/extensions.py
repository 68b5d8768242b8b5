"""Extensions: numbers under users. What is set for them is in `settings`, queues are in `queues`."""

from __future__ import annotations

import re
import secrets

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.handlers.plans import chosen_template
from shim.emulator.handlers.views import matches
from shim.emulator.world.permissions import require_extension_room, require_management
from shim.emulator.world.refusal import (
    AUTHENTICATION,
    BAD_PARENT,
    BAD_TEMPLATE,
    DUPLICATE,
    Refusal,
    missing,
)
from shim.emulator.world.shape import Fact
from shim.emulator.world.world import (
    USER,
    EmulatedAccount,
    EmulatedExtension,
    World,
    identifier,
    stamp,
    switched_on,
)

_DEFAULT_TYPE = "term"
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


def extension_details(world: World, extension: EmulatedExtension) -> dict[str, Fact]:
    user = world.accounts[extension.user]
    template = world.kept("Template").get(extension.template or 0)
    return {
        "name": user.profile.get("name"),
        "email": user.profile.get("email"),
        "identifier": user.identifier,
        "parentID": user.id,
        "parentIdentifier": user.identifier,
        "parentName": user.profile.get("name"),
        "templateID": extension.template,
        "template": template.text("name") if template else None,
        "crDate": stamp(extension.created),
        "accountFlag": list(user.flags),
        "label": extension.label,
        "extendedNumber": extension.number,
        "extensionType": extension.type,
        "extensionNo": extension.local,
    }


def add(call: EmulatedRequest) -> Element:
    label = call.need("label")
    require_management(call.actor, "extension")
    user = call.find("parent") or call.actor
    if user.level != USER:
        raise Refusal(BAD_PARENT, "The parent is invalid: it must be a user account.")
    template, kind = _template_and_type(call)
    number = _number(call, user)
    require_extension_room(call.world, user, kind)
    extension = EmulatedExtension(
        number, user.id, kind, label, call.world.clock(), call.text("password") or "", template
    )
    call.world.enter_extension(extension)
    return _added(call, extension)


def _template_and_type(call: EmulatedRequest) -> tuple[int | None, str]:
    """A template decides the type when the request does not; the two must not contradict each other."""
    template = chosen_template(call, "extension")
    kind = call.text("extensionType")
    if template is None:
        return None, kind or _DEFAULT_TYPE
    given = template.text("extensionType") or _DEFAULT_TYPE
    if kind not in (None, given):
        raise Refusal(BAD_TEMPLATE, f"The template is for extensions of type {given}.")
    return int(template.key), given


def _number(call: EmulatedRequest, user: EmulatedAccount) -> str:
    organization = call.world.organization_of(user)
    local = call.text("extensionNo")
    if local is None:
        return call.world.free_number(organization)
    if not _NUMBER.fullmatch(local):
        raise Refusal(None, "The value of extensionNo is invalid: it must be up to 15 digits.")
    number = call.world.extended(organization, local)
    if number not in call.world.extensions:
        return number
    if switched_on(call.text("forceUpdate")):
        return call.world.free_number(organization)
    raise Refusal(DUPLICATE, "The extension number is in use already.")


def _added(call: EmulatedRequest, extension: EmulatedExtension) -> Element:
    facts: dict[str, Fact] = {"extendedNumber": extension.number}
    if switched_on(call.text("verbose")):
        facts = extension_details(call.world, extension)
    if switched_on(call.text("passwordAuto")):
        extension.password = facts["password"] = secrets.token_urlsafe(9)
    return call.done(**facts)


def edit(call: EmulatedRequest) -> Element:
    extension = call.extension()
    if call.request.child("label") is not None:
        extension.label = call.need("label")
    extension.password = call.text("password") or extension.password
    return call.done(extendedNumber=extension.number)


def get_details(call: EmulatedRequest) -> Element:
    return call.answer(extension_details(call.world, call.extension()))


def get_list(call: EmulatedRequest) -> Element:
    top = call.find("parent") or call.actor
    rows = [_row(call.world, each) for each in call.world.listed_extensions(top) if _asked_for(call, each)]
    return call.answer({"extension": rows})


def _row(world: World, extension: EmulatedExtension) -> dict[str, Fact]:
    """As it is listed. Whose the identifier is, no source tells of the real server."""
    facts = extension_details(world, extension)
    if world.ways.row_identifier == "extension":
        facts["identifier"] = identifier("extension", extension.number)
    return facts


def _asked_for(call: EmulatedRequest, extension: EmulatedExtension) -> bool:
    kind, template = call.text("extensionType"), call.text("templateID")
    return (
        kind in (None, extension.type)
        and (template is None or template == str(extension.template))
        and matches(call.text("filter"), call.world.accounts[extension.user], extension.label, extension.number)
    )


def delete(call: EmulatedRequest) -> Element:
    numbers = list(dict.fromkeys(call.texts("extendedNumber")))
    if not numbers:
        raise missing("extendedNumber")
    require_management(call.actor, "extension")
    reached = [number for number in numbers if _is_reachable(call, number)]
    if not reached:
        raise Refusal(AUTHENTICATION, "The extendedNumber is invalid: none of these extensions exists.")
    for number in reached:
        call.world.drop_extension(number)
    result = "success" if len(reached) == len(numbers) else "partial"
    return call.answer({"items": len(reached), "result": result})


def _is_reachable(call: EmulatedRequest, number: str) -> bool:
    extension = call.world.extensions.get(number)
    return extension is not None and call.world.is_at_or_below(call.world.accounts[extension.user], call.actor)


HANDLERS: dict[str, OperationHandler] = {
    "Extension.AddExtension": add,
    "Extension.EditExtension": edit,
    "Extension.GetExtensions": get_list,
    "Extension.GetExtensionDetails": get_details,
    "Extension.DelExtension": delete,
}
