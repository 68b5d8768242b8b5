"""Words for what v3 demands and 2.5 may leave out: read it first, or refuse the call in the words of 2.5.

The catalogue asks of every element that a v3 request must have where it comes from:
see `shim.core.catalogue.required`.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from shim.core.rules.rule import Rule, Taken, split
from shim.core.rules.table import Direction
from shim.core.schema.interface import Demand


@dataclass(frozen=True, slots=True)
class Needed(Rule):
    names: tuple[str, ...] = ()

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def demands(self) -> tuple[tuple[str, Demand], ...]:
        return ((split(self.names[0])[0], Demand(tuple(split(name)[1] for name in self.names))),)

    def stands(self, old: Container[str], new: Container[str]) -> bool:
        return all(name in old for name in self.names)


def needed(*names: str, because: str) -> Rule:
    """v3 must have it, and nobody but the caller knows it: a request with none of `names` is refused.

    The names are paths of the old request at one level; the fault is 2.5's for a missing parameter.
    """
    return Needed("", "", because, "request", names)


@dataclass(frozen=True, slots=True)
class ReadFirst(Rule):
    by: str = ""
    """The v3 operation that tells it; empty: the plan makes it of what it has."""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def stands(self, old: Container[str], new: Container[str]) -> bool:
        return self.new in new


def read_first(new: str, by: str, because: str) -> Rule:
    """v3 must have it, and 2.5 may leave it out: then the plan reads it of v3 and sends it as it is.

    `by` is the v3 operation that is asked; it has to be among the calls of the plan.
    """
    return ReadFirst("", new, because, "request", by)


def filled_in(new: str, because: str) -> Rule:
    """v3 must have it, and 2.5 may leave it out: then the plan makes it out of what it has by then."""
    return ReadFirst("", new, because, "request")


@dataclass(frozen=True, slots=True)
class Apart(Rule):
    others: tuple[str, ...] = ()

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def stands(self, old: Container[str], new: Container[str]) -> bool:
        return all(name in old for name in self.others)


def apart(old: str, *others: str, because: str) -> Rule:
    """2.5 takes it beside any of `others`, v3 takes one of them in a request: the plan does the rest itself."""
    return Apart("", "", because, "request", (old, *others))
