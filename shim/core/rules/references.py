"""Rules about extensions: 2.5 names them by account ID or identifier, v3 by extended number or user.

The identities are resolved before a message is translated (see `shim.core.identities`), so that these rules
only look them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shim.core.model import Element
from shim.core.rules.model import Direction, Made, Problem, Rule, Taken, Work, split

By = Literal["old_id", "identifier"]
Side = Literal["number", "user_id"]

_UNKNOWN = "an extension that there is"


@dataclass(frozen=True, slots=True)
class Refer(Rule):
    """An element of a request that names an extension; `side` is what v3 wants instead."""

    by: By = "old_id"
    side: Side = "number"
    main: bool = False
    """Whether it names the extension that the call is about: what is kept is kept for that one."""

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "request":
            return Taken("computed", self.new, self._to_new)
        if self.side == "number" and self.by == "old_id":
            return Taken("computed", self.old, self._to_old)
        return None

    def produces(self, direction: Direction) -> Made | None:
        if direction == "answer" and self.by == "identifier" and self.only is None:
            return Made("ignored", self.old or "", None)
        return None

    def _to_new(self, child: Element, into: Element, work: Work) -> None:
        identity = work.identities.get((self.by, (child.text or "").strip()))
        if identity is None:
            work.problems.append(Problem("bad-value", self.old or "", _UNKNOWN, "100"))
            return
        said = identity.number if self.side == "number" else identity.user_id
        into.children.append(Element(split(self.new or "")[1], said))

    def _to_old(self, child: Element, into: Element, work: Work) -> None:
        identity = work.identities.get(("number", (child.text or "").strip()))
        if identity is None:
            work.find("answer-value-omitted", self.old or "", "v3 names an extension that it does not know.")
        else:
            into.children.append(Element(split(self.old or "")[1], identity.old_id))


_NUMBER = "v3 knows extensions by extended number."
_USER = "v3 has it on the user that owns the extension."


def extension(
    old_id: str = "ID",
    identifier: str | None = "identifier",
    new: str = "extendedNumber",
    *,
    main: bool = False,
    only: Direction | None = None,
) -> tuple[Rule, ...]:
    """An extension by account ID or identifier; in v3 by extended number. Both directions."""
    rules: list[Rule] = [Refer(old_id, new, _NUMBER, only, "old_id", "number", main)]
    if identifier is not None:
        rules.append(Refer(identifier, new, _NUMBER, only, "identifier", "number", main))
    return tuple(rules)


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
        def act(child: Element, into: Element, work: Work) -> None:
            return

        return Taken("ignored", None, act) if direction == "answer" else None

    def produces(self, direction: Direction) -> Made | None:
        parent, name = split(self.old or "")

        def produce(root: Element, work: Work) -> None:
            at: Element | None = root
            for step in parent.split("/") if parent else ():
                at = at.child(step) if at is not None else None
            if at is not None and work.extension is not None:
                at.children.append(Element(name, getattr(work.extension, self.name)))

        return Made("computed", self.old or "", produce) if direction == "answer" else None


def own_id(path: str = "ID") -> Rule:
    """The answer's ID is the extension's, as 2.5 knows it."""
    return Own(path, path, "2.5 answers with the extension's ID.", "answer")


def own_extension_id(path: str = "extensionID") -> Rule:
    """The number that 2.5 calls extensionID; the shim issues it."""
    because = "v3 has no number for an extension beside the extended one; the shim issues one and keeps it."
    return Own(path, path, because, "answer", "extension_id")
