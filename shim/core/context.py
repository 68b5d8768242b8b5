"""The context of one call of 2.5 under way: what came in, and what was learned of it since.

It lives as long as the exchange. What came in is set once; what is learned stands in three parts: which
extensions the call names, what the shim keeps, and the record of what was done and found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from shim.core.commands.caller import Caller
from shim.core.commands.extensions import Identity
from shim.core.commands.kept import Shared
from shim.core.findings import Code, Findings
from shim.core.inner import InnerCall
from shim.core.message import Element
from shim.core.parse import Limits
from shim.core.policies import ANY, AS_WRITTEN, Chosen, Do, Side

if TYPE_CHECKING:
    from shim.core.catalogue.translation import Catalogue, Translation


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request cannot be served: a parameter is missing, or a value is none of its type."""

    reason: Literal["missing-parameter", "bad-value", "field-refused"]
    path: str
    text: str
    code: str | None


class NamedExtensions:
    """The extensions that a call names, and which of them it is about."""

    __slots__ = ("identities", "main")

    def __init__(self) -> None:
        self.identities: dict[tuple[str, str], Identity] = {}
        """By (kind of name, name): see `shim.core.extensions.lookup`."""
        self.main: Identity | None = None
        """The one that the call is about; None where it is about none."""

    @property
    def account(self) -> str | None:
        """The 2.5 ID of the one that the call is about."""
        return None if self.main is None else self.main.old_id


class KeptValues:
    """The elements of a call that v3 cannot hold, and that the shim keeps."""

    __slots__ = ("fields", "recalled", "shared")

    def __init__(self) -> None:
        self.fields: dict[str, Element] = {}
        """The elements to keep, by field, once the call took effect."""
        self.recalled: Mapping[str, Element] | None = {}
        """The elements kept for the account that is read; None when that could not be found out."""
        self.shared: dict[Shared, Mapping[str, Element]] = {}
        """The elements kept for all, as far as the call needs them."""


class CallHistory:
    """The record of a call: what was called, and what was found on the way."""

    __slots__ = ("calls", "entries", "findings", "held", "inner", "problems", "server_info")

    def __init__(
        self,
        findings: Findings | None = None,
        calls: list[str] | None = None,
        inner: list[InnerCall] | None = None,
        held: list[list[Element]] | None = None,
    ) -> None:
        self.findings: Final = Findings() if findings is None else findings
        self.calls: Final[list[str]] = [] if calls is None else calls
        """The v3 operations called so far."""
        self.inner: Final[list[InnerCall]] = [] if inner is None else inner
        """The calls that a call of calls holds, as far as they were begun."""
        self.held: Final[list[list[Element]]] = [] if held is None else held
        """Parts of long trees, which are given up bit by bit at the end."""
        self.entries: Final[list[str]] = []
        """The journal entries that were opened for it."""
        self.problems: Final[list[Problem]] = []
        self.server_info: Element | None = None
        """The serverInfo header of the last v3 answer."""


class CallContext:
    """One call under way: what came in, and in three parts what was learned of it."""

    __slots__ = (
        "_translation",
        "caller",
        "catalogue",
        "chosen",
        "extensions",
        "in_old_words",
        "kept",
        "limits",
        "package",
        "record",
        "request",
        "schema_version",
        "shown_version",
    )

    def __init__(
        self,
        catalogue: Catalogue,
        request: Element,
        caller: Caller,
        record: CallHistory | None = None,
        *,
        translation: Translation | None = None,
        limits: Limits | None = None,
        schema_version: str = "",
        shown_version: str | None = None,
        package: str = "",
    ) -> None:
        self.catalogue: Final = catalogue
        self._translation: Final = translation
        self.request = request
        """The old request; without IDs that are 0, once it was read."""
        self.caller: Final = caller
        self.limits: Final = limits or Limits()
        """The limits of a message inside the message, too."""
        self.schema_version: Final = schema_version
        """The 2.x version to speak of to the caller: its own, where its message says it."""
        self.shown_version: Final = shown_version
        """The product version that old clients are to see; None: the backend's."""
        self.package: Final = package
        """Which call of a call that holds several this is; empty for any other."""
        self.extensions: Final = NamedExtensions()
        self.kept: Final = KeptValues()
        self.record: Final = record or CallHistory()
        self.in_old_words: Callable[[str], str] = str
        """Says a text of v3 with the names that the caller knows."""
        self.chosen: Chosen = AS_WRITTEN
        """The choices of the configuration for the operation: see `shim.core.rules.choices`."""

    @property
    def translation(self) -> Translation:
        """The translation of the call. Reads of the shim's own have none, and do not ask for it."""
        assert self._translation is not None, "this context serves no call of 2.5"
        return self._translation

    def find(self, code: Code, path: str, because: str = "", v3_path: str | None = None) -> None:
        self.record.findings.add(code, path, because, v3_path)

    def policy(self, code: Code, path: str = ANY, side: Side = "request") -> Do:
        """The choice where a rule has this finding: the default, or what was chosen."""
        return self.chosen.of(side, code, path)
