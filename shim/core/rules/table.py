"""The tables that messages are walked by: what declarations are compiled to, one for each level.

A `ChildRule` for each child that the message may have, and `Producer`s for what no child of the source message
gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.schema.interface import Demand, ElementDecl
from shim.core.schema.values import CheckValue

Direction = Literal["request", "answer"]


Action = Callable[[Element, Element, CallContext], None]
"""Deals with one child of the source: (child, the target under construction at this level, the context)."""
Producer = Callable[[Element, CallContext], None]
"""Adds to the finished target: (its root, the context)."""


@dataclass(slots=True)
class ChildRule:
    """The fate of one child. `act` takes it over wholly; else it is carried to `name`."""

    decl: ElementDecl
    path: str
    name: str = ""
    read: CheckValue | None = None
    empty_is_value: bool = True
    table: Table | None = None
    attributes: Mapping[str, str] | None = None
    unlimited: bool = False
    clears: bool = False
    """True if an empty element of a request is handed on, so that v3 takes away what there is."""
    single: bool = False
    choices: tuple[tuple[int, int], ...] = ()
    nillable: bool = False
    act: Action | None = None
    elsewhere: bool = False
    """Another leg of the plan takes it."""
    leaf: bool = False
    """True if it holds a value, so that no element belongs inside it, and no rule says what becomes of such."""
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
    """True if this is the top of one leg of a plan: what it does not know is another's business."""
