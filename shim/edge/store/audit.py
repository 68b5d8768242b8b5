"""Audit log: who changed what and when, out of all histories that the store has, the oldest first.

Laws: what has a history of its own (findings, porting, brownouts, identities) is read from there; everything
else that people change is written here, with names of things and never with values of settings or secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from shim.edge.deprecation.tables import FINDING_EVENTS, FINDINGS, PORTING_EVENTS
from shim.edge.identities.tables import EVENTS
from shim.edge.store.columns import METADATA, WHEN
from shim.edge.store.database import Store, utc

AUDIT = sa.Table(
    "audit_events",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", WHEN, nullable=False, index=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("who", "action", "subject", "detail")),
)
SHIM = "(shim)"
"""Who did it, where no person did: the shim itself, by what v3 told it or at a signal."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A change: `action` in a word or two, `subject` what was changed, `detail` how and why."""

    at: datetime
    who: str
    action: str
    subject: str
    detail: str

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat(timespec="seconds")}


async def record(store: Store, who: str, action: str, subject: str = "", detail: str = "") -> None:
    """Write a change down. Raises StoreError when the store fails."""
    row = {"at": store.now(), "who": who, "action": action, "subject": subject, "detail": detail}
    async with store.writing() as connection:
        await connection.execute(sa.insert(AUDIT).values(**row))


async def audit_log(store: Store, since: datetime | None = None) -> list[AuditEvent]:
    """All changes from a time on, the oldest first. Raises StoreError when the store fails."""
    finding = sa.select(FINDING_EVENTS, FINDINGS.c.integration, FINDINGS.c.operation, FINDINGS.c.code).join(
        FINDINGS, FINDINGS.c.id == FINDING_EVENTS.c.finding
    )
    sources = (
        (sa.select(AUDIT), AUDIT, _own),
        (finding, FINDING_EVENTS, _of_finding),
        (sa.select(PORTING_EVENTS), PORTING_EVENTS, _of_porting),
        (sa.select(EVENTS), EVENTS, _of_identity),
    )
    events: list[AuditEvent] = []
    async with store.reading() as connection:
        for query, table, event in sources:
            limited = query.where(table.c.at >= since) if since is not None else query
            rows = await connection.execute(limited.order_by(table.c.at, table.c.id))
            events += [event(row) for row in rows]
    return sorted(events, key=lambda each: each.at)


def _own(row: sa.Row[Any]) -> AuditEvent:
    return AuditEvent(utc(row.at), row.who, row.action, row.subject, row.detail)


def _of_finding(row: sa.Row[Any]) -> AuditEvent:
    subject = f"{row.integration} {row.operation} {row.code}"
    return AuditEvent(utc(row.at), row.who or SHIM, "finding", subject, _change(row.was, row.became, row.text))


def _of_porting(row: sa.Row[Any]) -> AuditEvent:
    subject = " ".join(filter(None, (row.integration, row.operation)))
    return AuditEvent(utc(row.at), row.who or SHIM, "porting", subject, _change(row.was, row.became, row.text))


def _of_identity(row: sa.Row[Any]) -> AuditEvent:
    moves = ((row.user_before, row.user_after), (row.number_before, row.number_after))
    detail = ", ".join(_change(was, became, "") for was, became in moves if was != became)
    return AuditEvent(utc(row.at), SHIM, f"identity {row.kind}", row.old_id, detail)


def _change(was: str, became: str, text: str) -> str:
    return ": ".join(_changes(was, became, text))


def _changes(was: str, became: str, text: str) -> Iterator[str]:
    if was != became:
        yield f"{was or '(none)'} to {became or '(none)'}"
    if text:
        yield text
