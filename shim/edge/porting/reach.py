"""Whom a brownout would have hit: who made the calls that it refuses, in the days before.

The deprecation log keeps use by whole UTC days, so that a window of some hours can only be estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.admit import ALL, covers
from shim.edge.deprecation.tables import CALLERS, USAGE
from shim.edge.store.database import Store, utc


@dataclass(frozen=True, slots=True)
class Hit:
    """An operation that was called in the days looked at; `days` counts those with calls."""

    integration: str
    operation: str
    days: int
    calls: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Program:
    """Who calls for an integration that would be hit; `calls` are all of its calls, not only of these days."""

    integration: str
    agent: str
    address: str
    calls: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a brownout would have hit on the days from `since` to `until`. Use is kept by whole days."""

    since: date
    until: date
    hits: tuple[Hit, ...]
    programs: tuple[Program, ...]

    def expected(self, hit: Hit, length: timedelta) -> float:
        """Calls in a window of that length, if they came evenly over all hours of all days."""
        days = (self.until - self.since).days + 1
        return hit.calls / days * (length / timedelta(days=1))


async def reach(store: Store, integration: str, operation: str, days: int) -> Reach:
    """Who called what a brownout of this scope would refuse, in the last days, today included."""
    today = store.now().date()
    async with store.reading() as connection:
        first = (await connection.execute(sa.select(sa.func.min(USAGE.c.day)))).scalar()
        began = date.fromisoformat(first) if first else today
        since = max(today - timedelta(days=days - 1), began)
        hits = await _hits(connection, integration, operation, since)
        programs = await _programs(connection, {each.integration for each in hits}, since)
    return Reach(since, today, tuple(hits), tuple(programs))


async def _hits(connection: AsyncConnection, integration: str, operation: str, since: date) -> list[Hit]:
    used = USAGE.c
    query = (
        sa.select(
            used.integration,
            used.operation,
            sa.func.count().label("days"),
            sa.func.sum(used.calls).label("calls"),
            sa.func.max(used.last_seen).label("last_seen"),
        )
        .where(used.side == "old", used.day >= since.isoformat())
        .group_by(used.integration, used.operation)
        .order_by(sa.func.sum(used.calls).desc(), used.integration, used.operation)
    )
    if integration != ALL:
        query = query.where(used.integration == integration)
    return [
        Hit(row.integration, row.operation, row.days, int(row.calls), utc(row.last_seen))
        for row in await connection.execute(query)
        if covers(operation, row.operation)
    ]


async def _programs(connection: AsyncConnection, integrations: set[str], since: date) -> Sequence[Program]:
    seen = CALLERS.c
    began = datetime(since.year, since.month, since.day, tzinfo=UTC)
    query = (
        sa.select(
            seen.integration,
            seen.agent,
            seen.address,
            sa.func.sum(seen.calls).label("calls"),
            sa.func.max(seen.last_seen).label("last_seen"),
        )
        .where(seen.integration.in_(integrations), seen.last_seen >= began)
        .group_by(seen.integration, seen.agent, seen.address)
        .order_by(seen.integration, sa.func.sum(seen.calls).desc(), seen.agent, seen.address)
    )
    return [
        Program(row.integration, row.agent, row.address, int(row.calls), utc(row.last_seen))
        for row in await connection.execute(query)
    ]
