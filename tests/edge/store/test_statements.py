"""Statements whose text goes to SQLite's driver: the same is written and read as through SQLAlchemy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shim.edge.identities.change import _HAD, _rows_query
from shim.edge.identities.tables import IDENTITIES, LIVE
from shim.edge.journal.tables import BY_ID, ENTRIES, HELD, new_entry
from shim.edge.store.database import Store
from shim.edge.store.statements import Executed, execute

pytest_plugins = ["tests.support.postgres"]
AT = datetime(2026, 3, 1, 12, 30, 15, 123, UTC)


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    urls = {"sqlite": f"sqlite+aiosqlite:///{tmp_path}/shim.db", "memory": "sqlite+aiosqlite:///:memory:"}
    url: str | None = urls.get(request.param)
    store = await Store.open(url or request.getfixturevalue("postgres")())
    yield store
    await store.close()


def entry(id: str) -> dict[str, Any]:
    texts = ("integration", "operation", "policy", "state", "owner", "why")
    times = ("lease_until", "due_at", "created_at", "updated_at")
    row: dict[str, Any] = {**dict.fromkeys(texts, "running"), **dict.fromkeys(times, AT)}
    return row | {"id": id, "key": f"key of {id}", "subject": None, "answer": "é", "epoch": 1, "attempts": 0}


def identity(number: int) -> dict[str, Any]:
    ids = {
        "old_id": f"{number}",
        "extension_id": f"1{number}",
        "user_id": f"2{number}",
        "number": f"0*{number}",
    }
    return {**ids, "identifier": None, "origin": "created", "created_at": AT, "seen_at": AT}


async def test_rows_are_the_same_however_they_were_written_and_read(store: Store) -> None:
    def write(connection: sa.Connection) -> list[list[Any]]:
        query = new_entry(connection.dialect.name)
        assert execute(connection, query, entry("a")).count == 1
        connection.execute(query, entry("b"))
        return [
            [list(execute(connection, BY_ID, {"entry": id}).rows[0]) for id in "ab"],
            [list(connection.execute(BY_ID, {"entry": id}).one()) for id in "ab"],
        ]

    here, there = await store.write(write)
    assert here == there
    assert here[0][2:4] == here[1][2:4]
    assert here[0][-4:] == here[1][-4:]


async def test_times_are_written_as_sqlalchemy_writes_them(store: Store) -> None:
    def write(connection: sa.Connection) -> list[object]:
        query = new_entry(connection.dialect.name)
        execute(connection, query, entry("a"))
        connection.execute(query, entry("b"))
        return list(connection.exec_driver_sql("SELECT lease_until FROM journal_entries").scalars())

    first, second = await store.write(write)
    assert first == second


async def test_a_change_says_how_many_rows_it_changed(store: Store) -> None:
    ours = {"held": "a", "held_epoch": 1, "held_by": "running"}

    def write(connection: sa.Connection) -> list[int]:
        execute(connection, new_entry(connection.dialect.name), entry("a"))
        again = execute(connection, new_entry(connection.dialect.name), entry("a")).count
        values = {"state": "undoing", "lease_until": AT + timedelta(1)}
        held = execute(connection, HELD, {**values, **ours}).count
        lost = execute(connection, HELD, {**values, **ours, "held_epoch": 2}).count
        return [again, held, lost]

    assert await store.write(write) == [0, 1, 0]
    row = await store.read(lambda connection: connection.execute(sa.select(ENTRIES)).one())
    assert row.state == "undoing"


@pytest.mark.parametrize("many", [1, 2, 8, 9, 40])
async def test_lists_of_any_length_find_the_same(store: Store, many: int) -> None:
    def write(connection: sa.Connection) -> tuple[Executed, Executed]:
        execute(connection, sa.insert(IDENTITIES), [identity(number) for number in range(10, 60)])
        numbers = [f"0*{number}" for number in range(10, 10 + many)]
        rows = execute(connection, _rows_query("number", LIVE), {"values": numbers})
        return rows, execute(connection, _HAD, {"ids": [f"1{number}" for number in range(10, 10 + many)]})

    rows, had = await store.write(write)
    assert [row.number for row in rows.rows] == [f"0*{number}" for number in range(10, 10 + many)]
    assert len(had.rows) == many
    assert {type(row.seen_at) for row in rows.rows} == {datetime}


async def test_a_value_that_the_statement_has_itself_is_written(store: Store) -> None:
    query = sa.update(ENTRIES).where(ENTRIES.c.id == sa.bindparam("which")).values(answer=None, why="over")

    def write(connection: sa.Connection) -> Any:
        execute(connection, new_entry(connection.dialect.name), entry("a"))
        execute(connection, query, {"which": "a"})
        return execute(connection, BY_ID, {"entry": "a"}).rows[0]

    row = await store.write(write)
    assert (row.answer, row.why) == (None, "over")
