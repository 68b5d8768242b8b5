"""The deprecation log: use, findings and who calls; and how far each integration is ported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
oldest_code = "0004"

_WHEN = sa.DateTime(timezone=True)


def _texts(*names: str, key: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=key, nullable=False) for name in names]


def _when(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, _WHEN, nullable=False) for name in names]


def _count(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _finding(*, key: bool) -> sa.Column[int]:
    owner = sa.ForeignKey("findings.id", ondelete="CASCADE")
    return sa.Column("finding", sa.Integer, owner, nullable=False, primary_key=key, index=not key)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)


def upgrade() -> None:
    op.create_table(
        "usage",
        *_texts("day", "integration", "side", "operation", key=True),
        *_count("calls", "faults"),
        *_when("first_seen", "last_seen"),
    )
    op.create_table(
        "findings",
        _id(),
        *_texts("integration", "operation", "code", "path", "severity", "because"),
        sa.Column("place", sa.Text),
        *_count("count"),
        *_when("first_seen", "last_seen"),
        sa.Column("sample", sa.Text),
        sa.Column("sample_at", _WHEN),
        *_texts("state"),
        *_when("state_at"),
        sa.Column("until", _WHEN),
        sa.UniqueConstraint("integration", "operation", "code", "path", name="one_finding"),
    )
    op.create_table("finding_days", _finding(key=True), *_texts("day", key=True), *_count("count"))
    op.create_table(
        "finding_events", _id(), _finding(key=False), *_when("at"), *_texts("who", "was", "became", "text")
    )
    op.create_table(
        "callers",
        *_texts("integration", "agent", "toolkit", "version", "address", key=True),
        *_count("calls"),
        *_when("first_seen", "last_seen"),
    )
    op.create_table(
        "porting", *_texts("integration", "operation", key=True), *_texts("rung", "who"), *_when("at")
    )
    op.create_table(
        "porting_events",
        _id(),
        *_when("at"),
        *_texts("who", "integration", "operation", "was", "became", "text"),
    )
    op.create_table(
        "brownouts",
        *_texts("id", key=True),
        *_texts("integration", "operation", "text", "link", "who"),
        *_when("starts_at", "ends_at", "created_at"),
        sa.Column("stopped_at", _WHEN),
    )
    op.create_table("v3_tokens", *_texts("digest", key=True), *_texts("integration"), *_when("expires_at"))


def downgrade() -> None:
    names = ("v3_tokens", "brownouts", "porting_events", "porting", "callers")
    for table in (*names, "finding_events", "finding_days", "findings", "usage"):
        op.drop_table(table)
