"""Exceptions to locks of the porting ladder, each with an owner, a reason and an end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
oldest_code = "0005"

_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "lock_exceptions",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("integration", "operation", "owner", "reason", "who")
        ),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.Column("until", _WHEN, nullable=False),
        sa.Column("ended_at", _WHEN),
    )


def downgrade() -> None:
    op.drop_table("lock_exceptions")
