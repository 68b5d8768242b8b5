"""Why calls fail, by the day, and which logins were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
oldest_code = "0005"

_WHEN = sa.DateTime(timezone=True)


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True, nullable=False) for name in names]


def _seen() -> list[sa.Column[object]]:
    return [sa.Column(name, _WHEN, nullable=False) for name in ("first_seen", "last_seen")]


def upgrade() -> None:
    op.create_table(
        "faults",
        *_keys("day", "integration", "operation", "reason"),
        sa.Column("calls", sa.BigInteger, nullable=False),
        *_seen(),
    )
    op.create_table(
        "refused_logins",
        *_keys("integration", "why", "way", "login", "digest", "address", "agent"),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("unchecked", sa.BigInteger, nullable=False),
        *_seen(),
    )


def downgrade() -> None:
    op.drop_table("refused_logins")
    op.drop_table("faults")
