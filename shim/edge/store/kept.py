"""Values of messages that the shim keeps, for an account or for all, and counters: tables, reads and writes.

Each function works in the transaction of its connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from shim.core.commands.kept import KeptBy, Shared
from shim.core.message import Element
from shim.edge.store.columns import METADATA, WHEN
from shim.edge.store.elements import to_json
from shim.edge.store.inserts import insert

KEPT = sa.Table(
    "kept",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("updated_at", WHEN, nullable=False),
)
KEPT_FOR_ALL = sa.Table(
    "kept_for_all",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("updated_at", WHEN, nullable=False),
)
NUMBERS = sa.Table(
    "counters",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)
"""The next number of each counter."""

_BATCH = 500


def _place(owner: KeptBy) -> tuple[sa.Table, str, str]:
    """The table that has what is kept for an owner, its column for the owner, and the owner's name there."""
    return (KEPT_FOR_ALL, "key", owner.key) if isinstance(owner, Shared) else (KEPT, "account", owner)


def read_kept(connection: sa.Connection, owner: KeptBy) -> dict[str, str]:
    """The elements that are kept for an owner, as JSON by field."""
    table, column, name = _place(owner)
    query = sa.select(table.c.field, table.c.value).where(table.c[column] == name)
    return {row.field: row.value for row in connection.execute(query)}


def write_kept(
    connection: sa.Connection, owner: KeptBy, values: Mapping[str, Element], now: datetime, *, anew: bool = True
) -> None:
    """Keep fields of an owner, each in place of what was there; not `anew`: only those that are not there."""
    table, column, name = _place(owner)
    rows = [
        {column: name, "field": field, "value": to_json(value), "updated_at": now}
        for field, value in values.items()
    ]
    row = insert(connection.dialect.name, table)
    fresh = {"value": row.excluded.value, "updated_at": row.excluded.updated_at}
    keys = [column, "field"]
    query = row.on_conflict_do_update(index_elements=keys, set_=fresh) if anew else row.on_conflict_do_nothing()
    connection.execute(query, rows)


def drop_kept(connection: sa.Connection, accounts: Sequence[str]) -> None:
    """Drop all that is kept for accounts."""
    for start in range(0, len(accounts), _BATCH):
        batch = accounts[start : start + _BATCH]
        connection.execute(sa.delete(KEPT).where(KEPT.c.account.in_(batch)))


def next_number(connection: sa.Connection, counter: str) -> int:
    """The next number of a counter, from 1 on; whoever asks first locks it, so that no two get the same."""
    first = insert(connection.dialect.name, NUMBERS).on_conflict_do_nothing()
    connection.execute(first, {"name": counter, "next": 1})
    this = NUMBERS.c.name == counter
    number: int = connection.execute(sa.select(NUMBERS.c.next).where(this).with_for_update()).scalar_one()
    connection.execute(sa.update(NUMBERS).where(this).values(next=number + 1))
    return number
