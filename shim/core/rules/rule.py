"""Rules: one difference between an old operation and its successor each, both directions at once.

It states which paths it is about, what becomes of them, and why. What rules are compiled to is in
`shim.core.rules.table`.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Literal

from shim.core.findings import Code
from shim.core.rules.reference import Reference
from shim.core.rules.table import Action, Direction, Producer
from shim.core.schema.interface import Demand

FateName = Literal[
    "carried", "renamed", "moved", "computed", "kept", "emulated", "dropped", "refused", "added", "ignored"
]


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of one old path in one direction. `v3_path` is that in v3, `finding` a code."""

    direction: Direction
    path: str
    fate: FateName
    v3_path: str | None = None
    finding: Code | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One declared difference. `old` and `new` are paths of messages without their root.

    A side that has none is the empty path. A rule applies to the request where the old request has `old`
    (or, for what only v3 has, the new one has `new`), and to the answer likewise. A rule that applies to
    neither is an error of the declaration.
    """

    old: str
    new: str
    because: str
    only: Direction | None = None
    where: str | tuple[str, ...] = field(default=(), kw_only=True)
    """v3 paths that have to be there, or the rule is none: what only some versions of v3 have."""
    unless: str = field(default="", kw_only=True)
    """A v3 path that must not be there: what some versions of v3 have no more."""
    demanded: str = field(default="", kw_only=True)
    """An element that a server of the version may demand beyond its schema, or the rule is none."""

    @property
    def may_drop(self) -> bool:
        """True if a request loses some values of it, with the finding `field-dropped`."""
        return False

    def takes(self, direction: Direction) -> Taken | None:
        """The action for a child of the source message of a direction; None: it takes none."""
        raise NotImplementedError

    def produces(self, direction: Direction) -> Made | None:
        """The function that adds to the target message of a direction."""
        return None

    def references(self, direction: Direction) -> tuple[Reference, ...]:
        """The references here of the message that comes in, or of elements kept for the one that is made."""
        return ()

    def demands(self) -> tuple[tuple[str, Demand], ...]:
        """The demands on requests because of it: (level of the old request, demand)."""
        return ()

    def stands(self, old: Container[str], new: Container[str]) -> bool:
        """True if it takes and makes nothing, and is about a path that the old or new request has."""
        return False


@dataclass(frozen=True, slots=True)
class Taken:
    """`target` is the path that the child is carried to, or None when `act` deals with it.

    `raw` gives `act` the child as it came: its value is not judged before.
    """

    fate: FateName
    target: str | None = None
    act: Action | None = None
    finding: Code | None = None
    reads: Callable[[str], str | None] | None = None
    """Which texts requests may have though the type does not allow them: those that it gives something for."""
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """`target` is the path that is made, `producer` makes it."""

    fate: FateName
    target: str
    producer: Producer | None
    finding: Code | None = None
    fills: bool = False
    """True if it makes only what nothing else gives."""


def split(path: str) -> tuple[str, str]:
    """A path as (parent path, local name)."""
    parent, _, name = path.rpartition("/")
    return parent, name


def wheres(rule: Rule) -> tuple[str, ...]:
    """The v3 paths that have to be there for a rule to hold."""
    return (rule.where,) if isinstance(rule.where, str) and rule.where else tuple(rule.where)
