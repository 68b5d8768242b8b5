"""The use of a window of days: the sums of days that are over, where the store keeps them, and today.

Where they are not kept (another length than those of the review page, the first minutes of a day, rows that
came late), all days are added up here. The result is the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.edge.deprecation.closed import DAYS, SPANS, mark
from shim.edge.deprecation.tables import CLOSED_SUMS, USAGE
from shim.edge.store.database import utc
from shim.review.reading.rows import DayCount, Use, Window, day_counts, uses

Read = tuple[list[Use], list[DayCount]]


async def read(connection: AsyncConnection, window: Window, integration: str | None = None) -> Read:
    """Uses of the window, and counts of its days or of `DAYS`, of all integrations or of one."""
    kept = await _kept(connection, window) if integration is None and len(window) in SPANS else None
    if kept is not None:
        return kept
    used = await uses(connection, window, integration)
    return used, await day_counts(connection, window.longer(DAYS), integration)


async def _kept(connection: AsyncConnection, window: Window) -> Read | None:
    """By the sums that are kept; None when they do not hold."""
    before = await connection.run_sync(mark)
    if before.until != (window.until - timedelta(days=1)).isoformat():
        return None
    row = CLOSED_SUMS.c
    query = sa.select(row.integration, row.uses, row.days).where(row.span == len(window))
    sums = (await connection.execute(query)).all()
    today = await _today(connection, window.until)
    counts = [DayCount(name, *each) for name, _, days in sums for each in json.loads(days)]
    counts += _counts(today, window.until)
    used = _with_today(sums, {(each[0], each[1], each[2]): each for each in today})
    return (used, counts) if await connection.run_sync(mark) == before else None


async def _today(connection: AsyncConnection, today: date) -> Sequence[Any]:
    """(integration, side, operation, calls, faults, first seen, last seen)."""
    row = USAGE.c
    columns = (row.integration, row.side, row.operation, row.calls, row.faults, row.first_seen, row.last_seen)
    query = sa.select(*columns).where(row.day == today.isoformat())
    return (await connection.execute(query)).all()


def _counts(rows: Iterable[Any], today: date) -> list[DayCount]:
    calls: defaultdict[tuple[str, str], int] = defaultdict(int)
    faults: defaultdict[tuple[str, str], int] = defaultdict(int)
    for name, side, _, called, failed, _, _ in rows:
        calls[name, side] += called
        faults[name, side] += failed
    return [DayCount(*key, today.isoformat(), count, faults[key]) for key, count in calls.items()]


def _with_today(sums: Iterable[Any], today: dict[tuple[str, str, str], Any]) -> list[Use]:
    """Both added up. What is of today comes after what is of the days before."""
    moment, used = datetime.fromisoformat, []
    for name, closed, _ in sums:
        for side, operation, calls, faults, days, first, last in json.loads(closed):
            more = today.pop((name, side, operation), None)
            if more is None:
                use = Use(name, side, operation, calls, faults, days, moment(first), moment(last))
            else:
                _, _, _, called, failed, _, now = more
                all_of_them = (calls + called, faults + failed, days + 1)
                use = Use(name, side, operation, *all_of_them, moment(first), utc(now))
            used.append(use)
    for name, side, operation, calls, faults, first, last in today.values():
        used.append(Use(name, side, operation, calls, faults, 1, utc(first), utc(last)))
    return used
