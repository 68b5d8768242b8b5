"""Clients of 2.5 are organizations in v3. Their IDs are the same."""

from __future__ import annotations

from shim.core.commands.journal import Undo
from shim.core.context import CallContext
from shim.core.journal.single_add import Traced, traced
from shim.core.message import Element
from shim.core.rules.declare import call, operation, service
from shim.core.rules.kept import keep
from shim.core.rules.vocabulary import added, once, rename
from translations.pbx.industries import INDUSTRIES
from translations.shared import moving, one_storage, person_names
from translations.shared.accounts import (
    ADDED_ACCOUNT,
    EDITED_ACCOUNT,
    READ_ACCOUNT,
    UPDATED,
    answered,
    permissions,
    verbose,
)

_INDUSTRY = "v3 has no industries; the shim keeps the client's and gives it back."
_ADVERTISING = "v3 has no advertising templates; the shim keeps the client's and gives it back."

KEPT = (keep("industry", _INDUSTRY, among=INDUSTRIES), keep("advertisingTemplate", _ADVERTISING))
KEPT_BY_ADD = (
    keep("industry", _INDUSTRY, when=verbose, among=INDUSTRIES),
    keep("advertisingTemplate", _ADVERTISING, when=verbose),
)


def _organization_type(context: CallContext) -> Element | None:
    setting = context.caller.settings.get("organization_type", "leave")
    return None if setting == "leave" else Element("organizationType", setting)


ORGANIZATION_TYPE = added(
    "organizationType",
    "Types of organizations are new in v3: left as it is, or set by the setting organization_type.",
    value=_organization_type,
)

TRACED = Traced(
    "Organization.GetOrganizations",
    "organization",
    Undo("Organization.DelOrganization", "ID", only_if_empty="User.GetUsers"),
    {"login": "login"},
    whose=("parentID", "parentIdentifier"),
)

ADD = traced(TRACED, operation(
    "AddClient",
    "AddOrganization",
    [
        ADDED_ACCOUNT,
        KEPT_BY_ADD,
        once("accountFlag", "v3 takes one flag; 2.5 knew only one value, so nothing is lost."),
    ],
))  # fmt: skip

SERVICE = service(
    "Client",
    "Organization",
    ADD,
    operation("EditClient", "EditOrganization", [EDITED_ACCOUNT, KEPT]),
    operation("SetClientStatus", "SetOrganizationStatus", [UPDATED]),
    operation("SetClientCpAccess", "SetOrganizationCpAccess", [UPDATED]),
    operation("GetClients", "GetOrganizations", [
        rename("client", "organization"),
        person_names.read("client/", "organization/"),
    ]),
    operation("GetClientDetails", "GetOrganizationDetails", [
        READ_ACCOUNT, KEPT,
    ], details="GetOrganizationDetails"),
    operation("DelClient", "DelOrganization", gone="ID"),
    operation("SetClientPL", "SetOrganizationPL", [
        UPDATED, permissions(), one_storage.sent(), ORGANIZATION_TYPE,
    ], plan=one_storage.limits, calls=one_storage.calls("Organization", "SetOrganizationPL"),
        details="GetOrganizationDetails"),
    operation("UpdateClientPL", "UpdateOrganizationPL", [
        UPDATED, permissions(relative=True), one_storage.sent(relative=True),
    ], plan=one_storage.limits, calls=one_storage.calls("Organization", "UpdateOrganizationPL"),
        details="GetOrganizationDetails"),
    operation("GetClientPL", "GetOrganizationPL", [
        answered((*permissions(), ORGANIZATION_TYPE)), one_storage.read("userPL/"),
    ], details="GetOrganizationDetails"),
    operation("MoveClients", "MoveOrganizations", [
        rename("resellerID", "serviceProviderID", "Resellers are service providers in v3."),
        rename("resellerIdentifier", "serviceProviderIdentifier", "Resellers are service providers in v3."),
    ], plan=moving.move, calls=[moving.PLANS, call("Organization.MoveOrganizations")]),
)  # fmt: skip
