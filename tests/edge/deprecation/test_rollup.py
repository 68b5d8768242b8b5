"""Days that are long over become months, and no sum changes."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.edge.deprecation.batch import Batch
from shim.edge.deprecation.rollup import horizon, roll_up
from shim.edge.deprecation.tables import FINDING_DAYS, FINDINGS, USAGE
from shim.edge.deprecation.writer import write
from shim.edge.store.database import Store, utc
from tests.edge.deprecation.log_fixture import Clock, LogFixture, seen

pytest_plugins = ["tests.support.postgres"]

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
DAYS = 60
Use = tuple[int, str, str, bool]
"""Days ago, integration, operation, whether it was a fault."""
USES = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(["crm", "billing"]),
        st.sampled_from(["Client.GetClients", "Client.AddClient"]),
        st.booleans(),
    ),
    max_size=25,
)


def batch(uses: Iterable[Use]) -> Batch:
    made = Batch()
    for ago, integration, operation, fault in uses:
        at = NOW - timedelta(days=ago)
        made.use((integration, "old", operation), fault, at, at.date().isoformat())
    return made


async def rows(store: Store) -> list[sa.RowMapping]:
    async with store.reading() as connection:
        return list((await connection.execute(sa.select(USAGE))).mappings().all())


def tally(uses: Iterable[Use]) -> tuple[Counter[Any], Counter[Any], dict[Any, tuple[datetime, datetime]]]:
    """Calls and faults by integration, operation and month; when each operation was first and last seen."""
    calls: Counter[Any] = Counter()
    faults: Counter[Any] = Counter()
    when: dict[Any, tuple[datetime, datetime]] = {}
    for ago, integration, operation, fault in uses:
        at = NOW - timedelta(days=ago)
        key = integration, operation, at.strftime("%Y-%m")
        calls[key] += 1
        faults[key] += fault
        first, last = when.get(key, (at, at))
        when[key] = min(first, at), max(last, at)
    return calls, faults, when


def told(
    found: Iterable[sa.RowMapping],
) -> tuple[Counter[Any], Counter[Any], dict[Any, tuple[datetime, datetime]]]:
    """The same from the rows of the store."""
    calls: Counter[Any] = Counter()
    faults: Counter[Any] = Counter()
    when: dict[Any, tuple[datetime, datetime]] = {}
    for row in found:
        key = row["integration"], row["operation"], row["day"][:7]
        calls[key] += row["calls"]
        faults[key] += row["faults"]
        seen_at = utc(row["first_seen"]), utc(row["last_seen"])
        first, last = when.get(key, seen_at)
        when[key] = min(first, seen_at[0]), max(last, seen_at[1])
    return calls, faults, when


async def written_and_rolled_up(url: str, parts: Iterable[list[Use]]) -> list[sa.RowMapping]:
    store = await Store.open(url, clock=lambda: NOW)
    try:
        for part in parts:
            await write(store, batch(part))
            await roll_up(store, DAYS)
        return await rows(store)
    finally:
        await store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=st.lists(USES, min_size=1, max_size=4))
def test_what_is_rolled_up_is_what_was_counted(parts: list[list[Use]]) -> None:
    """However it came, between which roll-ups, also late for a month that was rolled up already."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(written_and_rolled_up(f"sqlite:///{Path(folder) / 's.db'}", parts))
    assert told(found) == tally(use for part in parts for use in part)
    before = horizon(NOW, DAYS)
    assert all(row["day"] >= before or row["day"].endswith("-01") for row in found)


def test_only_whole_months_are_rolled_up() -> None:
    """60 days before 15 November is the 16th of September: August and what is before may go."""
    assert horizon(NOW, DAYS) == "2026-09-01"


async def test_recent_days_stay_days(tmp_path: Path) -> None:
    uses: list[Use] = [(ago, "crm", "Client.GetClients", False) for ago in range(30)]
    found = await written_and_rolled_up(f"sqlite:///{tmp_path / 's.db'}", [uses])
    assert len(found) == 30


async def test_on_postgresql_two_at_once_lose_nothing(postgres: Callable[[], str]) -> None:
    uses: list[Use] = [(ago, "crm", "Client.GetClients", ago % 7 == 0) for ago in range(400) for _ in range(3)]
    url = postgres()
    stores = [await Store.open(url, clock=lambda: NOW) for _ in range(2)]
    try:
        await write(stores[0], batch(uses))
        late = write(stores[1], batch(uses))
        await asyncio.gather(late, *(roll_up(each, DAYS) for each in stores))
        await roll_up(stores[0], DAYS)
        found = await rows(stores[0])
    finally:
        for each in stores:
            await each.close()
    assert told(found)[:2] == tally(uses * 2)[:2]


async def test_the_log_rolls_up_soon_after_its_start_findings_too(tmp_path: Path) -> None:
    clock = Clock(NOW - timedelta(days=300))
    fixture = LogFixture(f"sqlite+aiosqlite:///{tmp_path / 's.db'}", tmp_path, {"days": DAYS}, clock)
    async with fixture.process() as log:
        for _ in range(3):
            log.called(seen("Client.GetClients", "a"))
            await log.flush()
            clock.pass_(86_400)
    assert [len(await fixture.rows(table)) for table in (USAGE, FINDING_DAYS)] == [3, 3]
    clock.now, fixture.settings["flush"] = NOW, 0.01
    async with fixture.process():
        for _ in range(1000):
            usage, days = await fixture.rows(USAGE), await fixture.rows(FINDING_DAYS)
            if len(usage) == len(days) == 1:
                break
            await asyncio.sleep(0.02)
    assert [(row["day"], row["calls"]) for row in usage] == [("2026-01-01", 3)]
    assert [row["count"] for row in days] == [row["count"] for row in await fixture.rows(FINDINGS)] == [3]
