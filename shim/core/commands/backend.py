"""Calls of v3, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shim.core.commands.command import Command


@dataclass(frozen=True, slots=True)
class Call(Command["Answer"]):
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
    """The answer of the backend: HTTP status, content type, body."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
