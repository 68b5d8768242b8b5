"""References of a message to what only the shim can resolve, by name: said by its rules, path by path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from shim.core.commands.kept import Shared

ExtensionKey = Literal["old_id", "identifier", "extension_id"]
"""The kinds of names that 2.5 has for an extension."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`path` is one of the message that comes in, or of the one that is made of it."""

    path: str

    @property
    def is_of_result(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class ExtensionReference(Reference):
    """An extension; in requests by a name of 2.5, in answers of v3 by its number."""

    by: ExtensionKey | Literal["number"]
    main: bool = False
    """True if the call is about that one."""


@dataclass(frozen=True, slots=True)
class AccountReference(Reference):
    """An account that may be an extension; in answers of v3 a user by ID."""

    by: ExtensionKey | Literal["user_id"]
    ask: bool = False
    """True if v3 is asked about accounts that the identity map does not know."""
    main: bool = False


@dataclass(frozen=True, slots=True)
class OwnerReference(Reference):
    """A user in an answer of v3, where an extension is meant.

    `beside` is the element with its number, `role` the setting that says whether it is a user at all.
    """

    beside: str
    role: str


@dataclass(frozen=True, slots=True)
class SharedReference(Reference):
    """A thing among those of `owner`, by ID or name; of answers, the kept `field` names it."""

    owner: Shared
    field: str = ""

    @property
    def is_of_result(self) -> bool:
        return bool(self.field)


R = TypeVar("R", bound=Reference)


def of_kind(references: Iterable[Reference], kind: type[R]) -> list[R]:
    """Those of one kind."""
    return [each for each in references if isinstance(each, kind)]
