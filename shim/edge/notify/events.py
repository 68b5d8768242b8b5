"""Events worth telling, read from the store: findings, brownouts, paused entries, unknown callers, the digest.

Laws: a thing has a key of its own, so that looking again tells nothing twice; what was over when telling began
is not told; what is looked at reaches back far enough that a row which came late is not passed over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.findings import kind_of
from shim.edge.deprecation.counting import UNKNOWN
from shim.edge.deprecation.tables import BROWNOUTS, CALLERS, FINDING_EVENTS, FINDINGS, USAGE, still_open
from shim.edge.journal.tables import ENTRIES
from shim.edge.notify.notice import Notice
from shim.edge.settings.notify import WEEKDAYS, Notify
from shim.edge.store.database import utc

BAD = ("loss", "refused")
_MOST = 200
"""Things of one kind that are told at once; the rest at the next look."""
_LATE = timedelta(days=2)
"""How long after its time a brownout's begin or end is still told."""


@dataclass(frozen=True, slots=True)
class Since:
    """From where on something is new: numbers of rows that were there, and the time at which telling began."""

    began: datetime
    finding: int = 0
    finding_event: int = 0


async def highest(connection: AsyncConnection) -> tuple[int, int]:
    """The highest numbers of findings and of events of their histories."""
    findings = (await connection.execute(sa.select(sa.func.max(FINDINGS.c.id)))).scalar_one()
    events = (await connection.execute(sa.select(sa.func.max(FINDING_EVENTS.c.id)))).scalar_one()
    return findings or 0, events or 0


async def noticed(
    connection: AsyncConnection, since: Since, settings: Notify, now: datetime
) -> AsyncIterator[Notice]:
    """Everything that is there to tell, but for the rates of faults. What was told already is among it."""
    for source in (_findings, _came_back):
        for notice in await source(connection, since, now):
            yield notice
    for source in (_paused, _unknown, _brownouts):
        for notice in await source(connection, since, now):
            yield notice
    if (digest := await _digest(connection, since, settings, now)) is not None:
        yield digest


async def _findings(connection: AsyncConnection, since: Since, now: datetime) -> list[Notice]:
    bad = FINDINGS.c.severity.in_(BAD) & (FINDINGS.c.id > since.finding)
    query = sa.select(*_FINDING).where(bad).order_by(FINDINGS.c.id.desc()).limit(_MOST)
    rows = (await connection.execute(query)).all()
    return [_finding(row, "finding", f"finding:{row.id}", "New", utc(row.first_seen)) for row in rows]


async def _came_back(connection: AsyncConnection, since: Since, now: datetime) -> list[Notice]:
    """Findings that were declared fixed and came again, however mild."""
    event = FINDING_EVENTS.c
    again = (event.id > since.finding_event) & (event.was == "fixed") & (event.became == "new")
    query = (
        sa.select(*_FINDING, event.id.label("event"), event.at)
        .join(FINDING_EVENTS, event.finding == FINDINGS.c.id)
        .where(again, event.who == "shim")
        .order_by(event.id.desc())
        .limit(_MOST)
    )
    rows = (await connection.execute(query)).all()
    return [_finding(row, "came_back", f"came-back:{row.event}", "Came back", utc(row.at)) for row in rows]


_FINDING = [FINDINGS.c[name] for name in (
    "id", "integration", "operation", "code", "path", "severity", "because", "place", "first_seen"
)]  # fmt: skip


def _finding(row: Any, event: str, key: str, what: str, at: datetime) -> Notice:
    kind = kind_of(row.code)
    title = kind.title if kind is not None else row.code
    lines = [
        f"{row.integration} calls {row.operation}: {title} ({row.severity}).",
        f"Where: {row.path or 'the whole call'}",
        f"Why: {row.because}",
        *([f"What to do: {kind.do}"] if kind is not None else []),
        f"shim report --finding {row.id} shows it with a sample.",
    ]
    facts = {
        name: getattr(row, name) for name in ("id", "operation", "code", "path", "severity", "because", "place")
    }
    subject = f"{what}: {title} ({row.severity}), {row.integration} {row.operation}"
    return Notice(key, event, at, subject, "\n".join(lines), row.integration, facts, f"/findings/{row.id}")


async def _paused(connection: AsyncConnection, since: Since, now: datetime) -> list[Notice]:
    query = sa.select(ENTRIES).where(ENTRIES.c.state == "paused").order_by(ENTRIES.c.updated_at).limit(_MOST)
    notices = []
    for row in (await connection.execute(query)).all():
        text = (
            f"A call of {row.integration} ({row.operation}) became several v3 writes, and could be neither "
            f"finished nor undone: {row.why}\nshim journal show {row.id} tells the calls that end it, "
            f"shim journal redrive {row.id} tries it again."
        )
        facts = {"reference": row.id, "operation": row.operation, "why": row.why}
        subject = f"Paused: {row.operation} of {row.integration} waits for you"
        key = f"paused:{row.id}:{row.epoch}"  # another epoch is another try that failed
        notices.append(Notice(key, "paused", utc(row.updated_at), subject, text, row.integration, facts))
    return notices


async def _unknown(connection: AsyncConnection, since: Since, now: datetime) -> list[Notice]:
    """Programs whose login nobody has: by address and what they say they are."""
    strange = (CALLERS.c.integration == UNKNOWN) & (CALLERS.c.first_seen >= since.began)
    columns = (CALLERS.c.address, CALLERS.c.agent, sa.func.min(CALLERS.c.first_seen).label("first"))
    query = sa.select(*columns).where(strange).group_by(CALLERS.c.address, CALLERS.c.agent)
    notices = []
    for row in (await connection.execute(query.order_by(sa.desc("first")).limit(_MOST))).all():
        who = f"{row.agent or 'a program that does not say what it is'} at {row.address}"
        text = (
            f"{who} calls 2.5 with a login that no integration has. It gets the old fault for a wrong login, "
            "and nothing of it reaches v3.\nWas a program forgotten? shim integrations add lets it in."
        )
        key = f"unknown:{sha256(f'{row.address} {row.agent}'.encode()).hexdigest()[:32]}"
        facts = {"address": row.address, "agent": row.agent}
        subject = f"Unknown caller: {row.address}"
        notices.append(Notice(key, "unknown_caller", utc(row.first), subject, text, None, facts))
    return notices


async def _brownouts(connection: AsyncConnection, since: Since, now: datetime) -> list[Notice]:
    query = sa.select(BROWNOUTS).where(BROWNOUTS.c.starts_at <= now, BROWNOUTS.c.ends_at > now - _LATE)
    notices = []
    for row in (await connection.execute(query.order_by(BROWNOUTS.c.starts_at))).all():
        begins, ends = utc(row.starts_at), utc(row.ends_at)
        stopped = utc(row.stopped_at) if row.stopped_at is not None else None
        if stopped is not None and stopped <= begins:
            continue  # it was cancelled before
        over = min(ends, stopped) if stopped is not None else ends
        if begins >= since.began:
            notices.append(_brownout(row, "brownout_begins", begins, f"Until {ends:%Y-%m-%d %H:%M} UTC,"))
        if since.began <= over <= now:
            why = "was stopped" if stopped is not None and stopped < ends else "is over"
            notices.append(_brownout(row, "brownout_ends", over, f"The brownout {why}:"))
    return notices


def _brownout(row: Any, event: str, at: datetime, first: str) -> Notice:
    whose = "all integrations" if row.integration == "*" else row.integration
    which = "all operations" if row.operation == "*" else row.operation
    becomes = "are refused" if event == "brownout_begins" else "are served again"
    why = f": {row.text}" if row.text else ""
    text = f"{first} calls of {which} by {whose} {becomes}. Planned by {row.who}{why}"
    facts = {"brownout": row.id, "operation": row.operation, "who": row.who}
    says = "begins" if event == "brownout_begins" else "ends"
    integration = None if row.integration == "*" else row.integration
    subject = f"Brownout {says}: {which} of {whose}"
    return Notice(f"{event}:{row.id}", event, at, subject, text, integration, facts)


# ---- the digest ----


def digest_due(settings: Notify, now: datetime) -> datetime:
    """When the last digest was due."""
    back = (now.weekday() - WEEKDAYS.index(settings.digest_day)) % 7
    due = now.astimezone(UTC).replace(hour=settings.digest_hour, minute=0, second=0, microsecond=0)
    due -= timedelta(days=back)
    return due if due <= now else due - timedelta(days=7)


async def _digest(connection: AsyncConnection, since: Since, settings: Notify, now: datetime) -> Notice | None:
    """Who still called 2.5 in the seven whole days before it was due, what was new then, and what is open."""
    due = digest_due(settings, now)
    if due < since.began:
        return None
    end = due.replace(hour=0)
    begin = end - timedelta(days=7)
    first, last = begin.date().isoformat(), (end - timedelta(days=1)).date().isoformat()
    calls = sa.func.sum(USAGE.c.calls)
    used = (
        sa.select(
            USAGE.c.integration, USAGE.c.side, calls.label("calls"), sa.func.sum(USAGE.c.faults).label("faults")
        )
        .where(USAGE.c.day >= first, USAGE.c.day <= last)
        .group_by(USAGE.c.integration, USAGE.c.side)
        .order_by(calls.desc())
    )
    use = (await connection.execute(used)).all()
    open_ = sa.select(FINDINGS.c.severity, sa.func.count()).where(still_open(now)).group_by(FINDINGS.c.severity)
    findings: dict[str, int] = {row[0]: row[1] for row in await connection.execute(open_)}
    seen = FINDINGS.c.first_seen
    fresh = sa.select(sa.func.count()).where(seen >= begin, seen < end)
    new = (await connection.execute(fresh)).scalar_one()
    paused = sa.select(sa.func.count()).select_from(ENTRIES).where(ENTRIES.c.state == "paused")
    waiting = (await connection.execute(paused)).scalar_one()
    facts = {
        "from": first,
        "to": last,
        "use": [{**row._mapping, "calls": int(row.calls), "faults": int(row.faults)} for row in use],
        "open_findings": findings,
        "new_findings": new,
        "paused": waiting,
    }
    old = [row for row in use if row.side == "old"]
    subject = f"Digest: {_count(sum(int(row.calls) for row in old), 'call')} of 2.5, {first} to {last}"
    text = "\n".join(_digest_lines(old, use, findings, new, waiting))
    return Notice(f"digest:{due:%Y-%m-%dT%H}", "digest", due, subject, text, None, facts, "/")


def _digest_lines(
    old: Sequence[Any], use: Sequence[Any], findings: dict[str, int], new: int, waiting: int
) -> list[str]:
    native = {row.integration: int(row.calls) for row in use if row.side == "new"}
    lines = ["Who still calls 2.5:" if old else "Nobody called 2.5."]
    for row in old:
        faults = f", {_count(int(row.faults), 'fault')}" if row.faults else ""
        beside = f", {_count(native[row.integration], 'call')} of v3" if native.get(row.integration) else ""
        lines.append(f"  {row.integration}: {_count(int(row.calls), 'call')}{faults}{beside}")
    listed = ", ".join(f"{findings[each]} {each}" for each in (*reversed(BAD), "warning", "notice", "info")
                     if findings.get(each))  # fmt: skip
    lines += ["", f"Open findings: {listed or 'none'}; {new} {'was' if new == 1 else 'were'} new."]
    return [*lines, f"Calls that wait for you (shim journal list): {waiting}."] if waiting else lines


def _count(number: int, what: str) -> str:
    return f"{number} {what if number == 1 else what + 's'}"
