"""Closed days: the use of days that are over, added up once a day and kept in the store.

600,000 rows of days, a month of 200 busy integrations, take a database a second to add up. Their 20,000 sums
are read in a moment, as one row for each integration. Today is not in them: its rows are read as they stand.

Laws: the sums are exactly those of the days, or say that they do not hold (`CLOSED.until`). Whoever changes
days that are over says so in the same transaction (`writer.reopen_days`): what comes late from a spool, and
what is rolled up. Nobody has to wait for the sums: while they do not hold, the days are read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from shim.edge.deprecation.tables import CLOSED, CLOSED_SUMS, USAGE
from shim.edge.deprecation.writer import BUSY
from shim.edge.store.database import Store, utc

SPANS = (7, 30, 90)
"""Days that the review page looks back, today among them: those of each but today are added up."""
DAYS = 29
"""Days that are counted one by one however short a span is: four weeks and today, for rates and trends."""
_AFTER_MIDNIGHT = timedelta(minutes=5)
"""How long a day waits before it is added up: the clocks of replicas differ."""
_DAY = timedelta(days=1)


class Mark(NamedTuple):
    """The last day that is in the sums, and how often something about them was changed."""

    until: str
    changes: int


def mark(connection: sa.Connection) -> Mark:
    """Read before the sums and after them: if it is the same, they belong together."""
    return Mark(*connection.execute(_MARK).one())


async def add_up(store: Store) -> int:
    """Add up the days that are over, if that is still to be done; how many rows of sums there are then. Raises
    StoreError.

    Replicas may do it at the same time: the first one's sums are kept.
    """
    until = (store.now().astimezone(UTC) - _AFTER_MIDNIGHT).date() - _DAY

    def added_up(connection: sa.Connection) -> tuple[Mark, list[dict[str, Any]]]:
        before = mark(connection)
        if before.until == until.isoformat():
            return before, []
        return before, [row for span in SPANS for row in _sums(connection, until, span)]

    before, rows = await store.read(added_up)
    if before.until == until.isoformat():
        return 0

    def keep(connection: sa.Connection) -> int:
        if Mark(*connection.execute(_MARK.with_for_update()).one()) != before:
            return 0
        connection.execute(sa.delete(CLOSED_SUMS))
        if rows:
            connection.execute(sa.insert(CLOSED_SUMS), rows)
        held = {"until": until.isoformat(), "changes": before.changes + 1}
        connection.execute(sa.update(CLOSED).values(held))
        return len(rows)

    return await store.write(keep, BUSY)


_MARK = sa.select(CLOSED.c.until, CLOSED.c.changes)


def _sums(connection: sa.Connection, until: date, span: int) -> Iterator[dict[str, Any]]:
    """The rows of one span. Times leave with their zone."""
    uses: defaultdict[str, list[Any]] = defaultdict(list)
    days: defaultdict[str, list[Any]] = defaultdict(list)
    whole = within(until - timedelta(days=span - 2), until)
    for name, *use, first, last in connection.execute(sums_of_uses(whole)):
        uses[name].append([*use, utc(first).isoformat(), utc(last).isoformat()])
    for name, *count in connection.execute(
        sums_of_days(within(until - timedelta(days=max(span, DAYS) - 2), until))
    ):
        days[name].append(count)
    for name in sorted({*uses, *days}):
        yield {
            "span": span,
            "integration": name,
            "uses": json.dumps(uses[name]),
            "days": json.dumps(days[name]),
        }


def sums_of_uses(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The use of each operation by each integration, of the rows that are meant."""
    row = USAGE.c
    key = (row.integration, row.side, row.operation)
    seen = (sa.func.count(), sa.func.min(row.first_seen), sa.func.max(row.last_seen))
    return sa.select(*key, total(row.calls), total(row.faults), *seen).where(which).group_by(*key)


def sums_of_days(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The use of each day by each integration, of the rows that are meant."""
    row = USAGE.c
    query = sa.select(row.integration, row.side, row.day, total(row.calls), total(row.faults))
    return query.where(which).group_by(row.day, row.integration, row.side)  # in the order of the key


def within(since: date, until: date) -> sa.ColumnElement[bool]:
    """Rows of `usage` of these days, both included."""
    return USAGE.c.day.between(since.isoformat(), until.isoformat())


def total(column: sa.ColumnElement[int]) -> sa.Cast[int]:
    return sa.cast(sa.func.sum(column), sa.BigInteger)  # PostgreSQL adds up to a decimal
