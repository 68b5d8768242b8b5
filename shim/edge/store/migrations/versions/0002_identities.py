"""Which IDs old clients know for which extensions of v3, and what was repaired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
oldest_code = "0002"


def _key() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", number, primary_key=True, autoincrement=True)


def upgrade() -> None:
    when = sa.DateTime(timezone=True)
    op.create_table(
        "identities",
        _key(),
        sa.Column("old_id", sa.Text, nullable=False, unique=True),
        sa.Column("extension_id", sa.Text, nullable=False, unique=True),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("identifier", sa.Text, index=True),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("created_at", when, nullable=False),
        sa.Column("seen_at", when, nullable=False),
        sa.Column("unconfirmed_at", when),
        sa.Column("denied_at", when),
        sa.Column("gone_at", when),
        sa.Column("stands_for", sa.Text, index=True),
    )
    live = sa.text("gone_at IS NULL")
    op.create_index(
        "live_number", "identities", ["number"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_index("any_number", "identities", ["number"])
    op.create_table(
        "identity_events",
        _key(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("old_id", sa.Text, nullable=False, index=True),
        sa.Column("user_before", sa.Text, nullable=False),
        sa.Column("user_after", sa.Text, nullable=False),
        sa.Column("number_before", sa.Text, nullable=False),
        sa.Column("number_after", sa.Text, nullable=False),
        sa.Column("at", when, nullable=False),
    )
    counters = op.create_table(
        "identity_counters", sa.Column("name", sa.Text, primary_key=True), sa.Column("next", sa.BigInteger)
    )
    op.bulk_insert(counters, [{"name": "issued"}, {"name": "four-digit"}])


def downgrade() -> None:
    for table in ("identity_counters", "identity_events", "identities"):
        op.drop_table(table)
