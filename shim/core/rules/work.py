"""What is known of one call under way, and the tables that its messages are walked by.

Tables are what declarations are compiled to, one for each level: a `ChildRule` for each child that
the message may have, and `Producer`s for what no child of the source message gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shim.core.commands.caller import Caller
from shim.core.commands.extensions import Identity
from shim.core.findings import Code, Findings
from shim.core.inner import InnerCall
from shim.core.message import Element
from shim.core.parse import Limits
from shim.core.policies import ANY, AS_WRITTEN, Chosen, Do, Side
from shim.core.schema.interface import Demand, ElementDecl
from shim.core.schema.values import CheckValue

Direction = Literal["request", "answer"]


class CallContext:
    """One call under way: what is known of it, and what was found. Lives as long as the exchange."""

    __slots__ = (
        "account",
        "caller",
        "calls",
        "chosen",
        "entries",
        "extension",
        "findings",
        "held",
        "identities",
        "in_old_words",
        "inner",
        "kept",
        "limits",
        "place",
        "problems",
        "recalled",
        "request",
        "schema_version",
        "server_info",
        "shared",
        "shown_version",
    )

    def __init__(
        self,
        request: Element,
        caller: Caller,
        findings: Findings | None = None,
        calls: list[str] | None = None,
        *,
        inner: list[InnerCall] | None = None,
        held: list[list[Element]] | None = None,
        limits: Limits | None = None,
        schema_version: str = "",
        shown_version: str | None = None,
        place: str = "",
    ) -> None:
        self.request = request
        """The old request as it came."""
        self.caller = caller
        self.findings = Findings() if findings is None else findings
        self.calls: list[str] = [] if calls is None else calls
        """The v3 operations called so far."""
        self.inner: list[InnerCall] = [] if inner is None else inner
        self.held: list[list[Element]] = [] if held is None else held
        """Parts of long trees, which are given up bit by bit at the end."""
        """The calls that it holds, as far as they were begun."""
        self.limits = limits or Limits()
        """What a message inside the message may hold, too."""
        self.place = place
        """Which call of a call that holds several this is; empty for any other."""
        self.entries: list[str] = []
        """The journal entries that were opened for it."""
        self.account: str | None = None
        """The 2.5 ID of the extension that the call is about, where it is about one."""
        self.extension: Identity | None = None
        """The same, with its names on both sides."""
        self.identities: dict[tuple[str, str], Identity] = {}
        """Extensions that the call names, by (kind of name, name): see `shim.core.extensions.lookup`."""
        self.server_info: Element | None = None
        """The serverInfo header of the last v3 answer."""
        self.kept: dict[str, Element] = {}
        """What the shim is to keep, by field, once the call took effect."""
        self.recalled: Mapping[str, Element] | None = {}
        """What the shim keeps for the account that is read; None when that could not be found out."""
        self.shared: dict[str, Mapping[str, Element]] = {}
        """What the shim keeps for all, by the store's key, as far as the call needs it."""
        self.schema_version = schema_version
        """The 2.x version to speak of to the caller: its own, where its message says it."""
        self.shown_version = shown_version
        """The product version that old clients are to see; None: the backend's."""
        self.problems: list[Problem] = []
        self.in_old_words: Callable[[str], str] = str
        """Says a text of v3 with the names that the caller knows."""
        self.chosen: Chosen = AS_WRITTEN
        """What configuration chose for the operation: see `shim.core.rules.choices`."""

    def find(self, code: Code, path: str, because: str = "", place: str | None = None) -> None:
        self.findings.add(code, path, because, place)

    def policy(self, code: Code, path: str = ANY, side: Side = "request") -> Do:
        """What is to be done where a rule has this finding: the default, or what was chosen."""
        return self.chosen.of(side, code, path)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request cannot be served: a parameter is missing, or a value is none of its type."""

    reason: Literal["missing-parameter", "bad-value", "field-refused"]
    path: str
    text: str
    code: str | None


Action = Callable[[Element, Element, CallContext], None]
"""Deals with one child of the source: (child, the target under construction at this level, the work)."""
Producer = Callable[[Element, CallContext], None]
"""Adds to the finished target: (its root, the work)."""


@dataclass(slots=True)
class ChildRule:
    """What becomes of one child. `act` takes it over wholly; else it is carried to `name`."""

    decl: ElementDecl
    path: str
    name: str = ""
    read: CheckValue | None = None
    empty_is_value: bool = True
    table: Table | None = None
    attributes: Mapping[str, str] | None = None
    unlimited: bool = False
    clears: bool = False
    """Whether an empty element of a request is handed on, so that v3 takes away what there is."""
    single: bool = False
    choices: tuple[tuple[int, int], ...] = ()
    nillable: bool = False
    act: Action | None = None
    elsewhere: bool = False
    """Another leg of the plan takes it."""
    leaf: bool = False
    """Whether it holds a value, so that no element belongs inside it, and no rule says what becomes of such."""
    plain: bool = False
    """A leaf whose text goes over as it is: any text in requests, anything at all in answers."""


@dataclass(slots=True)
class Table:
    """One level of a message: entries by local name, and what has to be there."""

    path: str
    entries: dict[str, ChildRule] = field(default_factory=dict)
    demands: tuple[Demand, ...] = ()
    bounded: dict[str, int] = field(default_factory=dict)
    """How often a request may have what may come more than once, where that is bounded."""
    leg: bool = False
    """Whether this is the top of one leg of a plan: what it does not know is another's business."""


def spots(root: Element, path: str) -> list[Element]:
    """All elements at a path of the tree; the root for the empty path."""
    found = [root]
    for name in path.split("/") if path else ():
        found = [child for each in found for child in each.children if child.name == name]
    return found
