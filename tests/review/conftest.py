from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shim.edge.store.database import Store
from tests.review.world import world


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        made: str = request.getfixturevalue("postgres")()
        return made
    return f"sqlite:///{tmp_path}/shim.db"


@pytest.fixture
async def empty(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
async def store(empty: Store) -> Store:
    """A store with the world in it."""
    await world().fill(empty)
    return empty
