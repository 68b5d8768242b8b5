"""What the core asks the edge to do. Each command names the reply that it wants sent back into the generator.

A command that cannot be carried out is answered by raising a `Fault` into the generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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


Command = Identify | Call | Recall | Remember | Forget
