"""Resellers of 2.5 are service providers in v3. Their IDs are the same."""

from __future__ import annotations

from shim.core.commands.journal import Undo
from shim.core.journal.single_add import Traced, traced
from shim.core.rules.declare import operation, service
from shim.core.rules.vocabulary import compute, echo, rename, unanswered
from translations.shared import one_storage, person_names
from translations.shared.accounts import (
    ADDED_ACCOUNT,
    EDITED_ACCOUNT,
    READ_ACCOUNT,
    UPDATED,
    answered,
    reseller_permissions,
)

_MASK_DIGITS = 4


def _mask_to_new(text: str) -> str | None:
    """A mask as v3 has it, four binary digits, from the decimal that 2.5 asked for here.

    Leading zeros get lost in decimals, so digits of 0 and 1 are the mask; anything else up to 15 is the
    mask as a number. The documentation of 2.5 does not say which of the two it is.
    """
    digits = text.strip().removesuffix(".").split(".")[0].lstrip("+")
    if not digits.isdecimal() or not digits.isascii():
        return None
    if set(digits) <= {"0", "1"}:
        digits = digits.lstrip("0")
        return digits.zfill(_MASK_DIGITS) if len(digits) <= _MASK_DIGITS else None
    return format(int(digits), "04b") if len(digits) <= 2 and int(digits) <= 15 else None


NOTIFY_ONLY = compute(
    "notifyOnly",
    _mask_to_new,
    str,
    "a mask of four digits, each 0 or 1, for administrator, reseller, client and extension",
)

TRACED = Traced(
    "ServiceProvider.GetServiceProviders",
    "serviceProvider",
    Undo("ServiceProvider.DelServiceProvider", "ID", only_if_empty="Organization.GetOrganizations"),
    {"login": "login"},
    whose=("parentID", "parentIdentifier"),
)

ADD = traced(TRACED, operation(
    "AddReseller",
    "AddServiceProvider",
    [
        ADDED_ACCOUNT,
        NOTIFY_ONLY,
        unanswered("template", "v3 does not name the template that a service provider was made from.",
                   when=lambda context: context.request.child("templateID") is not None),
    ],
))  # fmt: skip

SERVICE = service(
    "Reseller",
    "ServiceProvider",
    ADD,
    operation("EditReseller", "EditServiceProvider", EDITED_ACCOUNT),
    operation("SetResellerStatus", "SetServiceProviderStatus", [UPDATED]),
    operation("SetResellerCpAccess", "SetServiceProviderCpAccess", [UPDATED]),
    operation("GetResellers", "GetServiceProviders", [
        rename("reseller", "serviceProvider"),
        person_names.read("reseller/", "serviceProvider/"),
    ]),
    operation("GetResellerDetails", "GetServiceProviderDetails", READ_ACCOUNT),
    operation("DelReseller", "DelServiceProvider", gone="ID"),
    operation("SetResellerPL", "SetServiceProviderPL", [
        UPDATED, reseller_permissions(), one_storage.sent(),
    ], plan=one_storage.limits, calls=one_storage.calls("ServiceProvider", "SetServiceProviderPL"),
        details="GetServiceProviderDetails"),
    operation("UpdateResellerPL", "UpdateServiceProviderPL", [
        UPDATED, reseller_permissions(relative=True), one_storage.sent(relative=True),
    ], plan=one_storage.limits, calls=one_storage.calls("ServiceProvider", "UpdateServiceProviderPL"),
        details="GetServiceProviderDetails"),
    operation("GetResellerPL", "GetServiceProviderPL", [
        answered(reseller_permissions()), one_storage.read("userPL/"),
        echo("userPL/ID", "ID", "v3 does not repeat whose permissions they are."),
        echo("userPL/identifier", "identifier", "v3 does not repeat whose permissions they are."),
    ], details="GetServiceProviderDetails"),
)  # fmt: skip
