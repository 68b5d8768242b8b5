"""The name of an account's holder, for backends that have first and last name: beside `name`, or instead of it.

The rules hold where the v3 message has `firstName`, which is a matter of its version.
The last word of a name is taken for the last name, and what is read is joined again.
"""

from __future__ import annotations

from dataclasses import dataclass

from shim.core.context import CallContext
from shim.core.message import Element, spots
from shim.core.rules.rule import Made, Rule, Taken, split
from shim.core.rules.table import Direction

FIRST, LAST, NAME = "firstName", "lastName", "name"
_NAMES = frozenset((FIRST, LAST, NAME))
NO_LAST = "-"
"""The last name of who has one word: a backend that has last names may insist on one."""

_SPLIT = "v3 has first and last name apart: the last word was taken for the last name."
_ONE_WORD = "v3 has first and last name apart, and this is one word: a dash was sent as the last name."
_JOINED = "v3 has first and last name apart; they are joined."


def halves(name: str) -> tuple[str, str]:
    """First and last name out of one text; an empty one has neither."""
    *first, last = name.split() or [""]
    if first:
        return " ".join(first), last
    return last, NO_LAST if last else ""


def whole(first: str, last: str) -> str:
    """One text out of first and last name."""
    names = (first.strip(), "" if last.strip() == NO_LAST else last.strip())
    return " ".join(each for each in names if each)


def joined(children: list[Element]) -> list[Element]:
    """The children of an account of v3 with one `name`, whichever names there are."""
    if [each.name for each in children if each.name in _NAMES] == [NAME]:
        return children
    names = {each.name: each for each in children if each.name in _NAMES}
    others = [each for each in children if each.name not in names]
    if NAME not in names and names:
        texts = (names[each].text or "" if each in names else "" for each in (FIRST, LAST))
        names[NAME] = Element(NAME, whole(*texts))
    return [*others, names[NAME]] if NAME in names else others


@dataclass(frozen=True, slots=True)
class Half(Rule):
    """In requests: first or last name out of the name that is sent."""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        half = split(self.new)[1]

        def produce(root: Element, context: CallContext) -> None:
            name = context.request.get(NAME)
            if name is None:
                return
            first, last = halves(name)
            root.children.append(Element(half, first if half == FIRST else last))
            if half == FIRST and name.strip():
                if last == NO_LAST:
                    context.find("default-added", NAME, _ONE_WORD, FIRST)
                else:
                    context.find("value-converted", NAME, _SPLIT, FIRST)

        return Made("added", self.new, produce, "value-converted")


@dataclass(frozen=True, slots=True)
class Taking(Rule):
    """A name of v3's answer, for `Joining`; or the name of a request, for `Half`."""

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "request":
            return Taken("computed", None, _nothing, "value-converted")
        return Taken("ignored", None, _as_it_is)


def _nothing(child: Element, into: Element, context: CallContext) -> None:
    return


def _as_it_is(child: Element, into: Element, context: CallContext) -> None:
    into.children.append(Element(child.name, child.text))


@dataclass(frozen=True, slots=True)
class Joining(Rule):
    """In answers: the name that v3 says, else first and last name as one."""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        def produce(root: Element, context: CallContext) -> None:
            for row in spots(root, split(self.old)[0]):
                row.children = joined(row.children)

        return Made("computed", self.old, produce)


SENT: tuple[Rule, ...] = (
    Half("", FIRST, _SPLIT, "request", where=FIRST),
    Half("", LAST, _SPLIT, "request", where=LAST),
    Taking(NAME, "", _SPLIT, "request", where=FIRST, unless=NAME),
)
"""For requests that have the name of an account's holder."""


def read(old: str = "", new: str = "") -> tuple[Rule, ...]:
    """For answers, with where the name is in the old message and in v3's, up to the last slash."""
    first = new + FIRST
    return (
        Joining(old + NAME, "", _JOINED, "answer", where=first),
        *(Taking("", new + each, _JOINED, "answer", where=(first, new + each)) for each in (FIRST, LAST, NAME)),
    )


READ = read()
BOTH: tuple[Rule, ...] = (*SENT, *READ)
