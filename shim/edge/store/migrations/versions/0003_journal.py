"""Calls that become several writes: what was meant, and how far they came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
oldest_code = "0003"


def upgrade() -> None:
    when = sa.DateTime(timezone=True)
    op.create_table(
        "journal_entries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("integration", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, index=True),
        sa.Column("subject", sa.Text),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("lease_until", when, nullable=False),
        sa.Column("due_at", when, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("created_at", when, nullable=False),
        sa.Column("updated_at", when, nullable=False),
    )
    under_way = sa.text("state IN ('running', 'undoing')")
    for name in ("key", "subject"):
        op.create_index(
            f"one_under_way_by_{name}",
            "journal_entries",
            [name],
            unique=True,
            sqlite_where=under_way,
            postgresql_where=under_way,
        )
    op.create_table(
        "journal_steps",
        sa.Column("entry", sa.Text, sa.ForeignKey("journal_entries.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("found", sa.Text),
        sa.Column("data", sa.Text),
        sa.Column("started_at", when),
    )


def downgrade() -> None:
    for table in ("journal_steps", "journal_entries"):
        op.drop_table(table)
