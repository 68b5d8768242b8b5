"""Extensions under their names of both sides: looked up, learned, doubted, forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shim.core.commands.command import Command


@dataclass(frozen=True, slots=True)
class Identity:
    """One extension under its names of both sides.

    `old_id` is what 2.5 calls ID (the extension account), `extension_id` what it calls extensionID; both are
    what old clients know, for ever. `user_id` and `number` (the extended number) are v3's. `identifier` is
    that of the v3 user, None while it is not known. `doubt` is why it is unconfirmed: a list that should have
    had it had it not (`unseen`), or v3 said of just this number that it does not exist (`denied`).
    """

    old_id: str
    extension_id: str
    user_id: str
    number: str
    identifier: str | None = None
    doubt: Literal["", "unseen", "denied"] = ""


class Known(NamedTuple):
    """An extension as v3 was seen to have it; `origin` says how it came to be known. Lists have thousands."""

    user_id: str
    number: str
    identifier: str | None = None
    origin: Literal["upgraded", "created", "discovered", "imported"] = "discovered"


@dataclass(frozen=True, slots=True)
class FindIdentities(Command[dict[str, tuple[Identity, ...]]]):
    """Look extensions up by one of their names. Reply: for each value that is known, the identities.

    By `user_id` and `identifier` there can be several, the one whose old ID is the user's ID first. An old ID
    in whose place an imported one has come finds the extension all the same, under the imported ID.
    """

    by: Literal["old_id", "extension_id", "user_id", "identifier", "number"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindEnded(Command[dict[str, tuple[Identity, ...]]]):
    """Look up extensions whose identity has ended. Reply: for each value that is known, the identities."""

    by: Literal["old_id", "extension_id", "number"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LearnIdentities(Command[tuple[Identity, ...]]):
    """Remember extensions that v3 has. Reply: their identities in the same order.

    What is known already keeps its IDs, and is not in doubt any more; a number that is another user's by now
    is repaired and recorded. An extension that had ended and is there again, with the number and the user or
    the identifier that it had, gets its IDs back. The first extension of a user gets the user's ID as old ID
    (policy `preserved`) if no extension ever had it, every other one an issued ID that no v3 account can have.
    Two shims on one database never issue the same.
    """

    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class DoubtIdentities(Command[None]):
    """Lists that should have had these numbers had them not: they are unconfirmed. Reply: None."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DenyIdentities(Command[None]):
    """v3 was asked for just these numbers, each by itself, and said that they do not exist. Reply: None.

    They are unconfirmed, and end when it says so again a good while later (`identity.confirm_after`).
    """

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgetIdentities(Command[None]):
    """The shim deleted the extensions with these numbers of these users ('' is any). Their IDs are never issued
    again. An extension of another user that has such a number by now stays. Reply: None."""

    numbers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RenumberIdentities(Command[None]):
    """The extensions with these numbers have other ones by now (old to new). Reply: None.

    A new number that another extension has is not given: that one stays, and so does the old number.
    """

    numbers: Mapping[str, str]
