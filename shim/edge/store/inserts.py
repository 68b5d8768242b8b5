"""INSERT with ON CONFLICT, which SQLite and PostgreSQL have alike and standard SQL has not."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import sqlalchemy as sa


def insert(dialect: str, table: sa.Table) -> Any:
    """An INSERT that knows `on_conflict_do_update` and `_nothing`; `dialect` is the database's."""
    name = "sqlite" if dialect == "sqlite" else "postgresql"  # the other one is not loaded
    return import_module(f"sqlalchemy.dialects.{name}").insert(table)
