"""Policies: what configuration chose for one integration, where an operation emulates, drops or could refuse.

Laws: the first policy that covers a place and can act there counts; where none does, what the rules were
written for is done. A write is never refused for what its answer cannot say, because by then it took effect.
Choices are resolved once for each integration and operation, so that a call only looks them up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shim.core.findings import Code

Do = Literal["emulate", "drop", "refuse"]
Side = Literal["request", "answer"]

ANY = "*"

CHOICES: Mapping[tuple[Side, Code], tuple[Do, ...]] = {
    ("request", "field-kept"): ("emulate", "drop", "refuse"),
    ("request", "field-emulated"): ("emulate", "drop", "refuse"),
    ("request", "field-dropped"): ("drop", "refuse"),
    ("request", "operation-emulated"): ("emulate", "refuse"),
    ("answer", "field-emulated"): ("emulate", "drop", "refuse"),
    ("answer", "answer-field-unavailable"): ("drop", "refuse"),
}
"""The choices where a finding is made, by side of the message; the first is the default."""

GOVERNED = tuple(dict.fromkeys(code for _, code in CHOICES))
"""The findings that policies are about."""


def possible(side: Side, code: Code, *, writes: bool) -> tuple[Do, ...]:
    """The choices where an operation makes the finding; the first is the default."""
    choices = CHOICES.get((side, code), ())
    return tuple(each for each in choices if each != "refuse") if side == "answer" and writes else choices


@dataclass(frozen=True, slots=True)
class Policy:
    """One line of the configuration: `do` this where operation, path and finding are those.

    `operation` is a full name, `Service.*` or `*`; `path` an old path or `*`; no `finding` means any.
    """

    do: Do
    operation: str = ANY
    path: str = ANY
    finding: str | None = None

    def covers(self, operation: str) -> bool:
        return self.operation in (ANY, operation, f"{operation.partition('.')[0]}.{ANY}")


def deciding(
    policies: Iterable[Policy], side: Side, code: Code, path: str, *, writes: bool
) -> tuple[int, Policy] | None:
    """The policy that decides about a place, with its position; None: the default counts.

    The policies have to cover the operation.
    """
    allowed = possible(side, code, writes=writes)
    for index, each in enumerate(policies):
        if each.do in allowed and each.path in (ANY, path) and each.finding in (None, code):
            return index, each
    return None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choices of an integration for one operation. `barred` are elements that its answers must not lack."""

    by: Mapping[tuple[Side, Code, str], Do] = field(default_factory=dict)
    barred: tuple[str, ...] = ()

    def of(self, side: Side, code: Code, path: str) -> Do:
        """The choice for a path of the old message for which a rule has this finding."""
        by = self.by
        return by.get((side, code, path)) or by.get((side, code, ANY)) or CHOICES[side, code][0]


AS_WRITTEN = Chosen()
"""Nothing was chosen: every rule does what it was written for."""


class Policies:
    """The policies of one integration, in order; what they mean for an operation is worked out once."""

    def __init__(self, entries: Iterable[Policy] = ()) -> None:
        self.entries = tuple(entries)
        self.chosen: dict[str, Chosen] = {}
        """The choices made of them so far, by operation: see `shim.core.catalogue.choices`."""

    def covering(self, operation: str) -> tuple[Policy, ...]:
        return tuple(each for each in self.entries if each.covers(operation))


NO_POLICIES = Policies()
