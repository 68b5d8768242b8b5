"""Identities: which v3 extension an old ID is, and which old ID a v3 extension has.

What the identity map does not know is asked of v3 once, learned, and known from then on. An old ID that is
unknown is taken for the ID of the user that the upgrade made of the extension; whether it really is that
user's first extension, the map decides when it learns the user's extensions. An extension that is
unconfirmed or has ended is asked for by itself when it is named: it may be there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from shim.core.commands.extensions import (
    DenyIdentities,
    FindEnded,
    FindIdentities,
    Identity,
    Known,
    LearnIdentities,
)
from shim.core.commands.steps import Steps, Together, ask
from shim.core.context import CallContext
from shim.core.errors import CallerError, Fault, says_absent
from shim.core.extensions.evidence import ask_each, known_from
from shim.core.extensions.reconcile import ListedExtensions, reconcile, rows_of_user
from shim.core.forward import look
from shim.core.message import Element, spots
from shim.core.rules.reference import (
    ExtensionKey,
)

Name = Literal["old_id", "identifier", "extension_id", "number", "user_id"]
NameKey = tuple[Name, str]


def key_of(by: Name, text: str) -> NameKey | None:
    """The key to look an extension up by; None when the text can be nobody's name."""
    if by == "identifier":
        return by, text
    if by == "extension_id" and "*" in text:
        return "number", text
    name = _canonical(text)
    return None if name is None else (by, name)


def perhaps(context: CallContext, by: Name, named: Iterable[str], *, ask: bool) -> Steps[None]:
    """Find the extensions among accounts of any level; the others, or unknown ones, are no fault.

    Accounts that the map does not know are extensions if v3 has a user of that name: it is asked if `ask`.
    """
    keys: dict[str, NameKey] = {}
    for sent in named:
        key = key_of(by, sent)
        if key is not None:
            keys[sent] = key
    yield from find_known(
        context, [key for key in dict.fromkeys(keys.values()) if key not in context.extensions.identities]
    )
    yield from _settle(context, keys.values())
    for sent, key in keys.items():
        if ask and key not in context.extensions.identities:
            yield from _ended(context, key)
        if ask and key not in context.extensions.identities:
            yield from _user(context, key)
        if key in context.extensions.identities:
            context.extensions.identities[by, sent] = context.extensions.identities[key]


def find(context: CallContext, by: ExtensionKey, named: Iterable[str]) -> Steps[None]:
    """Find the extensions with these names; a name that is nobody's is no fault."""
    yield from perhaps(context, by, named, ask=True)


def _user(context: CallContext, key: NameKey, *, strict: bool = False) -> Steps[None]:
    """Learn the extensions of a user, if v3 has a user of that name: other accounts have extensions too.

    If `strict`, raises BackendRefused when v3 refuses and does not say that there is no such user.
    """
    name = "ID" if key[0] == "old_id" else "identifier"
    details = yield from look(context, "User.GetUserDetails", Element(name, key[1]), strict=strict)
    user_id = details.get("ID") if details is not None else None
    if details is None or not user_id:
        return
    extensions = yield from extensions_of(context, user_id, details.get("identifier"), strict=strict)
    if name == "identifier" and extensions:
        context.extensions.identities[key] = extensions[0]


def _canonical(text: str) -> str | None:
    """An ID as it is looked up, without sign and leading zeros; None when it can be nobody's."""
    digits = text.removeprefix("+").lstrip("0")
    return digits if digits.isascii() and digits.isdecimal() else None


def about(context: CallContext, identity: Identity) -> None:
    """Say that the call is about this extension."""
    context.extensions.main = identity


def resolve(context: CallContext, keys: Iterable[NameKey], *, lenient: bool = False) -> Steps[None]:
    """Find the identities behind the names that a request uses.

    Raises CallerError for an unknown one, unless `lenient`: then the call is served without it.
    """
    unknown = [key for key in dict.fromkeys(keys) if key not in context.extensions.identities]
    yield from find_known(context, unknown)
    yield from _settle(context, unknown)
    for key in unknown:
        if key not in context.extensions.identities:
            yield from _discover(context, key, lenient)


def _settle(context: CallContext, keys: Iterable[NameKey]) -> Steps[None]:
    """Ask v3 for those that are unconfirmed, each by itself. What it denies is not found for this call."""
    doubted = {
        key: identity for key in keys if (identity := context.extensions.identities.get(key)) and identity.doubt
    }
    if not doubted:
        return
    evidence = yield from ask_each(context, [identity.number for identity in doubted.values()])
    learned = yield from learn(
        context,
        [
            evidence.known(each.number, each.user_id)
            for each in doubted.values()
            if each.number in evidence.there
        ],
    )
    now = {each.number: each for each in learned}
    denied = tuple(dict.fromkeys(each.number for each in doubted.values() if each.number in evidence.denied))
    if denied:
        yield from ask(DenyIdentities(denied))
    for key, identity in doubted.items():
        if identity.number in now:
            context.extensions.identities[key] = now[identity.number]
        elif identity.number in denied:
            unnote(context, identity)


def unnote(context: CallContext, identity: Identity) -> None:
    """This call knows the extension no more."""
    for key in [
        key for key, each in context.extensions.identities.items() if each.extension_id == identity.extension_id
    ]:
        del context.extensions.identities[key]


def known(context: CallContext, numbers: Iterable[str]) -> Steps[None]:
    """Find what the map knows of extended numbers, without asking v3 about the others."""
    keys: list[NameKey] = [("number", number) for number in dict.fromkeys(numbers) if number]
    yield from find_known(context, [key for key in keys if key not in context.extensions.identities])


def recognise(context: CallContext, numbers: Iterable[str]) -> Steps[None]:
    """Find the identities behind extended numbers of an answer; unknown ones are looked up side by side.

    A number that v3 names and does not know (any more) stays unknown.
    """
    unique = [number for number in dict.fromkeys(numbers) if number]
    yield from known(context, unique)
    parts = tuple(
        _owner(context, number) for number in unique if ("number", number) not in context.extensions.identities
    )
    if parts:
        owners = yield from ask(Together(parts))
        yield from learn(context, [each for each in owners if each is not None])


def learn(context: CallContext, seen: list[Known]) -> Steps[tuple[Identity, ...]]:
    """Tell the map what v3 has; the identities are known to this call from then on."""
    if not seen:
        return ()
    learned = yield from ask(LearnIdentities(tuple(seen)))
    for identity in learned:
        note(context, identity)
    return learned


def note(context: CallContext, identity: Identity) -> None:
    context.extensions.identities["number", identity.number] = identity
    context.extensions.identities["old_id", identity.old_id] = identity


def extensions_of(
    context: CallContext,
    user_id: str,
    identifier: str | None = None,
    denied: frozenset[str] = frozenset(),
    *,
    strict: bool = False,
) -> Steps[tuple[Identity, ...]]:
    """All extensions of a v3 user, learned. Empty when there are none or no such user, and when v3 refuses to
    say, which is raised if `strict`.

    Numbers in `denied` need not be asked for: v3 has just said that they do not exist.
    """
    rows = yield from rows_of_user(context, user_id, strict=strict)
    if rows is None:
        return ()
    name = identifier or identifier_of(context, rows)
    known = [Known(user_id, number, name) for row in rows if (number := row.get("extendedNumber"))]
    seen = ListedExtensions(known, [each.number for each in known], (user_id,), own=True, denied=denied)
    result = yield from reconcile(context, seen)
    for gone in result.gone:
        unnote(context, gone)
    for identity in result.identities.values():
        note(context, identity)
    there = [each for each in result.identities.values() if each.number not in result.ghosts]
    return tuple(
        sorted((each for each in there if each.user_id == user_id), key=lambda each: each.old_id != user_id)
    )


def identifier_of(context: CallContext, rows: list[Element]) -> str | None:
    """The identifier of the user whose rows of extensions these are; None when it may be an extension's own."""
    identifiers = {row.get("identifier") or "" for row in rows}
    way = context.caller.settings.get("row_identifier", "auto")
    if way == "extension" or len(identifiers) != 1 or (way == "auto" and len(rows) == 1):
        return None
    return identifiers.pop() or None


def elsewhere(context: CallContext, fault: Fault) -> Steps[bool]:
    """True if v3 refused a call because its extension has another number or user by now; the call then knows.

    v3 refuses an unknown number or user before it does anything, so the call may be made again.
    """
    before = context.extensions.main
    if before is None or not says_absent(fault):
        return False
    evidence = yield from ask_each(context, [before.number])
    if before.number in evidence.there:
        yield from learn(context, [evidence.known(before.number, before.user_id)])
    elif before.number in evidence.denied:
        yield from extensions_of(context, before.user_id, before.identifier, evidence.denied)
    identities = yield from ask(FindIdentities("old_id", (before.old_id,)))
    after = next(iter(identities.get(before.old_id, ())), None)
    if after is None or (after.number, after.user_id) == (before.number, before.user_id):
        return False
    for key in [
        key for key, identity in context.extensions.identities.items() if identity.old_id == before.old_id
    ]:
        context.extensions.identities[key] = after
    note(context, after)
    about(context, after)
    if after.number != before.number:
        context.find("number-changed", context.request.name)
    return True


def find_known(context: CallContext, keys: Iterable[NameKey]) -> Steps[None]:
    by: dict[Name, list[str]] = {}
    for name, value in keys:
        by.setdefault(name, []).append(value)
    for name, values in by.items():
        replies = yield from ask(FindIdentities(name, tuple(values)))
        for value, identities in replies.items():
            if identities:
                context.extensions.identities[name, value] = identities[0]


def _discover(context: CallContext, key: NameKey, lenient: bool) -> Steps[None]:
    """Ask v3 about a name that the map does not know: a number's owner, or a user's extensions.

    There is no such extension when v3 says so; what else it says of it (no rights, not now) is its answer.
    """
    if key[0] == "number":
        owner = yield from _owner(context, key[1], strict=not lenient)
        yield from learn(context, [owner] if owner else [])
    else:
        yield from _ended(context, key)
        if key not in context.extensions.identities and key[0] != "extension_id":  # v3 knows none of these
            yield from _user(context, key, strict=not lenient)
    if key not in context.extensions.identities and not lenient:
        raise CallerError(
            "unknown-extension", "There is no extension with this ID or identifier: look it up anew.", "100"
        )


def _ended(context: CallContext, key: NameKey) -> Steps[None]:
    """Find an extension whose identity has ended and that is there again."""
    if key[0] not in ("old_id", "extension_id"):
        return
    by: Literal["old_id", "extension_id"] = "old_id" if key[0] == "old_id" else "extension_id"
    ended = yield from ask(FindEnded(by, (key[1],)))
    for was in ended.get(key[1], ()):
        evidence = yield from ask_each(context, [was.number])
        if was.number in evidence.there:
            back = yield from learn(context, [evidence.known(was.number, was.user_id)])
            for each in back:
                if getattr(each, by) == key[1]:
                    context.extensions.identities[key] = each


def _owner(context: CallContext, number: str, *, strict: bool = False) -> Steps[Known | None]:
    """Whose extension a number is, as v3 says; None when it does not know the number, or refuses to say, which
    is raised if `strict`."""
    answer = yield from look(
        context,
        "Extension.GetExtensionDetails",
        Element("extendedNumber", number),
        strict=strict,
    )
    if answer is None:
        return None
    return known_from(answer, number)


def texts(root: Element, path: str) -> list[str]:
    """The texts at a path of a message, stripped, empty ones left out."""
    return [text for each in spots(root, path) if (text := (each.text or "").strip())]
