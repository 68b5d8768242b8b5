"""Long lists of the pages: what is shown of them, in which order, in which groups, and which part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shim.core.findings import Severity
from shim.review.page import forms
from shim.review.page.forms import NOBODY, IntegrationList
from shim.review.reading.finding_queries import SERIOUS
from shim.review.reading.model import FindingRow, OperationUse, Overview, Scorecard
from shim.review.reading.verdicts import SEVERITIES

_URGENT = 5
"""Findings of the overview."""


@dataclass(frozen=True, slots=True)
class Used:
    """One operation of 2.5 and who uses it, the one that calls it most first."""

    operation: str
    uses: tuple[OperationUse, ...]

    @property
    def per_day(self) -> float:
        return sum(each.per_day for each in self.uses)

    @property
    def faults(self) -> int:
        return sum(each.faults for each in self.uses)

    @property
    def open_findings(self) -> int:
        return sum(each.open_findings for each in self.uses)

    @property
    def ported(self) -> int:
        return sum(each.ported for each in self.uses)

    def shows(self, show: str) -> bool:
        """True if it is one of those that are to be shown."""
        left = len(self.uses) - self.ported
        shows = {
            "left": left > 0,
            "ported": left == 0,
            "failing": any(each.failing for each in self.uses),
            "findings": self.open_findings > 0,
        }
        return shows.get(show, True)


@dataclass(frozen=True, slots=True)
class KindOfFinding:
    """Findings of one code: how many, how often, of how many integrations, and when the last one was seen."""

    code: str
    title: str
    severity: Severity
    findings: int
    count: int
    integrations: int
    last_seen: datetime


def kinds_of(rows: Iterable[FindingRow]) -> list[KindOfFinding]:
    """The kinds of findings, the worst first, then those that there are most of."""
    by_code: dict[str, list[FindingRow]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row)
    kinds = [
        KindOfFinding(
            code,
            of_code[0].title,
            max((each.severity for each in of_code), key=SEVERITIES.index),
            len(of_code),
            sum(each.count for each in of_code),
            len({each.integration for each in of_code}),
            max(each.last_seen for each in of_code),
        )
        for code, of_code in by_code.items()
    ]
    return sorted(kinds, key=lambda each: (-SEVERITIES.index(each.severity), -each.findings, each.code))


def sorted_findings(rows: Sequence[FindingRow], sort: str) -> Sequence[FindingRow]:
    """In the order that is wanted; without one they stay, the worst first."""
    sorts: Mapping[str, Callable[[FindingRow], Any]] = {
        "last": lambda row: -row.last_seen.timestamp(),
        "first": lambda row: row.first_seen,
        "count": lambda row: -row.count,
        "integration": lambda row: row.integration,
        "operation": lambda row: row.operation,
    }
    return sorted(rows, key=sorts[sort]) if sort else rows


def sorted_operations(groups: Sequence[Used], sort: str) -> Sequence[Used]:
    """In the order that is wanted; without one they stay, by name."""
    sorts: Mapping[str, Callable[[Used], Any]] = {
        "calls": lambda each: -each.per_day,
        "users": lambda each: -len(each.uses),
        "faults": lambda each: -each.faults,
        "findings": lambda each: -each.open_findings,
    }
    return sorted(groups, key=sorts[sort]) if sort else groups


@dataclass(frozen=True, slots=True)
class PagePart:
    """A part of a long list: where it starts and ends, and the numbers of its neighbours, 0 for none."""

    start: int
    end: int
    before: int
    after: int

    @classmethod
    def of(cls, query: Mapping[str, str], total: int, size: int) -> PagePart:
        last = max(1, -(-total // size))
        number = min(forms.page_number(query), last)
        return cls((number - 1) * size, number * size, number - 1, number + 1 if number < last else 0)


def listed(cards: Iterable[Scorecard], chosen: IntegrationList) -> list[Scorecard]:
    """Those that fit, in the order that is wanted; what comes first stays first among equals."""
    shows: Mapping[str, Callable[[Scorecard], bool]] = {
        "failing": lambda card: card.failures.failing,
        "left": lambda card: card.left > 0,
        "done": lambda card: card.done and bool(card.operations or card.last_old),
        "never": lambda card: not card.operations and card.last_old is None,
        "": lambda card: True,
    }
    text = chosen.text.lower()
    cards_shown = [
        card
        for card in cards
        if shows[chosen.show](card)
        and chosen.owner in ("", owner_of(card))
        and any(text in each.lower() for each in (card.integration, *_about(card)))
    ]
    sorts: Mapping[str, Callable[[Scorecard], Any]] = {
        "name": lambda card: card.integration,
        "calls": lambda card: -card.old_calls,
        "findings": lambda card: -card.open_findings,
        "last": lambda card: -card.last_old.timestamp() if card.last_old else 0.0,
    }
    if chosen.sort:
        cards_shown.sort(key=sorts[chosen.sort])
    if chosen.group:
        cards_shown.sort(key=lambda card: (owner_of(card) == NOBODY, owner_of(card).lower()))
    return cards_shown


def owner_of(card: Scorecard) -> str:
    """The owner that the configuration names, else `NOBODY`."""
    return card.about.owner or NOBODY


def _about(card: Scorecard) -> tuple[str, ...]:
    return card.about.owner, card.about.contact, card.about.notes


def urgent(rows: Iterable[FindingRow], seen: Overview) -> list[FindingRow]:
    """The worst that nobody has looked at, of operations that are left."""
    cards = {card.integration: card for card in seen.integrations}
    serious = [each for each in rows if each.state == "new" and each.severity in SERIOUS]
    left = {
        (name, use.operation)
        for name in {each.integration for each in serious}
        if name in cards
        for use in cards[name].operations
        if not use.ported
    }
    return [each for each in serious if (each.integration, each.operation) in left][:_URGENT]


def by_porting(uses: Iterable[OperationUse]) -> tuple[list[OperationUse], list[OperationUse]]:
    """(left, ported): what is left, in the suggested order, and what is ported."""
    left = [each for each in uses if not each.ported]
    left.sort(key=lambda each: (each.order is None, each.order or 0, each.operation))
    return left, [each for each in uses if each.ported]


def fits(use: OperationUse, text: str) -> bool:
    """True if a name of the operation, of who uses it or of a successor has the text, which is lower case."""
    return any(text in name.lower() for name in (use.operation, use.integration, *use.becomes))
