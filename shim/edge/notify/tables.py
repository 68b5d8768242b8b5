"""The tables of notifications: what was noticed, and what each receiver has of it."""

from __future__ import annotations

import sqlalchemy as sa

from shim.edge.store.columns import METADATA, WHEN

NOTICES = sa.Table(
    "notices",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("at", WHEN, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
)
"""Something to tell; `key` is of the thing itself, so that it is told once, whoever notices it how often."""

DELIVERIES = sa.Table(
    "notice_deliveries",
    METADATA,
    sa.Column("notice", sa.Text, sa.ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("receiver", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", WHEN, nullable=False, index=True),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("done_at", WHEN),
)
"""`state` is waiting, sent or given-up; `due_at` of one that is being sent is when its sender is given up."""

MARKS = sa.Table(
    "notice_marks",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""From where on something is new, and what was above its threshold when it was last looked at."""
