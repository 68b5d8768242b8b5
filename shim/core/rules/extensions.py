"""Rules about extensions: 2.5 names them by account ID or identifier, v3 by extended number or user.

The identities are resolved before a message is translated (see `shim.core.extensions.lookup`), so that these
rules only look them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shim.core.commands.extensions import Identity
from shim.core.context import CallContext, Problem
from shim.core.message import Element, spots
from shim.core.rules.choices import accepts
from shim.core.rules.reference import (
    AccountReference,
    ExtensionKey,
    ExtensionReference,
    OwnerReference,
    Reference,
)
from shim.core.rules.rule import Made, Rule, Taken, split
from shim.core.rules.table import Direction

AccountSide = Literal["number", "user_id"]

_UNKNOWN = "an extension that there is"


@dataclass(frozen=True, slots=True)
class Refer(Rule):
    """An element of a request that names an extension; `side` is what v3 wants instead."""

    by: ExtensionKey = "old_id"
    side: AccountSide = "number"
    main: bool = False
    """True if it names the extension that the call is about: what is kept is kept for that one."""
    later: bool = False
    """True if the plan itself finds out whom it names, before it translates."""

    @property
    def may_drop(self) -> bool:
        return self.by == "old_id"

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "request":
            return Taken("computed", self.new, self._to_new)
        if self.side == "number" and self.by != "identifier":
            return Taken("computed", self.old, self._to_old)
        return None

    def produces(self, direction: Direction) -> Made | None:
        if direction == "answer" and self.by == "identifier" and self.only is None:
            return Made("ignored", self.old, None)
        return None

    def references(self, direction: Direction) -> tuple[Reference, ...]:
        if direction == "request":
            return () if self.later else (ExtensionReference(self.old, self.by, self.main),)
        return (ExtensionReference(self.new, "number"),) if self.takes("answer") else ()

    def _to_new(self, child: Element, into: Element, context: CallContext) -> None:
        name = (child.text or "").strip()
        if self.by != "identifier" and (name.startswith("-") or not name.strip("+0")):
            accepts(context, "field-dropped", self.old, "It names no extension: their IDs are above 0.")
            return
        identity = context.extensions.identities.get((self.by, name))
        if identity is None:
            context.record.problems.append(Problem("bad-value", self.old, _UNKNOWN, "100"))
            return
        text = identity.number if self.side == "number" else identity.user_id
        place = split(self.new)[1]
        first = context.request.child(self.old)
        if into.child(place) is not None and first is not None and first.text == child.text:
            because = "An element before it names the extension already: only that one counts."
            context.find("choice-conflict", self.old, because)
            return
        into.children.append(Element(place, text))

    def _to_old(self, child: Element, into: Element, context: CallContext) -> None:
        number = (child.text or "").strip()
        identity = context.extensions.identities.get(("number", number))
        if not number:
            return
        if identity is None:
            context.find("answer-value-omitted", self.old, "v3 names an extension that it does not know.")
        else:
            text = identity.extension_id if self.by == "extension_id" else identity.old_id
            into.children.append(Element(split(self.old)[1], text))


_NUMBER = "v3 knows extensions by extended number."
_ISSUED = "v3 knows extensions by extended number; extensionID is what the shim issued for each."
_USER = "v3 has it on the user that owns the extension."


def extension(
    old_id: str | None = "ID",
    identifier: str | None = "identifier",
    new: str = "extendedNumber",
    *,
    main: bool = False,
    only: Direction | None = None,
) -> tuple[Rule, ...]:
    """An extension by account ID or identifier; in v3 by extended number. Both directions."""
    rules: list[Rule] = []
    if old_id is not None:
        rules.append(Refer(old_id, new, _NUMBER, only, "old_id", "number", main))
    if identifier is not None:
        rules.append(Refer(identifier, new, _NUMBER, only, "identifier", "number", main))
    return tuple(rules)


def extension_id(old: str = "extensionID", new: str = "extendedNumber") -> Rule:
    """An extension by the number that 2.5 calls extensionID, or by its extended number. Both directions."""
    return Refer(old, new, _ISSUED, None, "extension_id")


def this_extension() -> tuple[Rule, ...]:
    """The extension that the call is about, by ID or identifier."""
    return extension(main=True)


def this_user() -> tuple[Rule, ...]:
    """The extension that the call is about, whose user v3 wants: by ID or identifier."""
    return (
        Refer("ID", "ID", _USER, "request", "old_id", "user_id", True),
        Refer("identifier", "ID", _USER, "request", "identifier", "user_id", True),
    )


@dataclass(frozen=True, slots=True)
class Own(Rule):
    """In answers: an ID of the extension that the call is about, whatever v3 says of its user."""

    name: Literal["old_id", "extension_id"] = "old_id"

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            return

        return Taken("ignored", None, act) if direction == "answer" else None

    def produces(self, direction: Direction) -> Made | None:
        parent, name = split(self.old)

        def produce(root: Element, context: CallContext) -> None:
            at: Element | None = root
            for step in parent.split("/") if parent else ():
                at = at.child(step) if at is not None else None
            if at is not None and context.extensions.main is not None:
                at.children.append(Element(name, getattr(context.extensions.main, self.name)))

        return Made("computed", self.old, produce) if direction == "answer" else None


def own_id(path: str = "ID") -> Rule:
    """The answer's ID is the extension's, as 2.5 knows it."""
    return Own(path, path, "2.5 answers with the extension's ID.", "answer")


def own_extension_id(path: str = "extensionID") -> Rule:
    """The number that 2.5 calls extensionID; the shim issues it."""
    because = "v3 has no number for an extension beside the extended one; the shim issues one and keeps it."
    return Own(path, path, because, "answer", "extension_id")


@dataclass(frozen=True, slots=True)
class Owned(Rule):
    """In answers: v3 says a user's ID where 2.5 said the extension's; `beside` holds the extension's number.

    Where the setting `role` is `extension`, v3's ID is one that nothing else names: then the number decides.
    """

    beside: str = ""
    role: str = ""

    def takes(self, direction: Direction) -> Taken | None:
        name = split(self.old)[1]

        def act(child: Element, into: Element, context: CallContext) -> None:
            into.children.append(Element(name, (child.text or "").strip()))

        return Taken("ignored", None, act) if direction == "answer" else None

    def produces(self, direction: Direction) -> Made | None:
        parent, name = split(self.old)

        def produce(root: Element, context: CallContext) -> None:
            owned: dict[str, list[Identity]] = {}
            for (kind, _), identity in context.extensions.identities.items():
                if kind == "number":
                    owned.setdefault(identity.user_id, []).append(identity)
            for place in spots(root, parent):
                user = place.child(name)
                if user is None:
                    continue
                number = place.get(self.beside) or ""
                extension = (
                    context.extensions.identities.get(("number", extended(context, number)))
                    if by_number(context, self.role)
                    else _which(owned.get(user.text or "", []), number)
                )
                place.children = [each for each in place.children if each is not user]
                if extension is not None:
                    place.children.append(Element(name, extension.old_id))
                else:
                    why = "v3 names a user without extensions, or an extension that the shim does not know."
                    context.find("answer-value-omitted", self.old, why)

        return Made("computed", self.old, produce) if direction == "answer" else None

    def references(self, direction: Direction) -> tuple[Reference, ...]:
        return (OwnerReference(self.new, self.beside, self.role),) if direction == "answer" else ()


def _which(owned: list[Identity], number: str) -> Identity | None:
    """The one with that number, else the one that the user's own ID stands for, else any."""
    exact = [each for each in owned if has_number(each, number)]
    first = [each for each in owned if each.old_id == each.user_id]
    return next(iter([*exact, *first, *owned]), None)


def has_number(identity: Identity, number: str) -> bool:
    """True if a number, extended or only its local part, is that of the extension."""
    return bool(number) and number in (identity.number, identity.number.rpartition("*")[2])


def by_number(context: CallContext, role: str) -> bool:
    """True if the setting `role` says that v3's ID is not that of a user, so that the number decides."""
    return context.caller.settings.get(role) == "extension"


def extended(context: CallContext, number: str) -> str:
    """A number as v3 extends it: a local one is of the organization of the extension that the call is about."""
    number = number.strip()
    if not number or "*" in number or context.extensions.main is None:
        return number
    return f"{context.extensions.main.number.rpartition('*')[0]}*{number}"


def owned(path: str, beside: str, role: str) -> Rule:
    """An answer's user ID that has to become the ID of the extension whose number stands beside it.

    `role` is the setting that says whether it is a user's ID at all.
    """
    because = "v3 answers with the user's ID, 2.5 with the extension's."
    return Owned(path, path, because, "answer", beside, role)


@dataclass(frozen=True, slots=True)
class AccountPath(Rule):
    """An element that names an account of any level, an extension too: those v3 knows under another name.

    `new` is where v3 has what is said of an extension. What is no extension keeps its name and its ID.
    """

    by: ExtensionKey = "old_id"
    side: AccountSide = "user_id"
    ask: bool = False
    """True if v3 is asked about accounts that the identity map does not know."""
    main: bool = False

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "request":
            return Taken("computed", self.old, self._to_new)
        if self.side == "user_id" and self.by == "old_id":
            return Taken("computed", self.old, self._to_old)
        return None

    def produces(self, direction: Direction) -> Made | None:
        if direction == "request" and self.side == "number" and self.by == "old_id":
            return Made("computed", self.new, None)
        return None

    def references(self, direction: Direction) -> tuple[Reference, ...]:
        if direction == "request":
            return (AccountReference(self.old, self.by, self.ask, self.main),)
        return (AccountReference(self.new, "user_id"),) if self.takes("answer") else ()

    def _to_new(self, child: Element, into: Element, context: CallContext) -> None:
        text = (child.text or "").strip()
        identity = context.extensions.identities.get((self.by, text))
        if identity is None:
            into.children.append(Element(split(self.old)[1], text))
        elif self.side == "number":
            into.children.append(Element(split(self.new)[1], identity.number))
        else:
            into.children.append(Element(split(self.old)[1], identity.user_id))

    def _to_old(self, child: Element, into: Element, context: CallContext) -> None:
        text = (child.text or "").strip()
        known = (each.old_id for each in context.extensions.identities.values() if each.user_id == text)
        into.children.append(Element(split(self.old)[1], next(known, text)))


def account_or_extension(
    old_id: str = "userID", identifier: str = "userIdentifier", new: str = "extendedNumber"
) -> tuple[Rule, ...]:
    """An account by ID or identifier, where v3 wants an extension by number and any other account as it is."""
    because = "v3 takes an extension by extended number, and any other account by ID or identifier."
    return (
        AccountPath(old_id, new, because, "request", "old_id", "number", True, True),
        AccountPath(identifier, new, because, "request", "identifier", "number", True, True),
    )


def account(path: str = "userID", *, main: bool = False, only: Direction | None = None) -> Rule:
    """An account by ID, where v3 means the user when it is an extension. Both directions."""
    because = "An extension of 2.5 is a user of v3 here; any other account has the same ID on both sides."
    return AccountPath(path, path, because, only, "old_id", "user_id", False, main)
