"""Credentials that were right before, as keyed digests, so that a restart makes nobody a stranger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
oldest_code = "0005"


def upgrade() -> None:
    op.create_table(
        "login_proofs",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("integration", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("login_proofs")
