"""Notices for somebody who is to be told, and what each receiver has of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
oldest_code = "0005"

_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("at", _WHEN, nullable=False, index=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "notice_deliveries",
        sa.Column("notice", sa.Text, sa.ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("receiver", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", _WHEN, nullable=False, index=True),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("done_at", _WHEN),
    )
    op.create_table(
        "notice_marks",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for name in ("notice_marks", "notice_deliveries", "notices"):
        op.drop_table(name)
