"""Days that are over are added up once, and the answers stay the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from shim.edge.deprecation.tables import USAGE
from shim.edge.store.database import Store
from shim.review.reading import queries
from shim.review.reading.closed_days import ClosedDays
from shim.review.reading.model import Overview
from tests.review.world import NOW, config
from tests.support.conversation import catalogue

pytest_plugins = ["tests.support.postgres"]


async def seen(
    store: Store, closed: ClosedDays | None, days: int = 30, later: timedelta = timedelta(0)
) -> Overview:
    return await queries.Review(store, catalogue(), config(), closed).overview(NOW + later, days)


async def twice_the_calls(store: Store, *days_ago: int) -> None:
    days = [(NOW - timedelta(days=each)).date().isoformat() for each in days_ago]
    async with store.writing() as connection:
        await connection.execute(sa.update(USAGE).where(USAGE.c.day.in_(days)).values(calls=USAGE.c.calls * 2))


@pytest.mark.parametrize("days", [1, 2, 3, 5, 30])
async def test_the_same_answers_the_first_time_and_the_second(store: Store, days: int) -> None:
    closed = ClosedDays()
    straight = await seen(store, None, days)
    assert await seen(store, closed, days) == straight
    assert await seen(store, closed, days) == straight


async def test_today_and_yesterday_are_read_each_time(store: Store) -> None:
    closed = ClosedDays()
    await seen(store, closed)
    await twice_the_calls(store, 0, 1)
    assert await seen(store, closed) == await seen(store, None)


async def test_days_that_are_over_are_read_again_after_an_hour(store: Store) -> None:
    closed = ClosedDays()
    before = await seen(store, closed)
    await twice_the_calls(store, 5)
    assert await seen(store, closed, later=timedelta(minutes=59)) == before
    later = timedelta(minutes=60)
    assert await seen(store, closed, later=later) == await seen(store, None, later=later) != before


async def test_the_next_day_has_its_own_window(store: Store) -> None:
    closed, day = ClosedDays(), timedelta(days=1)
    await seen(store, closed)
    assert await seen(store, closed, later=day) == await seen(store, None, later=day)


async def test_only_so_many_windows_are_remembered(store: Store) -> None:
    closed = ClosedDays()
    for days in range(5, 15):
        await seen(store, closed, days)
    assert len(closed._kept) == 4
