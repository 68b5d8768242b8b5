"""Batches: the counts of the deprecation log between two writes, totals by key, no single calls, and no values.

Laws: totals of equal keys add up, whatever the order; a batch is written whole or not at all, under its ID, so
that one whose end was not seen can be offered again. As a line of JSON it waits in the spool.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from shim.core.findings import Finding

FindingSide = Literal["old", "new"]
UsageKey = tuple[str, str, str, str]
"""(day, integration, side, operation)"""
FindingKey = tuple[str, str, str, str]
"""(integration, operation, code, path)"""
CallerKey = tuple[str, str, str, str, str]
"""(integration, agent, toolkit, version, address)"""


FaultKey = tuple[str, str, str, str]
"""(day, integration, operation of 2.5, reason)"""
LoginKey = tuple[str, str, str, str, str, str, str]
"""(integration, why, way, login, digest, address, agent); the login is a mask."""


FormKey = tuple[str, str, str]
"""(day, integration, form of the login)"""


@dataclass(slots=True)
class Calls:
    """How many calls, how many of them ended in a fault, and when."""

    calls: int
    faults: int
    first: datetime
    last: datetime


@dataclass(slots=True)
class FindingCount:
    """How often something was found by day, what was said of it last, and perhaps the shape of a call."""

    severity: str
    because: str
    v3_path: str | None
    first: datetime
    last: datetime
    days: dict[str, int] = field(default_factory=dict)
    sample: str | None = None
    sample_at: datetime | None = None

    @property
    def count(self) -> int:
        return sum(self.days.values())

    def add(self, finding: Finding, at: datetime, day: str) -> None:
        self.days[day] = self.days.get(day, 0) + finding.count
        if at >= self.last:
            self.last = at
            self.severity, self.because, self.v3_path = finding.severity, finding.because, finding.v3_path
        elif at < self.first:
            self.first = at


@dataclass(slots=True)
class Batch:
    """Totals of a while. `calls` is how many 2.5 and v3 calls they tell of."""

    id: str = field(default_factory=lambda: secrets.token_hex(12))
    calls: int = 0
    usage: dict[UsageKey, Calls] = field(default_factory=dict)
    callers: dict[CallerKey, Calls] = field(default_factory=dict)
    findings: dict[FindingKey, FindingCount] = field(default_factory=dict)
    faults: dict[FaultKey, Calls] = field(default_factory=dict)
    """Calls of 2.5 that were answered with a fault, by its reason; all of them are in `usage`, too."""
    logins: dict[LoginKey, Calls] = field(default_factory=dict)
    """Logins that were refused; `faults` are those that were not looked at."""
    forms: dict[FormKey, Calls] = field(default_factory=dict)
    """Calls by the form of the login that they came with, of those who are known."""

    def __bool__(self) -> bool:
        return bool(self.usage or self.findings or self.callers)

    def use(self, key: tuple[str, FindingSide, str], fault: bool, at: datetime, day: str) -> None:
        """Count a call of (integration, side, operation)."""
        self.calls += 1
        integration, side, operation = key
        _count(self.usage, (day, integration, side, operation), fault, at)

    def call_from(self, key: CallerKey, at: datetime) -> None:
        _count(self.callers, key, False, at)

    def fail(self, key: FaultKey, at: datetime) -> None:
        _count(self.faults, key, True, at)

    def log_in(self, key: FormKey, at: datetime) -> None:
        _count(self.forms, key, False, at)

    def refuse(self, key: LoginKey, unchecked: bool, at: datetime) -> None:
        _count(self.logins, key, unchecked, at)

    def find(self, key: FindingKey, finding: Finding, at: datetime, day: str) -> None:
        count = self.findings.get(key)
        if count is None:
            columns = finding.severity, finding.because, finding.v3_path
            count = self.findings[key] = FindingCount(*columns, at, at)
        count.add(finding, at, day)


def _count(totals: dict[Any, Calls], key: tuple[str, ...], fault: bool, at: datetime) -> None:
    known = totals.get(key)
    if known is None:
        totals[key] = Calls(1, int(fault), at, at)
        return
    known.calls += 1
    known.faults += fault
    if at > known.last:
        known.last = at
    elif at < known.first:
        known.first = at


# ---- as a line ----


def to_line(batch: Batch) -> bytes:
    """The batch as one line of JSON, with its end."""
    plain = {
        "id": batch.id,
        "calls": batch.calls,
        "usage": _plain_calls(batch.usage),
        "callers": _plain_calls(batch.callers),
        "findings": [[*key, _plain_finding_count(each)] for key, each in batch.findings.items()],
        "faults": _plain_calls(batch.faults),
        "logins": _plain_calls(batch.logins),
        "forms": _plain_calls(batch.forms),
    }
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Batch:
    """The batch of a line. Raises ValueError when it is none, as after a crash within writing."""
    try:
        plain = json.loads(line)
        return Batch(
            plain["id"],
            plain["calls"],
            {tuple(key): _calls(each) for *key, each in plain["usage"]},
            {tuple(key): _calls(each) for *key, each in plain["callers"]},
            {tuple(key): _finding_count(each) for *key, each in plain["findings"]},
            {tuple(key): _calls(each) for *key, each in plain.get("faults", ())},  # not of a release before
            {tuple(key): _calls(each) for *key, each in plain.get("logins", ())},
            {tuple(key): _calls(each) for *key, each in plain.get("forms", ())},
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"no batch ({type(error).__name__})") from None


def _plain_calls(totals: Mapping[Any, Calls]) -> list[list[Any]]:
    return [
        [*key, [each.calls, each.faults, each.first.isoformat(), each.last.isoformat()]]
        for key, each in totals.items()
    ]


def _calls(plain: list[Any]) -> Calls:
    calls, faults, first, last = plain
    return Calls(calls, faults, _when(first), _when(last))


def _plain_finding_count(counted: FindingCount) -> list[Any]:
    times = counted.first.isoformat(), counted.last.isoformat()
    sample_at = counted.sample_at.isoformat() if counted.sample_at else None
    return [counted.severity, counted.because, counted.v3_path, *times, counted.days, counted.sample, sample_at]


def _finding_count(plain: list[Any]) -> FindingCount:
    severity, because, v3_path, first, last, days, sample, sample_at = plain
    taken = _when(sample_at) if sample_at else None
    return FindingCount(severity, because, v3_path, _when(first), _when(last), days, sample, taken)


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
