"""Rows read from the tables of the deprecation log, as few and as small as can be.

Laws: the number of queries does not depend on how much there is; the database adds up, not Python; the same
answers from SQLite and PostgreSQL. Times leave with their zone, which SQLite does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.edge.deprecation.closed import sums_of_days, sums_of_uses, total, within
from shim.edge.deprecation.tables import (
    BROWNOUTS,
    CALLERS,
    FAULTS,
    FINDINGS,
    INTEGRATION_NOTES,
    PORTING,
    REFUSED_LOGINS,
    USAGE,
    still_open,
)
from shim.edge.store.database import utc
from shim.review.reading.model import CallerRow, LoginPage, LoginRow, ShownBrownout

BETWEEN, AFTER = " ", ","
"""In the kinds of findings: between code and severity, and after each."""
_MOST_CALLERS = 50


@dataclass(frozen=True, slots=True)
class Window:
    """Whole UTC days, both ends included; the last one is today."""

    since: date
    until: date

    @classmethod
    def of(cls, now: datetime, days: int) -> Window:
        """The last `days` days. Raises ValueError for fewer than one."""
        if days < 1:
            raise ValueError("a window has one day or more")
        until = now.astimezone(UTC).date()
        return cls(until - timedelta(days=days - 1), until)

    def __len__(self) -> int:
        return (self.until - self.since).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.since + timedelta(days=number) for number in range(len(self)))

    @property
    def start(self) -> datetime:
        return datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)

    def longer(self, days: int) -> Window:
        """The same with so many days, at least."""
        return Window(min(self.since, self.until - timedelta(days=days - 1)), self.until)

    def condition(self, integration: str | None) -> sa.ColumnElement[bool]:
        """Rows of `usage` within. For one integration each day is named, so that the key finds its rows."""
        if integration is not None:
            names = [each.isoformat() for each in self]
            return sa.and_(USAGE.c.day.in_(names), USAGE.c.integration == integration)
        return within(self.since, self.until)


class Use(NamedTuple):
    """Calls of one operation by one integration in the window. `days` are those on which there were any.

    The first three fields are the key.
    """

    integration: str
    side: str
    operation: str
    calls: int
    faults: int
    days: int
    first_seen: datetime
    last_seen: datetime


class DayCount(NamedTuple):
    integration: str
    side: str
    day: str
    calls: int
    faults: int = 0


class FaultCount(NamedTuple):
    """Calls of an operation that ended in a fault of one reason: today, in the last seven days, in the seven
    before, and in the window."""

    integration: str
    operation: str
    reason: str
    today: int
    week: int
    before: int
    window: int


class Note(NamedTuple):
    """A note on an integration, by whom and when."""

    text: str
    who: str
    at: datetime


class UsedOperation(NamedTuple):
    """When an integration made its first and its last 2.5 call, over all time."""

    first: datetime
    last: datetime


class Met(NamedTuple):
    """Open findings of an operation that were last seen at the same time. `kinds` are codes and severities, one
    for each finding: see `BETWEEN`."""

    integration: str
    operation: str
    kinds: str
    last_seen: datetime


class Placed(NamedTuple):
    """The rung of a scope: an operation, `Service.*` or `*`; since when, where that is known."""

    integration: str
    operation: str
    rung: str
    at: datetime | None


async def uses(connection: AsyncConnection, window: Window, integration: str | None) -> list[Use]:
    read = (await connection.execute(sums_of_uses(window.condition(integration)))).all()
    return [
        Use(name, side, operation, calls, faults, days, utc(first), utc(last))
        for name, side, operation, calls, faults, days, first, last in read
    ]


async def day_counts(connection: AsyncConnection, window: Window, integration: str | None) -> list[DayCount]:
    sums = (await connection.execute(sums_of_days(window.condition(integration)))).all()
    return [DayCount(*each) for each in sums]


async def met(
    connection: AsyncConnection,
    window: Window,
    now: datetime,
    integration: str | None,
    climbing: Collection[str] = (),
) -> tuple[Sequence[Any], list[Met]]:
    """Open findings that were seen in the window, as (integration, operation, kinds); and those of integrations
    that are `climbing`, which have a rung on the ladder. Of them each time at which some were last seen stands
    alone: it decides for each finding whether it came since the rung was set."""
    row = FINDINGS.c
    which = _of(row.integration, sa.and_(still_open(now), row.last_seen >= window.start), integration)
    key = (row.integration, row.operation)
    joined = sa.func.aggregate_strings(row.code + BETWEEN + row.severity, AFTER)
    query = sa.select(*key, joined).where(which)
    others = query.where(row.integration.not_in(sorted(climbing))) if climbing else query
    read = (await connection.execute(others.group_by(*key))).all()
    if not climbing:
        return read, []
    apart = query.add_columns(row.last_seen).where(row.integration.in_(sorted(climbing)))
    times = (await connection.execute(apart.group_by(*key, row.last_seen))).all()
    return read, [Met(name, operation, kinds, utc(last)) for name, operation, kinds, last in times]


async def faults(connection: AsyncConnection, window: Window, integration: str | None) -> list[FaultCount]:
    """Why calls failed, by operation and reason."""
    row = FAULTS.c
    today, week, before = (window.longer(days).until - timedelta(days=days - 1) for days in (1, 7, 14))
    group = (row.integration, row.operation, row.reason)
    query = (
        sa.select(
            *group,
            _within(row, today, window.until),
            _within(row, week, window.until),
            _within(row, before, week - timedelta(days=1)),
            _within(row, window.since, window.until),
        )
        .where(_of(row.integration, row.day >= min(before, window.since).isoformat(), integration))
        .group_by(*group)
    )
    return [FaultCount(*each) for each in (await connection.execute(query)).all()]


def _within(row: Any, since: date, until: date) -> sa.Cast[int]:
    inside = row.day.between(since.isoformat(), until.isoformat())
    return total(sa.case((inside, row.calls), else_=0))


async def logins(
    connection: AsyncConnection, integration: str | None, start: int, most: int, text: str = ""
) -> LoginPage:
    """Refused logins, those that came last first; `text` is a part of what is shown of them."""
    row = REFUSED_LOGINS.c
    which = _of(row.integration, sa.true(), integration)
    if text:
        shown = (row.integration, row.why, row.login, row.digest, row.address, row.agent)
        which = sa.and_(which, sa.or_(*(each.icontains(text, autoescape=True) for each in shown)))
    counts = sa.select(sa.func.count(), sa.cast(sa.func.coalesce(sa.func.sum(row.calls), 0), sa.BigInteger))
    total, calls = (await connection.execute(counts.where(which))).one()
    query = sa.select(REFUSED_LOGINS).where(which).order_by(row.last_seen.desc(), row.digest, row.address)
    read = (await connection.execute(query.offset(start).limit(most))).mappings().all()
    return LoginPage(tuple(map(_login, read)), total, calls)


def _login(row: sa.RowMapping) -> LoginRow:
    plain: dict[str, Any] = dict(row)
    return LoginRow(**plain | {name: utc(plain[name]) for name in ("first_seen", "last_seen")})


async def placed(connection: AsyncConnection, integration: str | None) -> list[Placed]:
    row = PORTING.c
    query = sa.select(row.integration, row.operation, row.rung, row.at)
    read = (await connection.execute(query.where(_of(row.integration, sa.true(), integration)))).all()
    return [Placed(*each[:3], utc(each[3])) for each in read]


async def called(connection: AsyncConnection, integration: str | None) -> dict[str, UsedOperation]:
    """When each integration made its first and its last 2.5 call, over all time."""
    row = CALLERS.c
    query = sa.select(row.integration, sa.func.min(row.first_seen), sa.func.max(row.last_seen))
    query = query.where(_of(row.integration, sa.true(), integration)).group_by(row.integration)
    return {name: UsedOperation(utc(first), utc(last)) for name, first, last in await connection.execute(query)}


async def notes(connection: AsyncConnection, integration: str | None) -> dict[str, Note]:
    """Notes on integrations from the review page."""
    row = INTEGRATION_NOTES.c
    query = sa.select(row.integration, row.text, row.who, row.at)
    read = await connection.execute(query.where(_of(row.integration, sa.true(), integration)))
    return {name: Note(text, who, utc(at)) for name, text, who, at in read}


async def callers(connection: AsyncConnection, integration: str) -> tuple[list[CallerRow], int]:
    """Those that called last, at most `_MOST_CALLERS`, and how many more there are."""
    row = CALLERS.c
    query = (
        sa.select(row.agent, row.toolkit, row.version, row.address, row.calls, row.last_seen)
        .where(row.integration == integration)
        .order_by(row.last_seen.desc(), row.agent, row.address)
        .limit(_MOST_CALLERS)
    )
    read = (await connection.execute(query)).all()
    listed = [CallerRow(*each[:5], utc(each[5])) for each in read]
    if len(listed) < _MOST_CALLERS:
        return listed, 0
    everybody = sa.select(sa.func.count()).select_from(CALLERS).where(row.integration == integration)
    return listed, (await connection.execute(everybody)).scalar_one() - len(listed)


async def planned(connection: AsyncConnection, now: datetime, integration: str) -> list[ShownBrownout]:
    """Brownouts of the integration that are under way or to come, and were not called off."""
    row = BROWNOUTS.c
    query = (
        sa.select(row.operation, row.starts_at, row.ends_at, row.text, row.link)
        .where(row.integration.in_((integration, "*")), row.ends_at > now, row.stopped_at.is_(None))
        .order_by(row.starts_at, row.operation)
    )
    read = (await connection.execute(query)).all()
    return [ShownBrownout(name, utc(start), utc(end), text, link) for name, start, end, text, link in read]


async def last_used(
    connection: AsyncConnection, since: datetime, integrations: Iterable[str], operations: Iterable[str]
) -> dict[tuple[str, str], datetime]:
    """The last call by (integration, full name of either side) of those that were called since a time."""
    row = USAGE.c
    query = (
        sa.select(row.integration, row.operation, sa.func.max(row.last_seen))
        .where(row.day >= since.astimezone(UTC).date().isoformat())
        .where(row.integration.in_(sorted(set(integrations))))
        .where(row.operation.in_(sorted(set(operations))))
        .group_by(row.integration, row.operation)
    )
    read = (await connection.execute(query)).all()
    return {(name, operation): utc(seen) for name, operation, seen in read}


def _of(
    column: sa.Column[str], which: sa.ColumnElement[bool], integration: str | None
) -> sa.ColumnElement[bool]:
    return which if integration is None else sa.and_(which, column == integration)
