"""Every table as the code knows it is the one that the migrations make."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import sqlalchemy as sa

import shim.edge
from shim.edge.store.database import Store

Described = dict[str, object]


def _tables() -> dict[str, sa.Table]:
    """Every table that a module of the edge has, by its name."""
    walk = pkgutil.walk_packages(shim.edge.__path__, "shim.edge.")
    names = [each.name for each in walk if ".migrations" not in each.name]
    modules = [importlib.import_module(each) for each in names]
    found = [each for module in modules for each in vars(module).values() if isinstance(each, sa.Table)]
    return {each.name: each for each in found}


def _described(table: sa.Table) -> Described:
    """What a table lets in: columns (whether there may be none), keys, and indexes, also those of a part."""
    indexes = [
        (str(each.name), tuple(column.name for column in each.columns), bool(each.unique), _part(each))
        for each in table.indexes
    ]
    unique = [each for each in table.constraints if isinstance(each, sa.UniqueConstraint)]
    return {
        "columns": {each.name: bool(each.nullable) for each in table.columns},
        "key": sorted(each.name for each in table.primary_key),
        "unique": sorted(tuple(column.name for column in each.columns) for each in unique),
        "indexes": sorted(indexes),
    }


def _part(index: sa.Index) -> str:
    where = index.dialect_options["sqlite"].get("where")
    return "" if where is None else str(where)


async def test_every_table_is_as_the_migrations_make_it(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}")
    made = sa.MetaData()
    try:
        async with store.reading() as connection:
            await connection.run_sync(made.reflect)
    finally:
        await store.close()
    there = {name: _described(each) for name, each in made.tables.items() if name != "alembic_version"}
    assert {name: _described(each) for name, each in _tables().items()} == there
