"""Tables of their own for what is kept for all, for counters, and for batches of the deprecation log.

They stood among what is kept for accounts, under keys that no account has. The rows are copied and stay there
until a later migration takes them away; code that does not know the new tables would count on in the old place.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
oldest_code = "0013"

_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "kept_for_all",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("field", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("updated_at", _WHEN, nullable=False),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("next", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "deprecation_batches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("written_at", _WHEN, nullable=False),
    )
    op.execute(
        "INSERT INTO kept_for_all (key, field, value, updated_at) "
        "SELECT account, field, value, updated_at FROM kept WHERE account IN ('industries', 'store')"
    )
    # A counter was the element ["industry","7",{},[]]: the last number that was given, between the quotes.
    op.execute(
        "INSERT INTO counters (name, next) SELECT field, CAST(replace(replace(value, "
        "'[\"' || field || '\",\"', ''), '\",{},[]]', '') AS BIGINT) + 1 FROM kept WHERE account = 'counters'"
    )
    op.execute(
        "INSERT INTO deprecation_batches (id, written_at) "
        "SELECT field, updated_at FROM kept WHERE account = 'deprecation-log'"
    )


def downgrade() -> None:
    for table in ("deprecation_batches", "counters", "kept_for_all"):
        op.drop_table(table)
