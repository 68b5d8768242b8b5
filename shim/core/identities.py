"""Identities: which v3 extension an old ID is, and which old ID a v3 extension has.

What the identity map does not know is asked of v3 once, learned, and known from then on. An old ID that is
unknown is taken for the ID of the user that the upgrade made of the extension; whether it really is that
user's first extension, the map decides when it learns the user's extensions.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Literal

from shim.core.catalogue import Catalogue
from shim.core.commands import Command, FindIdentities, Identity, Known, LearnIdentities, Together
from shim.core.errors import CallerError, Fault
from shim.core.forward import forward
from shim.core.model import Element
from shim.core.rules.model import Work, spots
from shim.core.translate import Translation

Name = Literal["old_id", "identifier", "number"]
Key = tuple[Name, str]


def of_request(catalogue: Catalogue, translation: Translation, work: Work) -> Generator[Command, Any, None]:
    """Resolve every extension that a request names, and note which one the call is about."""
    if not translation.refers:
        return
    keys: list[Key] = []
    main: Key | None = None
    for path, by, is_main in translation.refers:
        said = [text for text in texts(work.request, path) if by == "identifier" or text.isdecimal()]
        keys += [(by, text) for text in said]  # type: ignore[misc]
        main = main or ((by, said[0]) if is_main and said else None)  # type: ignore[assignment]
    yield from resolve(catalogue, work, keys, lenient=translation.declared.lenient)
    if main is not None and main in work.identities:
        about(work, work.identities[main])


def about(work: Work, identity: Identity) -> None:
    """Say that the call is about this extension."""
    work.extension = identity
    work.account = identity.old_id


def of_answer(
    catalogue: Catalogue, translation: Translation, work: Work, answer: Element
) -> Generator[Command, Any, None]:
    """Recognise every extension that a v3 answer names by number."""
    numbers = [text for path in translation.answers_refer for text in texts(answer, path)]
    if numbers:
        yield from recognise(catalogue, work, numbers)


def resolve(
    catalogue: Catalogue, work: Work, keys: Iterable[Key], *, lenient: bool = False
) -> Generator[Command, Any, None]:
    """Find the identities behind the names that a request uses.

    Raises CallerError for an unknown one, unless `lenient`: then the call is served without it.
    """
    wanted = [key for key in dict.fromkeys(keys) if key not in work.identities]
    yield from _find(work, wanted)
    for key in wanted:
        if key not in work.identities:
            yield from _discover(catalogue, work, key, lenient)


def known(work: Work, numbers: Iterable[str]) -> Generator[Command, Any, None]:
    """Find what the map knows of extended numbers, without asking v3 about the others."""
    keys: list[Key] = [("number", number) for number in dict.fromkeys(numbers) if number]
    yield from _find(work, [key for key in keys if key not in work.identities])


def recognise(catalogue: Catalogue, work: Work, numbers: Iterable[str]) -> Generator[Command, Any, None]:
    """Find the identities behind extended numbers of an answer; unknown ones are looked up side by side.

    A number that v3 names and does not know (any more) stays unknown.
    """
    wanted = [number for number in dict.fromkeys(numbers) if number]
    yield from known(work, wanted)
    parts = tuple(
        _owner(catalogue, work, number) for number in wanted if ("number", number) not in work.identities
    )
    if parts:
        seen: list[Known | None] = yield Together(parts)
        yield from learn(work, [each for each in seen if each is not None])


def learn(work: Work, seen: list[Known]) -> Generator[Command, Any, tuple[Identity, ...]]:
    """Tell the map what v3 has; the identities are known to this call from then on."""
    if not seen:
        return ()
    learned: tuple[Identity, ...] = yield LearnIdentities(tuple(seen))
    for identity in learned:
        note(work, identity)
    return learned


def note(work: Work, identity: Identity) -> None:
    work.identities["number", identity.number] = identity
    work.identities["old_id", identity.old_id] = identity


def extensions_of(
    catalogue: Catalogue, work: Work, user_id: str
) -> Generator[Command, Any, tuple[Identity, ...]]:
    """All extensions of a v3 user, learned. Empty when there are none or no such user."""
    operation = catalogue.new.operations["Extension.GetExtensions"]
    asked = Element(operation.input.name, children=[Element("parentID", user_id)])
    try:
        answer = yield from forward(catalogue, work, operation, asked, writes=False)
    except Fault as fault:
        if fault.reason != "backend-fault":
            raise
        return ()
    rows = [(row.get("extendedNumber"), row.get("identifier")) for row in answer.all("extension")]
    found = yield from learn(work, [Known(user_id, number, said) for number, said in rows if number])
    return found


def _find(work: Work, keys: Iterable[Key]) -> Generator[Command, Any, None]:
    by: dict[Name, list[str]] = {}
    for name, value in keys:
        by.setdefault(name, []).append(value)
    for name, values in by.items():
        found: dict[str, tuple[Identity, ...]] = yield FindIdentities(name, tuple(values))
        for value, identities in found.items():
            if identities:
                work.identities[name, value] = identities[0]


def _discover(catalogue: Catalogue, work: Work, key: Key, lenient: bool) -> Generator[Command, Any, None]:
    name, value = key
    user_id: str | None = value
    if name == "identifier":
        user_id = yield from _user_by_identifier(catalogue, work, value)
    elif name == "number":
        owner = yield from _owner(catalogue, work, value)
        yield from learn(work, [owner] if owner else [])
    if name != "number" and user_id:
        found = yield from extensions_of(catalogue, work, user_id)
        if name == "identifier" and found:
            work.identities[key] = found[0]
    if key not in work.identities and not lenient:
        raise CallerError(
            "unknown-extension", "There is no extension with this ID or identifier: look it up anew.", "100"
        )


def _user_by_identifier(
    catalogue: Catalogue, work: Work, identifier: str
) -> Generator[Command, Any, str | None]:
    operation = catalogue.new.operations["User.GetUserDetails"]
    asked = Element(operation.input.name, children=[Element("identifier", identifier)])
    answer = yield from forward(catalogue, work, operation, asked, writes=False)
    return answer.get("ID")


def _owner(catalogue: Catalogue, work: Work, number: str) -> Generator[Command, Any, Known | None]:
    """Whose extension a number is, as v3 says; None when it does not know the number."""
    operation = catalogue.new.operations["Extension.GetExtensionDetails"]
    asked = Element(operation.input.name, children=[Element("extendedNumber", number)])
    try:
        answer = yield from forward(catalogue, work, operation, asked, writes=False)
    except Fault as fault:
        if fault.reason != "backend-fault":
            raise
        return None
    user_id = answer.get("parentID")
    return Known(user_id, number, answer.get("parentIdentifier")) if user_id else None


def texts(root: Element, path: str) -> list[str]:
    """The texts at a path of a message, stripped, empty ones left out."""
    return [said for each in spots(root, path) if (said := (each.text or "").strip())]
