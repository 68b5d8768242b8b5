"""INSERT with ON CONFLICT, which SQLite and PostgreSQL have alike and standard SQL has not."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert(dialect: str, table: sa.Table) -> Any:
    """An INSERT that knows `on_conflict_do_update` and `_nothing`; `dialect` is the database's."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)
