"""Days that are over, added up once: for a page that is asked again and again.

Adding up 90 days of 200 busy integrations takes a database seconds; what came since yesterday takes it a
moment. Days before yesterday hardly ever change; for what a shim spooled while it could not reach the store,
they are added up anew after a while.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from shim.review.reading import rows
from shim.review.reading.rows import DayCount, Use, Window

_OPEN = timedelta(days=2)
"""Today and yesterday."""
_MOST = 4
"""Windows that are remembered."""
_AGE = timedelta(hours=1)
DAYS = 29
"""Whole days whose counts are read however short the window is: four weeks and today, for rates and trends."""

Read = tuple[list[Use], list[DayCount]]


class ClosedDays:
    """Remembers what was read of days that are over. One for each store, kept by whoever asks often."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[date, date], tuple[datetime, Read]] = OrderedDict()

    async def read(self, connection: AsyncConnection, window: Window, now: datetime) -> Read:
        """All uses of the window, and day counts of it or of `DAYS`, of all integrations."""
        last = window.until - _OPEN
        if last < window.since:
            return await read(connection, window, days=DAYS)
        closed = await self._closed(connection, Window(window.since, last), now)
        uses, days = await read(connection, Window(last + timedelta(days=1), window.until))
        return _joined(closed[0], uses), [*closed[1], *days]

    async def _closed(self, connection: AsyncConnection, window: Window, now: datetime) -> Read:
        key = (window.since, window.until)
        read_at, content = self._kept.get(key, (now, None))
        if content is not None and now - read_at < _AGE:
            return content
        content = await read(connection, window, days=DAYS - _OPEN.days)
        self._kept[key] = now, content
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return content


async def read(
    connection: AsyncConnection, window: Window, integration: str | None = None, days: int = 1
) -> Read:
    """The same straight from the database, of all integrations or of one; counts of so many days at least."""
    uses = await rows.uses(connection, window, integration)
    return uses, await rows.day_counts(connection, window.longer(days), integration)


def _joined(first: Iterable[Use], second: Iterable[Use]) -> list[Use]:
    joined = {each[:3]: each for each in first}
    for each in second:
        before = joined.get(each[:3])
        joined[each[:3]] = each if before is None else _sum(before, each)
    return list(joined.values())


def _sum(before: Use, after: Use) -> Use:
    return before._replace(
        calls=before.calls + after.calls,
        faults=before.faults + after.faults,
        days=before.days + after.days,
        first_seen=min(before.first_seen, after.first_seen),
        last_seen=max(before.last_seen, after.last_seen),
    )
