"""Which of the three forms of login calls of 2.5 came with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
oldest_code = "0005"

_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "login_forms",
        *(
            sa.Column(name, sa.Text, primary_key=True, nullable=False)
            for name in ("day", "integration", "form")
        ),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("first_seen", _WHEN, nullable=False),
        sa.Column("last_seen", _WHEN, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("login_forms")
