"""Commands about what the shim keeps because v3 cannot hold it, for an account or for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shim.core.commands.command import Command
from shim.core.message import Element


@dataclass(frozen=True, slots=True)
class Shared:
    """The owner of what is kept for all: the industries, for example."""

    key: str


KeptBy = str | Shared
"""An account, by its 2.5 ID, or all."""


@dataclass(frozen=True, slots=True)
class Recall(Command[Mapping[str, Element]]):
    """Ask for the elements that the shim keeps for an owner. Reply: the kept elements by field, empty when
    there are none."""

    owner: KeptBy


@dataclass(frozen=True, slots=True)
class Remember(Command[None]):
    """Keep elements for an owner, each replacing what was kept under its field. Reply: None."""

    owner: KeptBy
    fields: Mapping[str, Element] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Forget(Command[None]):
    """Drop what is kept for accounts that are gone. Reply: None."""

    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issue(Command[int]):
    """Take the next number of a counter. Reply: an int, from 1 on.

    No number is given twice, also when two shims share one database, and when what it was for is gone.
    """

    counter: str
