"""What is done to accounts of any level: a reseller, a client, or an extension, which is a user in v3."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from shim.core.catalogue import Catalogue
from shim.core.commands import Command, Forget, ForgetIdentities, Identity
from shim.core.errors import Fault
from shim.core.forward import forward
from shim.core.identities import extensions_of, perhaps
from shim.core.model import Element
from shim.core.rules.declare import operation, service
from shim.core.rules.model import Work
from shim.core.rules.references import By, account
from shim.core.rules.vocabulary import compute
from shim.core.translate import Translation
from translations.accounts import UPDATED

Step = Generator[Command, Any, Element]
_BY: dict[str, By] = {"ID": "old_id", "identifier": "identifier"}
_ALONE = "An account goes as it is; of a v3 user with several extensions only the one that is named goes."
_STAYS = "The user has other extensions, or was not made for this one: it stays."

# ---- delete ----


@dataclass(slots=True)
class Doomed:
    """What a DelAccount names: whole accounts, and extensions that go without their user."""

    accounts: list[Element] = field(default_factory=list)
    users: list[Identity] = field(default_factory=list)
    """Those of the accounts that are users with a single extension."""
    extensions: dict[Identity, str] = field(default_factory=dict)
    """With the element that names each."""


def _delete(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    """Accounts go in one call. Of a user with several extensions only the one that is named goes."""
    new = translation.to_new(work)
    doomed = yield from _sorted(catalogue, work, new)
    items, results = 0, []
    if doomed.accounts:
        new.children = doomed.accounts
        answer = yield from forward(catalogue, work, translation.new, new, writes=True)
        items, results = int(answer.get("items") or 0), [answer.get("result") or "success"]
        if results == ["success"]:
            yield from _forget(doomed.users, doomed.accounts)
    for identity, path in doomed.extensions.items():
        try:
            yield from _delete_extension(catalogue, work, identity, path)
        except Fault:
            if not results:
                raise
            work.find("partly-done", path, "Some were deleted, then v3 refused one.")
            results.append("failure")
            break
        items, results = items + 1, [*results, "success"]
    result = results[0] if len(set(results)) == 1 else "partial"
    return Element(
        translation.old.output.name, children=[Element("items", str(items)), Element("result", result)]
    )


def _sorted(catalogue: Catalogue, work: Work, new: Element) -> Generator[Command, Any, Doomed]:
    doomed = Doomed()
    for name, by in _BY.items():
        yield from perhaps(catalogue, work, by, [each.text or "" for each in new.all(name)], ask=True)
    for each in new.children:
        identity = work.identities.get((_BY[each.name], each.text or ""))
        if identity is None:
            doomed.accounts.append(each)
        elif (yield from _is_all_of_its_user(catalogue, work, identity)):
            doomed.accounts.append(each if each.name == "identifier" else Element("ID", identity.user_id))
            doomed.users.append(identity)
        else:
            doomed.extensions.setdefault(identity, each.name)
    return doomed


def _is_all_of_its_user(catalogue: Catalogue, work: Work, identity: Identity) -> Generator[Command, Any, bool]:
    """Whether the user was made for this extension and has no other."""
    found = yield from extensions_of(catalogue, work, identity.user_id)
    return identity.old_id == identity.user_id and {each.number for each in found} <= {identity.number}


def _delete_extension(
    catalogue: Catalogue, work: Work, identity: Identity, path: str
) -> Generator[Command, Any, None]:
    operation = catalogue.new.operations["Extension.DelExtension"]
    asked = Element(operation.input.name, children=[Element("extendedNumber", identity.number)])
    yield from forward(catalogue, work, operation, asked, writes=True)
    work.find("user-kept", path, _STAYS)
    yield from _forget([identity], [])


def _forget(extensions: list[Identity], accounts: list[Element]) -> Generator[Command, Any, None]:
    """Drop what the shim has of accounts that are gone. What stays is never read again."""
    gone = [each.text or "" for each in accounts if each.name == "ID"]
    gone += [each.old_id for each in extensions]
    try:
        yield Forget(tuple(dict.fromkeys(gone)))
        if extensions:
            yield ForgetIdentities(tuple(each.number for each in extensions))
    except Fault:
        return


# ---- declarations ----

_WHO = account("ID", main=True)
"""The account that a call is about, and that its answer names."""

_NAMED = [compute(name, str.strip, str, _ALONE, finding=None) for name in _BY]
"""What DelAccount deletes."""

SERVICE = service(
    "Account",
    "Account",
    operation("DelAccount", rules=_NAMED, plan=_delete),
    operation("SetAccountStatus", rules=[_WHO, UPDATED], siblings=True),
    operation("LinkAccount", rules=[_WHO], siblings=True),
)
