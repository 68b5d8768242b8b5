"""Who changed what, where no other table has a history of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
oldest_code = "0005"


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("who", "action", "subject", "detail")),
    )


def downgrade() -> None:
    op.drop_table("audit_events")
