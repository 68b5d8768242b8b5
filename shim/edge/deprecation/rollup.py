"""Rolling up: days that are long over become months, so that a store does not grow for ever.

Laws: no sum changes, and neither does when something was first or last seen; a row is in its day or in its
month, never in both or neither. A month stands in the row of its first day, as any other day does: whoever
reads or writes days, a release before this one too, has nothing to learn. Only whole months are rolled up. What
comes late for one of them, from a spool, is rolled up the next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.edge.deprecation.tables import FAULTS, FINDING_DAYS, USAGE
from shim.edge.deprecation.writer import BUSY, reopen_days
from shim.edge.store.database import Store
from shim.edge.store.inserts import insert

_TABLES = (USAGE, FAULTS, FINDING_DAYS)
"""Those with a row for each day."""
_AT_ONCE = 500
"""Rows that a transaction moves, so that nobody waits for it."""
_LOCK = 25_301
_COUNTS = ("calls", "faults", "count")


def horizon(now: datetime, days: int) -> str:
    """The first day of the month that is not to be rolled up any more, as a `day` of the tables."""
    return (now.astimezone(UTC) - timedelta(days=days)).date().replace(day=1).isoformat()


async def roll_up(store: Store, days: int) -> int:
    """Roll up what is older than so many days; how many rows went into others. Raises StoreError.

    Replicas may do it at the same time: one does, the others leave it to that one.
    """
    moved = 0
    for table in _TABLES:
        while rows := await _some(store, table, horizon(store.now(), days)):
            moved += rows
            await asyncio.sleep(0)
    return moved


async def _some(store: Store, table: sa.Table, before: str) -> int:
    async with store.reading() as connection:
        if not await _keys(connection, table, before):
            return 0
    async with store.writing(BUSY) as connection:
        if connection.dialect.name == "postgresql":
            mine = await connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK)))
            if not mine.scalar_one():
                return 0
        keys = await _keys(connection, table, before)
        if keys:
            await reopen_days(connection)
            gone = sa.delete(table).where(sa.tuple_(*table.primary_key.columns).in_(keys)).returning(*table.c)
            rows = (await connection.execute(gone)).mappings().all()
            await _add(connection, table, by_month(table, rows))
    return len(keys)


async def _keys(connection: AsyncConnection, table: sa.Table, before: str) -> list[tuple[Any, ...]]:
    """The keys of some rows that are to be rolled up."""
    columns = table.primary_key.columns
    old = sa.and_(table.c.day < before, table.c.day.not_like("%-01"))
    query = sa.select(*columns).where(old).order_by(*columns).limit(_AT_ONCE)
    return [tuple(row) for row in (await connection.execute(query)).all()]


def by_month(table: sa.Table, rows: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Rows of days as rows of the first days of their months, added up, in the order of their keys."""
    names = [column.name for column in table.primary_key.columns]
    months: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in rows:
        row = dict(each) | {"day": f"{each['day'][:7]}-01"}
        key = tuple(row[name] for name in names)
        before = months.get(key)
        months[key] = row if before is None else _sum(before, row)
    return [months[key] for key in sorted(months)]


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(one) | {name: one[name] + other[name] for name in _COUNTS if name in one}
    if "first_seen" in one:
        both["first_seen"] = min(one["first_seen"], other["first_seen"])
        both["last_seen"] = max(one["last_seen"], other["last_seen"])
    return both


async def _add(connection: AsyncConnection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    upsert, was = insert(connection.dialect.name, table), table.c
    fresh: dict[str, Any] = {name: was[name] + upsert.excluded[name] for name in _COUNTS if name in was}
    if "first_seen" in was:
        first, last = upsert.excluded.first_seen, upsert.excluded.last_seen
        fresh["first_seen"] = sa.case((first < was.first_seen, first), else_=was.first_seen)
        fresh["last_seen"] = sa.case((last > was.last_seen, last), else_=was.last_seen)
    keys = [column.name for column in table.primary_key.columns]
    await connection.execute(upsert.on_conflict_do_update(index_elements=keys, set_=fresh), rows)
