"""The tables of the deprecation log and of porting. They hold names, counts, times and shapes: no values.

`day` is a UTC date as YYYY-MM-DD; times are UTC. `operation` is a full name: `Client.GetClients` on the old
side, `Organization.GetOrganizations` on the new one.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from shim.edge.store.columns import METADATA, WHEN


def _texts(*names: str, key: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=key, nullable=False) for name in names]


USAGE = sa.Table(
    "usage",
    METADATA,
    *_texts("day", "integration", "side", "operation", key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("faults", sa.BigInteger, nullable=False),
    sa.Column("first_seen", WHEN, nullable=False),
    sa.Column("last_seen", WHEN, nullable=False),
)
"""Calls a day; `side` is `old` (2.5) or `new` (native v3). Every plain call counts."""

CLOSED = sa.Table(
    "closed",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("until", sa.Text, nullable=False),
    sa.Column("changes", sa.BigInteger, nullable=False),
)
"""One row: the last day that the sums of closed days hold, "" when they do not hold; each change of a day that
is over, and of the sums, counts `changes` up. See `closed`."""

CLOSED_SUMS = sa.Table(
    "closed_sums",
    METADATA,
    sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
    *_texts("integration", key=True),
    *_texts("uses", "days"),
)
"""The sums of an integration on a span of days without today, as JSON: `uses` by side and operation, `days` by
side and day."""

FINDINGS = sa.Table(
    "findings",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_texts("integration", "operation", "code", "path"),
    *_texts("severity", "because"),
    sa.Column("place", sa.Text),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("first_seen", WHEN, nullable=False),
    sa.Column("last_seen", WHEN, nullable=False),
    sa.Column("sample", sa.Text),
    sa.Column("sample_at", WHEN),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_at", WHEN, nullable=False),
    sa.Column("until", WHEN),
    sa.UniqueConstraint("integration", "operation", "code", "path", name="one_finding"),
)
"""One row for each integration, operation, code and path; `state` is what was last said or seen of it."""

FINDING_DAYS = sa.Table(
    "finding_days",
    METADATA,
    sa.Column("finding", sa.Integer, sa.ForeignKey("findings.id", ondelete="CASCADE"), primary_key=True),
    *_texts("day", key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)

FINDING_EVENTS = sa.Table(
    "finding_events",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column(
        "finding", sa.Integer, sa.ForeignKey("findings.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("at", WHEN, nullable=False),
    *_texts("who", "was", "became", "text"),
)
"""The history of a finding: changes of state with their reasons, and notes (`was` and `became` are equal)."""

CALLERS = sa.Table(
    "callers",
    METADATA,
    *_texts("integration", "agent", "toolkit", "version", "address", key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("first_seen", WHEN, nullable=False),
    sa.Column("last_seen", WHEN, nullable=False),
)
"""The programs that call: user agent, style of the toolkit, schema version, network address of the client."""

INTEGRATION_NOTES = sa.Table(
    "integration_notes",
    METADATA,
    *_texts("integration", key=True),
    *_texts("text", "who"),
    sa.Column("at", WHEN, nullable=False),
)
"""Notes on integrations, written on the review page; they go over the notes of the configuration."""

FAULTS = sa.Table(
    "faults",
    METADATA,
    *_texts("day", "integration", "operation", "reason", key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("first_seen", WHEN, nullable=False),
    sa.Column("last_seen", WHEN, nullable=False),
)
"""Calls of 2.5 a day that were answered with a fault, by its reason. They are among the faults of `usage`; what
was counted before this table was there has no reason."""

LOGIN_FORMS = sa.Table(
    "login_forms",
    METADATA,
    *_texts("day", "integration", "form", key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("first_seen", WHEN, nullable=False),
    sa.Column("last_seen", WHEN, nullable=False),
)
"""Calls of 2.5 by the form of the login that they came with: password, app_key or crypted_auth."""

REFUSED_LOGINS = sa.Table(
    "refused_logins",
    METADATA,
    *_texts("integration", "why", "way", "login", "digest", "address", "agent", key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("unchecked", sa.BigInteger, nullable=False),
    sa.Column("first_seen", WHEN, nullable=False),
    sa.Column("last_seen", WHEN, nullable=False),
)
"""Logins of 2.5 that were refused, by whose they would be: `login` is a mask, `digest` the beginning of its
SHA-256. `unchecked` of the calls came after too many others, and were not looked at."""

PORTING = sa.Table(
    "porting",
    METADATA,
    *_texts("integration", "operation", key=True),
    *_texts("rung", "who"),
    sa.Column("at", WHEN, nullable=False),
)
"""The rung of each integration's operations where it is not `translate`; operation `*` is all of them."""

PORTING_EVENTS = sa.Table(
    "porting_events",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", WHEN, nullable=False),
    *_texts("who", "integration", "operation", "was", "became", "text"),
)

LOCK_EXCEPTIONS = sa.Table(
    "lock_exceptions",
    METADATA,
    *_texts("id", key=True),
    *_texts("integration", "operation", "owner", "reason", "who"),
    sa.Column("created_at", WHEN, nullable=False),
    sa.Column("until", WHEN, nullable=False),
    sa.Column("ended_at", WHEN),
)
"""Locked calls that pass until then all the same; `owner` answers for it."""

BROWNOUTS = sa.Table(
    "brownouts",
    METADATA,
    *_texts("id", key=True),
    *_texts("integration", "operation", "text", "link", "who"),
    sa.Column("starts_at", WHEN, nullable=False),
    sa.Column("ends_at", WHEN, nullable=False),
    sa.Column("created_at", WHEN, nullable=False),
    sa.Column("stopped_at", WHEN),
)
"""Planned windows in which calls are refused; integration or operation `*` is all of them."""

V3_TOKENS = sa.Table(
    "v3_tokens",
    METADATA,
    *_texts("digest", key=True),
    *_texts("integration"),
    sa.Column("expires_at", WHEN, nullable=False),
)
"""Whose a v3 access token is that was given through the shim: its SHA-256, never the token."""

BATCHES = sa.Table(
    "deprecation_batches",
    METADATA,
    *_texts("id", key=True),
    sa.Column("written_at", WHEN, nullable=False),
)
"""Batches of the log that were written lately: one that comes again is not written twice."""


def still_open(now: datetime) -> sa.ColumnElement[bool]:
    """A condition: findings that have to be looked at now, whatever is stored of them. Those that were ignored
    are open again after their end, those that were declared fixed as soon as they come back."""
    row = FINDINGS.c
    return sa.or_(
        row.state.not_in(("ignored", "fixed")),
        sa.and_(row.state == "ignored", row.until.is_not(None), row.until <= now),
        sa.and_(row.state == "fixed", row.last_seen > row.state_at),
    )
