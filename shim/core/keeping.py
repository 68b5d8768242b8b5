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


def keep(answer: Element, work: CallContext, *, certain: bool = False) -> Steps[None]:
    """Bring the store in line with a v3 call that was answered. Raises StoreUnavailable, see `_remember`.

    With `certain` the call is taken back when it raises, so that it may.
    """
    translation = work.translation
    gone = translation.declared.gone
    if answer.get("result") == "failure":
        return
    if gone and answer.get("result") == "success":
        yield from _forget(tuple(each.text or "" for each in work.request.all(gone)), work)
    if not work.kept.fields and not translation.recalls:
        return
    account = yield from account_of(answer, work)
    if account is None:
        _lost(work)
        return
    if work.kept.fields:
        yield from _remember(account, work, certain)
    if translation.recalls:
        yield from _recall(account, work)


def account_of(answer: Element, work: CallContext) -> Steps[str | None]:
    """The ID of the account that a call is about; None where nothing tells it. Raises BackendError."""
    if work.extensions.account is not None:
        return work.extensions.account
    known = answer.get("ID") or work.request.get("ID")
    identifier = work.request.get("identifier")
    details = work.translation.declared.details
    if known or not identifier or not details:
        return known.strip() if known else None
    name = f"{work.translation.new.service}.{details}"
    told = yield from read_v3(work, name, Element("identifier", identifier))
    return told.get("ID")


def _remember(account: str, work: CallContext, certain: bool) -> Steps[None]:
    """Store what is to be kept. If that fails after an Add, the answer still has to give the new ID.

    Other writes may simply be repeated, so there the caller gets a fault that says what is done.
    """
    try:
        yield from ask(Remember(account, dict(work.kept.fields)))
    except Fault as fault:
        if certain:
            raise
        _lost(work)
        if not work.translation.old.name.startswith("Add"):
            raise StoreUnavailable(
                "store-unavailable",
                "The call took effect in v3, but what the shim has to keep of it could not be stored: "
                "repeat the call.",
            ) from fault


def _recall(account: str, work: CallContext) -> Steps[None]:
    try:
        work.kept.recalled = yield from ask(Recall(account))
    except Fault:
        work.find("answer-field-unavailable", work.request.name, "The shim's own store could not be read.")
        work.kept.recalled = None
        return
    shared = of_kind(work.translation.answer_references, SharedReference)
    yield from _share(work, (each.owner for each in shared if each.field in work.kept.recalled))


def look_up(work: CallContext, references: Iterable[SharedReference]) -> Steps[None]:
    """Recall the things kept for all that a request refers to."""
    yield from _share(work, (each.owner for each in references if spots(work.request, each.path)))


def _share(work: CallContext, owners: Iterable[Shared]) -> Steps[None]:
    for owner in owners:
        try:
            work.kept.shared[owner] = yield from ask(Recall(owner))
        except Fault:
            continue  # then the value is taken, and answered, as it is


def _forget(accounts: tuple[str, ...], work: CallContext) -> Steps[None]:
    try:
        yield from ask(Forget(accounts))
    except Fault:
        return  # what stays is never read again: account IDs are not issued twice


def _lost(work: CallContext) -> None:
    for field in work.kept.fields:
        work.find("kept-value-lost", field)
