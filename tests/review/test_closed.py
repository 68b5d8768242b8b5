"""Days that are over are added up once, and every page shows the same as without."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from shim.edge.deprecation.batch import Batch
from shim.edge.deprecation.closed import DAYS, SPANS, add_up, mark
from shim.edge.deprecation.rollup import roll_up
from shim.edge.deprecation.tables import CLOSED_SUMS
from shim.edge.deprecation.writer import reopen_days, write
from shim.edge.store.database import Store
from shim.review.page.forms import WINDOWS
from shim.review.reading import closed_days, queries
from shim.review.reading.model import Overview
from shim.review.reading.rows import Window, day_counts, uses
from tests.review.world import NOW, config, world
from tests.support.conversation import catalogue

pytest_plugins = ["tests.support.postgres"]

NAMES = ("crm", "ledger", "portal", "switchboard", "(unknown)", "fax-gateway")
OPERATIONS = tuple(catalogue().translations)[:12]
NEW = tuple(catalogue().new.operations)[:6]


@pytest.fixture
async def store(empty: Store) -> Store:
    """A store with the world in it, at its time."""
    await world().fill(empty)
    empty._clock = lambda: NOW
    return empty


async def seen(store: Store, days: int = 30, later: timedelta = timedelta(0)) -> Overview:
    return await queries.Review(store, catalogue(), config()).overview(NOW + later, days)


async def reopened(store: Store) -> None:
    """Nothing is added up any more."""
    async with store.writing() as connection:
        await connection.execute(sa.delete(CLOSED_SUMS))
        await reopen_days(connection)


async def until(store: Store) -> str:
    return (await store.read(mark)).until


def batch(days_ago: Iterable[int], integration: str = "crm") -> Batch:
    made = Batch()
    for ago in days_ago:
        at = NOW - timedelta(days=ago)
        made.use((integration, "old", OPERATIONS[0]), True, at, at.date().isoformat())
    return made


def generated(random: random.Random) -> Batch:
    """Calls of both sides on some of a hundred days, at any time of the day."""
    made = Batch()
    for name in NAMES:
        for side, operations in (("old", OPERATIONS), ("new", NEW)):
            for operation in random.sample(operations, random.randint(0, len(operations))):
                for ago in random.sample(range(100), random.randint(1, 40)):
                    at = (NOW - timedelta(days=ago)).replace(hour=random.randint(0, 11), microsecond=ago)
                    made.use((name, side, operation), random.random() < 0.3, at, at.date().isoformat())  # type: ignore[arg-type]
    return made


def test_the_spans_are_those_of_the_page() -> None:
    assert SPANS == WINDOWS


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_same_is_shown_with_and_without(store: Store, seed: int) -> None:
    await write(store, generated(random.Random(seed)))
    straight = {days: await seen(store, days) for days in (1, 7, 29, 30, 90)}
    assert await add_up(store) > len(SPANS)
    assert {days: await seen(store, days) for days in straight} == straight
    assert any(each.operations[0].calls for each in straight[30].integrations if each.operations)


async def test_the_sums_are_those_of_the_days(store: Store) -> None:
    await write(store, generated(random.Random(3)))
    await add_up(store)
    async with store.reading() as connection:
        for days in SPANS:
            window = Window.of(NOW, days)
            by_sums = await closed_days._kept(connection, window)
            assert by_sums is not None
            assert sorted(by_sums[0]) == sorted(await uses(connection, window, None))
            assert sorted(by_sums[1]) == sorted(await day_counts(connection, window.longer(DAYS), None))


async def test_what_comes_today_is_shown_at_once_and_the_sums_hold(store: Store) -> None:
    await add_up(store)
    before = await seen(store)
    await write(store, batch([0, 0], "fax-gateway"))
    after = await seen(store)
    assert after.days[-1].old == before.days[-1].old + 2
    assert await until(store) == (NOW - timedelta(days=1)).date().isoformat()
    await reopened(store)
    assert await seen(store) == after


async def test_what_comes_late_is_shown_at_once_and_the_days_are_added_up_anew(store: Store) -> None:
    await add_up(store)
    before = await seen(store)
    await write(store, batch([0, 5]))
    late = await seen(store)
    assert [await until(store), late.days[-6].old] == ["", before.days[-6].old + 1]
    assert await add_up(store) > 0
    assert await seen(store) == late


async def test_rolling_up_shows_no_other_sums(store: Store) -> None:
    await write(store, batch(range(60)))
    await add_up(store)
    assert await roll_up(store, 10) > 0
    assert await until(store) == ""
    rolled_up = await seen(store, 90)
    await add_up(store)
    assert await seen(store, 90) == rolled_up


async def test_they_are_added_up_once_a_day(store: Store) -> None:
    assert await add_up(store) > 0
    assert await add_up(store) == 0
    later = timedelta(days=1)
    straight = await seen(store, later=later)
    store._clock = lambda: NOW + later
    assert await add_up(store) > 0
    assert await seen(store, later=later) == straight


async def test_the_first_minutes_of_a_day_are_not_over(store: Store) -> None:
    midnight = NOW.replace(hour=0, minute=0)
    for minutes, ago in ((4, 2), (5, 1)):
        store._clock = lambda minutes=minutes: midnight + timedelta(minutes=minutes)  # type: ignore[misc]
        await add_up(store)
        assert await until(store) == (NOW - timedelta(days=ago)).date().isoformat()


async def test_sums_that_were_overtaken_are_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read = store.read

    async def late(work: Any) -> Any:
        found = await read(work)
        await write(store, batch([5]))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(store, "read", late)
        assert await add_up(store) == 0
    assert await until(store) == ""
    straight = await seen(store)
    assert await add_up(store) > 0
    assert await seen(store) == straight
