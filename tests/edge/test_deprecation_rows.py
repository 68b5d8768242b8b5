"""The tables as the code knows them are those that the migrations make."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from shim.edge.deprecation_rows import METADATA
from shim.edge.store import Store


async def test_the_migrations_make_the_tables_of_the_deprecation_log(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}")
    try:
        async with store.reading() as connection:
            made = await connection.run_sync(_columns)
    finally:
        await store.close()
    assert {each.name: {column.name for column in each.columns} for each in METADATA.sorted_tables} == made


def _columns(connection: sa.Connection) -> dict[str, set[str]]:
    there = sa.inspect(connection)
    return {name: {each["name"] for each in there.get_columns(name)} for name in METADATA.tables}
