"""What the core asks the edge to do. Each command names the reply that it wants sent back into the generator.

A command that cannot be carried out is answered by raising a `Fault` into the generator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shim.core.model import Credentials, Element


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the core may know: the integration's name and its rules of conduct."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identify:
    """Find the integration behind the credentials. Reply: `Caller`. Raises CallerError (code 100)."""

    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Call:
    """Make one v3 call in the caller's name. Reply: `Answer`. Raises BackendError.

    `envelope` takes the access token and gives the whole message. `writes` says whether the call changes
    anything, which decides whether it may be repeated.
    """

    service: str
    operation: str
    endpoint: str
    soap_action: str
    envelope: Callable[[str], bytes] = field(repr=False)
    writes: bool

    @property
    def full_name(self) -> str:
        return f"{self.service}.{self.operation}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the backend answered: HTTP status, content type, body."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recall:
    """What the shim keeps for an account. Reply: the kept elements by field, empty when there are none."""

    account: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep elements for an account, each replacing what was kept under its field. Reply: None."""

    account: str
    fields: Mapping[str, Element] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop what is kept for accounts that are gone. Reply: None."""

    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """One extension under its names of both sides.

    `old_id` is what 2.5 calls ID (the extension account), `extension_id` what it calls extensionID; both are
    what old clients know, for ever. `user_id` and `number` (the extended number) are v3's. `identifier` is
    that of the v3 user, None while it is not known.
    """

    old_id: str
    extension_id: str
    user_id: str
    number: str
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """An extension as v3 was seen to have it; `origin` says how it came to be known."""

    user_id: str
    number: str
    identifier: str | None = None
    origin: Literal["upgraded", "created", "discovered", "imported"] = "discovered"


@dataclass(frozen=True, slots=True)
class FindIdentities:
    """Look extensions up by one of their names. Reply: for each value that is known, the identities.

    By `user_id` and `identifier` there can be several, the one whose old ID is the user's ID first.
    """

    by: Literal["old_id", "extension_id", "user_id", "identifier", "number"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LearnIdentities:
    """Remember extensions that v3 has. Reply: their identities in the same order.

    What is known already keeps its IDs; a number that is another user's by now is repaired and recorded.
    The first extension of a user gets the user's ID as old ID (policy `preserved`), every other one an
    issued ID that no v3 account can have. Two shims on one database never issue the same.
    """

    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class ForgetIdentities:
    """The extensions with these numbers are gone. Their old IDs are never issued again. Reply: None."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Run exchanges-in-part side by side, with bounded concurrency. Reply: their results, in order.

    The first Fault of any of them is raised once all have ended.
    """

    parts: tuple[Generator[Command, Any, Any], ...]


Command = (
    Identify
    | Call
    | Recall
    | Remember
    | Forget
    | FindIdentities
    | LearnIdentities
    | ForgetIdentities
    | Together
)
