"""Keeping what v3 cannot hold: remembered after a call, recalled for an answer, forgotten on deletion.

Everything is kept by account ID, which survived the upgrade. A call that names its account by identifier
only is answered with the ID, or the ID is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from shim.core.commands.kept import Forget, Recall, Remember, Shared
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import Fault, StoreUnavailable
from shim.core.forward import read_v3
from shim.core.message import Element, spots
from shim.core.rules.reference import SharedReference, of_kind


def keep(answer: Element, context: CallContext, *, certain: bool = False) -> Steps[None]:
    """Bring the store in line with a v3 call that was answered. Raises StoreUnavailable, see `_remember`.

    With `certain` the call is taken back when it raises, so that it may.
    """
    translation = context.translation
    gone = translation.declared.gone
    if answer.get("result") == "failure":
        return
    if gone and answer.get("result") == "success":
        yield from _forget(tuple(each.text or "" for each in context.request.all(gone)), context)
    if not context.kept.fields and not translation.recalls:
        return
    account = yield from account_of(answer, context)
    if account is None:
        _lost(context)
        return
    if context.kept.fields:
        yield from _remember(account, context, certain)
    if translation.recalls:
        yield from _recall(account, context)


def account_of(answer: Element, context: CallContext) -> Steps[str | None]:
    """The ID of the account that a call is about; None where nothing tells it. Raises BackendError."""
    if context.extensions.account is not None:
        return context.extensions.account
    known = answer.get("ID") or context.request.get("ID")
    identifier = context.request.get("identifier")
    details = context.translation.declared.details
    if known or not identifier or not details:
        return known.strip() if known else None
    name = f"{context.translation.new.service}.{details}"
    account = yield from read_v3(context, name, Element("identifier", identifier))
    return account.get("ID")


def _remember(account: str, context: CallContext, certain: bool) -> Steps[None]:
    """Store what is to be kept. If that fails after an Add, the answer still has to give the new ID.

    Other writes may simply be repeated, so there the caller gets a fault that says what is done.
    """
    try:
        yield from ask(Remember(account, dict(context.kept.fields)))
    except Fault as fault:
        if certain:
            raise
        _lost(context)
        if not context.translation.old.name.startswith("Add"):
            raise StoreUnavailable(
                "store-unavailable",
                "The call took effect in v3, but what the shim has to keep of it could not be stored: "
                "repeat the call.",
            ) from fault


def _recall(account: str, context: CallContext) -> Steps[None]:
    try:
        context.kept.recalled = yield from ask(Recall(account))
    except Fault:
        context.find(
            "answer-field-unavailable", context.request.name, "The shim's own store could not be read."
        )
        context.kept.recalled = None
        return
    shared = of_kind(context.translation.answer_references, SharedReference)
    yield from _share(context, (each.owner for each in shared if each.field in context.kept.recalled))


def look_up(context: CallContext, references: Iterable[SharedReference]) -> Steps[None]:
    """Recall the things kept for all that a request refers to."""
    yield from _share(context, (each.owner for each in references if spots(context.request, each.path)))


def _share(context: CallContext, owners: Iterable[Shared]) -> Steps[None]:
    for owner in owners:
        try:
            context.kept.shared[owner] = yield from ask(Recall(owner))
        except Fault:
            continue  # then the value is taken, and answered, as it is


def _forget(accounts: tuple[str, ...], context: CallContext) -> Steps[None]:
    try:
        yield from ask(Forget(accounts))
    except Fault:
        return  # what stays is never read again: account IDs are not issued twice


def _lost(context: CallContext) -> None:
    for field in context.kept.fields:
        context.find("kept-value-lost", field)
