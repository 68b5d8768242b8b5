"""Whose a v3 token is: in memory, in the store for other replicas, and never longer than it lives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from shim.core.errors import StoreUnavailable
from shim.edge.deprecation.tables import V3_TOKENS
from shim.edge.native.token_owners import UNKNOWN, TokenOwners
from shim.edge.store.database import Store

pytest_plugins = ["tests.support.postgres"]


class Clock:
    now = datetime(2026, 2, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")()
    else:
        url = f"sqlite:///{tmp_path}/shim.db"
    store = await Store.open(url)
    store._clock = clock
    yield store
    await store.close()


async def digests(store: Store) -> dict[str, str]:
    async with store.reading() as connection:
        return {row.digest: row.integration for row in await connection.execute(sa.select(V3_TOKENS))}


async def test_another_replica_knows_the_token_until_it_ends(store: Store, clock: Clock) -> None:
    here, there = TokenOwners(store), TokenOwners(store)
    await here.remember("t-1", "crm", 100)
    assert here.known("t-1") == "crm"
    assert there.known("t-1") is None
    assert await there.owner("t-1") == there.known("t-1") == "crm"
    clock.passes(99)
    assert there.known("t-1") == "crm"
    clock.passes(1)
    assert (here.known("t-1"), there.known("t-1")) == (None, None)
    assert await there.owner("t-1") == UNKNOWN


async def test_of_a_token_only_its_digest_is_stored_and_the_dead_are_swept(store: Store, clock: Clock) -> None:
    owners = TokenOwners(store)
    await owners.remember("t-1", "crm", 100)
    await owners.remember("t-1", "billing", 200)
    [(digest, integration)] = (await digests(store)).items()
    assert (len(digest), integration) == (64, "billing")
    clock.passes(201)
    await owners.remember("t-2", "crm", 1e300)
    assert list((await digests(store)).values()) == ["crm"]
    assert digest not in await digests(store)
    clock.passes(8 * 86_400)
    assert await owners.owner("t-2") == UNKNOWN


async def test_a_strange_token_is_looked_up_again_after_a_while_only(store: Store, clock: Clock) -> None:
    owners = TokenOwners(store)
    assert await owners.owner("t-1") == UNKNOWN
    await TokenOwners(store).remember("t-1", "crm", 1000)
    assert await owners.owner("t-1") == UNKNOWN
    clock.passes(31)
    assert owners.known("t-1") is None
    assert await owners.owner("t-1") == "crm"


async def test_a_store_that_is_down_fails_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = TokenOwners(store)

    def down() -> Any:
        raise StoreUnavailable("store-unavailable", "down")

    monkeypatch.setattr(store, "writing", down)
    monkeypatch.setattr(store, "reading", down)
    with capture_logs() as logs:
        await owners.remember("secret-token", "crm", 100)
        assert await owners.owner("secret-token") == "crm"
        assert await owners.owner("other") == UNKNOWN
    assert [each["problem"] for each in logs] == ["store-unavailable"] * 2
    assert "secret-token" not in str(logs)
