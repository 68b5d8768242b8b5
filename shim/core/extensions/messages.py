"""Extensions that a message names: those of a request are looked up, those of a v3 answer recognised."""

from __future__ import annotations

from collections.abc import Iterable

from shim.core.commands.extensions import FindIdentities, Identity
from shim.core.commands.steps import Steps, Together, ask
from shim.core.context import CallContext
from shim.core.extensions.lookup import (
    NameKey,
    about,
    extensions_of,
    find_known,
    key_of,
    note,
    perhaps,
    recognise,
    resolve,
    texts,
)
from shim.core.findings import Code
from shim.core.keeping import look_up
from shim.core.message import Element, spots
from shim.core.rules.extensions import by_number, extended, has_number
from shim.core.rules.reference import (
    AccountReference,
    ExtensionReference,
    OwnerReference,
    SharedReference,
    of_kind,
)
from shim.core.rules.rule import split


def of_request(context: CallContext) -> Steps[None]:
    """Resolve every extension that a request names, and note which one the call is about."""
    translation = context.translation
    references = translation.request_references
    if not references:
        return
    yield from look_up(context, of_kind(references, SharedReference))
    yield from _accounts(context, of_kind(references, AccountReference))
    extensions = of_kind(references, ExtensionReference)
    if not extensions:
        return
    keys: dict[NameKey, NameKey] = {}
    main: dict[str, NameKey] = {}
    for each in extensions:
        for text in texts(context.request, each.path):
            key = key_of(each.by, text)
            if key is not None:
                keys[each.by, text] = key
                if each.main:
                    main.setdefault(each.path, key)
    yield from resolve(context, keys.values(), lenient=translation.declared.lenient)
    for sent, key in keys.items():
        if key in context.extensions.identities:
            context.extensions.identities[sent] = context.extensions.identities[key]
    named = next((child.name for child in context.request.children if child.name in main), None)
    if named is not None and main[named] in context.extensions.identities:
        about(context, context.extensions.identities[main[named]])
        if translation.declared.siblings:
            yield from siblings(context, context.extensions.identities[main[named]], named)


def _accounts(context: CallContext, references: Iterable[AccountReference]) -> Steps[None]:
    """Find out which accounts of a request are extensions."""
    translation = context.translation
    for each in references:
        named = texts(context.request, each.path)
        yield from perhaps(context, each.by, named, ask=each.ask)
        identities = [context.extensions.identities.get((each.by, name)) for name in named]
        for identity in filter(None, identities):
            if each.main and context.extensions.main is None:
                about(context, identity)
            if translation.declared.siblings:
                code: Code = "siblings-touched" if translation.writes else "siblings-included"
                yield from siblings(context, identity, each.path, code)


def siblings(
    context: CallContext, identity: Identity, path: str, code: Code = "siblings-touched"
) -> Steps[None]:
    """Find how many more extensions a change of the user changes."""
    identities = yield from ask(FindIdentities("user_id", (identity.user_id,)))
    others = {each.number for each in identities.get(identity.user_id, ())} - {identity.number}
    if others:
        because = f"The v3 user has more extensions than this one ({len(others)} more): it counts for them too."
        context.find(code, path, because)


def of_answer(context: CallContext, answer: Element) -> Steps[None]:
    """Recognise every extension that a v3 answer names by number, or by its user."""
    references = context.translation.answer_references
    if not references:
        return
    accounts = of_kind(references, AccountReference)
    users: list[NameKey] = [("user_id", text) for each in accounts for text in texts(answer, each.path)]
    yield from find_known(context, dict.fromkeys(users))
    extensions = of_kind(references, ExtensionReference)
    numbers = [text for each in extensions for text in texts(answer, each.path)]
    if numbers:
        yield from recognise(context, numbers)
    for each in of_kind(references, OwnerReference):
        parent, name = split(each.path)
        rows = [(row.get(name) or "", row.get(each.beside) or "") for row in spots(answer, parent)]
        if by_number(context, each.role):
            yield from recognise(context, [extended(context, number) for _, number in rows])
            continue
        yield from owners(context, [(user.strip(), number) for user, number in rows if user.strip()])


def owners(context: CallContext, rows: Iterable[tuple[str, str]]) -> Steps[None]:
    """Learn the extensions of the users in (user ID, number) rows; users are asked for side by side.

    A user is asked for when the map knows none of the user's extensions, or not the one with that number.
    """
    distinct = list(dict.fromkeys(rows))
    if not distinct:
        return
    users = tuple(dict.fromkeys(user for user, _ in distinct))
    of_users = yield from ask(FindIdentities("user_id", users))
    for identities in of_users.values():
        for identity in identities:
            note(context, identity)
    missing = {user: 0 for user, number in distinct if not _among(of_users.get(user, ()), number)}
    if missing:
        yield from ask(Together(tuple(extensions_of(context, user) for user in missing)))


def _among(identities: tuple[Identity, ...], number: str) -> bool:
    return bool(identities) and (not number or any(has_number(each, number) for each in identities))
