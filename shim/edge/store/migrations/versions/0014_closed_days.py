"""Sums of the days that are over. There are none yet: the shim adds up what is there soon after its start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
oldest_code = "0013"


def upgrade() -> None:
    op.create_table(
        "closed",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", sa.Text, nullable=False),
        sa.Column("changes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "closed_sums",
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("integration", sa.Text, primary_key=True, nullable=False),
        sa.Column("uses", sa.Text, nullable=False),
        sa.Column("days", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO closed (id, until, changes) VALUES (1, '', 0)")


def downgrade() -> None:
    for table in ("closed_sums", "closed"):
        op.drop_table(table)
