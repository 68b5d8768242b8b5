from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shim.edge.store.database import Store
from tests.journal.fixture import JournalFixture


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}")
    yield store
    await store.close()


@pytest.fixture
def fixture(store: Store) -> JournalFixture:
    return JournalFixture(store)
