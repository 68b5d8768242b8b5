"""Devices: kept like any other object, but what they are assigned to has to be there, and owners change."""

from __future__ import annotations

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.handlers import generic, generic_edit
from shim.emulator.world.kinds import KINDS
from shim.emulator.world.refusal import AUTHENTICATION, DUPLICATE, Refusal
from shim.emulator.world.world import ORGANIZATION

_DEVICE = KINDS["Device"]


def add(call: EmulatedRequest) -> Element:
    _check(call, call.need("serial"))
    return generic.add(_DEVICE, call)


def edit(call: EmulatedRequest) -> Element:
    _check(call, call.text("serial"))
    owner = call.find(_DEVICE.owner_from)
    answer = generic_edit.edit(_DEVICE, call)
    if owner is not None:
        call.world.kept(_DEVICE.noun)[int(call.need("deviceID"))].owner = ("account", owner.id)
    return answer


def _check(call: EmulatedRequest, serial: str | None) -> None:
    """Raises Refusal for a serial number in use, and for extensions and organizations that there are not."""
    this = call.text("deviceID")
    for device in call.world.kept(_DEVICE.noun).values():
        if serial is not None and device.text("serial") == serial and str(device.key) != this:
            raise Refusal(DUPLICATE, "The serial number is in use already.")
    for each in call.request.all("assignedExtensions"):
        call.extension_at((each.get("extendedNumber") or "").strip())
    organization = call.text("assignedOrganizationID")
    if organization is not None:
        account = call.world.accounts.get(int(organization))
        if (
            account is None
            or account.level != ORGANIZATION
            or not call.world.is_at_or_below(account, call.actor)
        ):
            raise Refusal(AUTHENTICATION, "The value of assignedOrganizationID is invalid: there is none such.")


HANDLERS: dict[str, OperationHandler] = {"PBX.AddDevice": add, "PBX.EditDevice": edit}
