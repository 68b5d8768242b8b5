"""What is done in a transaction as a function: kept as a whole, and in turn."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from shim.core.errors import StoreError
from shim.edge.store.audit import AUDIT
from shim.edge.store.database import Store, is_busy

pytest_plugins = ["tests.support.postgres"]

WHO = ContextVar("who", default="nobody")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shim.db"


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
async def store(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Store]:
    urls = {"sqlite": f"sqlite+aiosqlite:///{path}", "memory": "sqlite+aiosqlite:///:memory:"}
    url: str | None = urls.get(request.param)
    store = await Store.open(url or request.getfixturevalue("postgres")())
    yield store
    await store.close()


@pytest.fixture
async def in_file(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{path}", busy_timeout=5)
    yield store
    await store.close()


def note(connection: sa.Connection, text: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    connection.execute(sa.insert(AUDIT).values(at=at, who="tests", action=text, subject="", detail=""))


def noted(connection: sa.Connection) -> list[str]:
    return list(connection.execute(sa.select(AUDIT.c.action).order_by(AUDIT.c.id)).scalars())


async def test_what_a_function_wrote_is_there_and_what_it_returned_is_given(store: Store) -> None:
    def write(connection: sa.Connection) -> int:
        note(connection, "one")
        note(connection, "two")
        return 2

    assert await store.write(write) == 2
    assert await store.read(noted) == ["one", "two"]


async def test_a_function_that_raises_leaves_nothing(store: Store) -> None:
    def write(connection: sa.Connection) -> None:
        note(connection, "one")
        raise LookupError("its own")

    with pytest.raises(LookupError, match="its own"):
        await store.write(write)
    assert await store.read(noted) == []


async def test_what_the_database_refuses_is_told_without_values(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        await store.write(lambda connection: connection.exec_driver_sql("SELECT canary FROM nowhere"))
    assert caught.value.reason == "store-unavailable"
    assert "canary" not in caught.value.text
    await store.write(partial(note, text="after"))
    assert await store.read(noted) == ["after"]


async def test_many_at_once_all_get_through(store: Store) -> None:
    texts = [str(number) for number in range(20)]
    await asyncio.gather(*(store.write(partial(note, text=text)) for text in texts))
    assert sorted(await store.read(noted)) == sorted(texts)


async def test_a_function_knows_for_whom_it_is_done(store: Store) -> None:
    WHO.set("this call")
    assert await store.write(lambda _: WHO.get()) == "this call"
    assert await store.read(lambda _: WHO.get()) == "this call"


async def test_every_connection_is_set_up_for_writes_that_hold(in_file: Store) -> None:
    def pragma(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    assert await in_file.write(pragma) == ["wal", 2, 5000, 1]
    assert await in_file.read(pragma) == ["wal", 2, 5000, 1]
    assert await in_file.write(pragma, 0.25) == ["wal", 2, 250, 1]
    assert await in_file.write(pragma) == ["wal", 2, 5000, 1]


async def test_the_turn_of_a_write_that_was_cancelled_ends_when_its_thread_ends(in_file: Store) -> None:
    began, may_end = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        note(connection, "slow")
        began.set()
        may_end.wait()

    try:
        first = asyncio.create_task(in_file.write(slow))
        await asyncio.to_thread(began.wait)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(StoreError) as caught:
            await in_file.within(0.05).write(partial(note, text="hasty"))
        assert is_busy(caught.value)
        second = asyncio.create_task(in_file.write(partial(note, text="second")))
        assert await in_file.read(noted) == [], "nobody waits to read"
    finally:
        may_end.set()
    await second
    assert await in_file.read(noted) == ["slow", "second"]


async def test_both_ways_to_write_take_turns(in_file: Store) -> None:
    async with in_file.writing() as connection:
        await connection.run_sync(note, "first")
        second = asyncio.create_task(in_file.write(partial(note, text="second")))
        await asyncio.sleep(0)
        assert not second.done()
    await second
    assert await in_file.read(noted) == ["first", "second"]


async def test_another_program_that_writes_is_waited_for_as_long_as_was_said(
    in_file: Store, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            await in_file.write(partial(note, text="hasty"), 0.01)
        assert is_busy(caught.value)
        assert await in_file.read(noted) == []
    finally:
        other.close()
    await in_file.write(partial(note, text="after"))
    assert await in_file.read(noted) == ["after"]


async def test_a_file_that_is_not_there_any_more_takes_nothing(in_file: Store, path: Path) -> None:
    os.rename(path, path.with_suffix(".old"))
    with pytest.raises(StoreError, match="deleted or replaced"):
        await in_file.write(partial(note, text="lost"))
