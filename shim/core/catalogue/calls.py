"""Which v3 calls an old operation may make, as its declaration says: for people, and for estimates.

`calls_of` are those that do what the operation is for; `lookups` those that find out who is who. Both together
are every call that there can be, but for those of the operations inside a LinkedOp.
"""

from __future__ import annotations

from collections.abc import Iterator

from shim.core.catalogue.translation import CalledOperation, Translation
from shim.core.rules.reference import AccountReference, ExtensionReference, OwnerReference, of_kind

_WHO = "Whose an ID or identifier is that the identity map does not know."
_THEIRS = "Which extensions that user has; or which number one has by now, when v3 refuses the old one."
_OWNER = "Whose an extended number is that the identity map does not know, or that is unconfirmed."
_IDENTIFIER = "When the call gives an identifier and no ID: what the shim keeps, it keeps by ID."


def calls_of(translation: Translation) -> tuple[CalledOperation, ...]:
    """The calls that an operation becomes, in order; none when the shim serves it by itself."""
    declared = translation.declared
    if declared.emulates or not declared.forwarded:
        return ()
    return declared.calls or (CalledOperation(translation.new.full_name),)


def lookups(translation: Translation) -> tuple[CalledOperation, ...]:
    """The reads of v3 besides, made only about what is not known by then. All of them are reads."""
    return tuple(_lookups(translation))


def _lookups(translation: Translation) -> Iterator[CalledOperation]:
    named = of_kind(translation.request_references, ExtensionReference)
    kinds = {each.by for each in named}
    asks = any(each.ask for each in of_kind(translation.request_references, AccountReference))
    follows = asks or any(each.main for each in named)
    owners = of_kind(translation.answer_references, OwnerReference)
    answered = of_kind(translation.answer_references, ExtensionReference)
    if asks or kinds & {"old_id", "identifier"}:
        yield CalledOperation("User.GetUserDetails", _WHO)
    if asks or follows or kinds & {"old_id", "identifier"} or owners:
        yield CalledOperation("Extension.GetExtensions", _THEIRS)
    if asks or kinds or answered or owners:
        yield CalledOperation("Extension.GetExtensionDetails", _OWNER)
    details = translation.declared.details
    if details and any(each.fate in ("kept", "emulated") for each in translation.fates):
        yield CalledOperation(f"{translation.new.service}.{details}", _IDENTIFIER)
