"""A plain tally of what was sent in a week: what page, report and metrics have to say, counted by hand.

It knows nothing of the shim. Each message says of itself what it is, what is to be found in it, and whether it
is refused; the tally adds up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

FindingKey = tuple[str, str, str, str]
"""(integration, operation, code, path)"""


@dataclass(frozen=True)
class Kind:
    """A message: `found` are (code, path) of what is found in it, `fault` is why it is refused.

    `inside` are the calls that it holds.
    """

    path: str
    operation: str
    body: str
    found: tuple[tuple[str, str], ...] = ()
    fault: str | None = None
    inside: tuple[Kind, ...] = ()


@dataclass(frozen=True)
class Use:
    """One call on one side."""

    at: datetime
    integration: str
    side: str
    operation: str
    fault: str | None

    @property
    def day(self) -> date:
        return self.at.date()


@dataclass(frozen=True)
class Program:
    """One message, and the user agent that sent it."""

    at: datetime
    integration: str
    agent: str


@dataclass
class Tally:
    uses: list[Use] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    found: list[tuple[datetime, FindingKey]] = field(default_factory=list)
    kept_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def old(self, at: datetime, integration: str, kind: Kind, agent: str | None) -> None:
        """A 2.5 message was sent."""
        self.programs.append(Program(at, integration, agent or ""))
        for each in (kind, *kind.inside):
            self.uses.append(Use(at, integration, "old", each.operation, each.fault))
            self.found += [(at, (integration, each.operation, *one)) for one in each.found]
            if each.fault:
                self.faults[each.fault] += 1

    def new(self, at: datetime, integration: str, operation: str) -> None:
        """A native v3 message was sent."""
        self.uses.append(Use(at, integration, "new", operation, None))

    # ---- what it comes to ----

    def calls(self, side: str, integration: str | None = None, operation: str | None = None) -> int:
        return len(self.of(side, integration, operation))

    def of(self, side: str, integration: str | None = None, operation: str | None = None) -> list[Use]:
        return [
            each
            for each in self.uses
            if each.side == side
            and integration in (None, each.integration)
            and operation in (None, each.operation)
        ]

    def by_day(self, days: Iterable[date], integration: str | None = None) -> list[tuple[date, int, int]]:
        """(day, calls in 2.5, calls in v3)."""
        counts = {side: Counter(each.day for each in self.of(side, integration)) for side in ("old", "new")}
        return [(day, counts["old"][day], counts["new"][day]) for day in days]

    def operations(self, integration: str) -> set[str]:
        return {each.operation for each in self.of("old", integration)}

    def faulted(self, integration: str, operation: str) -> int:
        return sum(each.fault is not None for each in self.of("old", integration, operation))

    def last(self, side: str, integration: str, operation: str | None = None) -> datetime | None:
        return max((each.at for each in self.of(side, integration, operation)), default=None)

    def findings(self) -> Mapping[FindingKey, list[datetime]]:
        """When each was found, in turn."""
        made: dict[FindingKey, list[datetime]] = {}
        for at, key in self.found:
            made.setdefault(key, []).append(at)
        return made

    def agents(self, integration: str) -> Counter[str]:
        return Counter(each.agent for each in self.programs if each.integration == integration)

    def counted(self, key: Callable[[Use], tuple[str, ...]], side: str) -> Counter[tuple[str, ...]]:
        """Uses of one side by a key."""
        return Counter(key(each) for each in self.uses if each.side == side)
