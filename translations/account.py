"""Operations on accounts of any level: a reseller, a client, or an extension, which is a user in v3."""

from __future__ import annotations

from shim.core.commands.extensions import Identity
from shim.core.commands.journal import Ask, Probe, Step
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import BackendRefused
from shim.core.extensions.lookup import perhaps
from shim.core.forward import forward, look
from shim.core.message import Element
from shim.core.rules.declare import call, operation, service
from shim.core.rules.extensions import account
from shim.core.rules.reference import ExtensionKey
from shim.core.rules.vocabulary import compute
from translations.shared.accounts import UPDATED
from translations.shared.deletions import BY_ITSELF, GONE, ONE_OF, THERE, Doomed, delete_all, extensions

_BY: dict[str, ExtensionKey] = {"ID": "old_id", "identifier": "identifier"}
_ALONE = "Accounts go one by one; of a v3 user with several extensions only the one that is named goes."
_DETAILS = (
    "Organization.GetOrganizationDetails",
    "ServiceProvider.GetServiceProviderDetails",
    "User.GetUserDetails",
)
"""The read that tells whether an account is there, by level."""

# ---- delete ----


def _delete(context: CallContext) -> Steps[Element]:
    """Whole accounts first, then extensions; what there is not makes the answer partial."""
    translation = context.translation
    new = translation.to_new(context)
    for name, by in _BY.items():
        yield from perhaps(context, by, [each.text or "" for each in new.all(name)], ask=True)
    doomed: list[Doomed] = []
    phones: dict[Identity, str] = {}
    unknown: list[str] = []
    for each in new.children:
        identity = context.extensions.identities.get((_BY[each.name], each.text or ""))
        if identity is not None:
            phones.setdefault(identity, each.name)
        elif (account := (yield from _account(context, each))) is not None:
            doomed.append(account)
        else:
            unknown.append(each.name)
    doomed += yield from extensions(phones, "Account.DelAccount")
    if not doomed:  # v3 says what is wrong with all of them
        answer = yield from forward(context, translation.new, new, writes=True)
        return translation.to_old(answer, context)
    for path in unknown:
        context.find("partly-done", path, GONE)
    return (yield from delete_all(context, doomed, len(unknown)))


def _account(context: CallContext, named: Element) -> Steps[Doomed | None]:
    """An account that is no extension, of whatever level; None when v3 denies it on each.

    Raises BackendRefused when v3 shows it on none, and refuses one for another reason.
    """
    refused: BackendRefused | None = None
    for name in _DETAILS:
        try:
            details = yield from look(context, name, named, strict=True)
        except BackendRefused as fault:
            refused = fault.bare()
            continue
        if details is None:
            continue
        request = Element(context.catalogue.new.operations[name].input.name, children=[named])
        number = details.get("ID") or (named.text or "" if named.name == "ID" else "")
        step = Step("delete", Ask("Account.DelAccount", Element("DelAccount", children=[named])))
        step.probe = Probe(Ask(name, request), "", "ID") if details.get("ID") else None
        return Doomed(step, named.name, (number,) if number else ())
    if refused is not None:
        raise refused
    return None


# ---- declarations ----

_WHO = account("ID", main=True)
"""The account that a call is about, and that its answer names."""

_NAMED = [compute(name, str.strip, str, _ALONE, finding=None) for name in _BY]
"""The deletions of DelAccount."""

DELETE = operation(
    "DelAccount",
    rules=_NAMED,
    plan=_delete,
    calls=[
        *(call(name, "Which account it is, of whatever level.") for name in _DETAILS),
        call("Extension.GetExtensions", THERE),
        call("Extension.GetExtensionDetails", BY_ITSELF),
        call("Account.DelAccount"),
        call("Extension.DelExtension", ONE_OF),
    ],
    journal="redo",
)

SERVICE = service(
    "Account",
    "Account",
    DELETE,
    operation("SetAccountStatus", rules=[_WHO, UPDATED], siblings=True),
    operation("LinkAccount", rules=[_WHO], siblings=True),
)
