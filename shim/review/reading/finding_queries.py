"""Queries of findings: with what is derived of their state, with samples, days and history.

Every function does a fixed number of queries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.catalogue.translation import Catalogue
from shim.core.findings import KINDS, FindingKind, kind_of
from shim.edge.catalogue import catalogue as shipped
from shim.edge.deprecation.tables import FINDING_DAYS, FINDING_EVENTS, FINDINGS, still_open
from shim.edge.store.database import Store, utc
from shim.review.reading import rows
from shim.review.reading.effort import UNKNOWN, SuccessorCalls, successors
from shim.review.reading.model import (
    FindingEvent,
    FindingFilter,
    FindingPage,
    FindingRow,
    Sample,
    SampleCall,
)
from shim.review.reading.states import OPEN, effective
from shim.review.reading.verdicts import SEVERITIES

ANY = FindingFilter()
SERIOUS = ("refused", "loss", "warning")
"""Severities that somebody should look at."""
_NO_KIND = FindingKind(
    "info", "", "This version of the shim does not know the code.", "Look at the finding itself."
)


async def findings(
    store: Store, now: datetime, which: FindingFilter = ANY, *, catalogue: Catalogue | None = None
) -> list[FindingRow]:
    """The findings that fit, open ones first, the worst first, then those seen last. `catalogue` knows the
    successors, whose native calls verify what was fixed; the shim's own when it is left out."""
    async with store.reading() as connection:
        query = sa.select(*_SHORT).where(*_conditions(which, now))
        read = (await connection.execute(query)).mappings().all()
        used = await _used(connection, read, _successors_of(catalogue))
    listed = [_finding(each, used, now) for each in read]
    chosen = [each for each in listed if _fits(each, which)]
    return sorted(chosen, key=lambda each: (not each.open, -SEVERITIES.index(each.severity),
                                            -each.last_seen.timestamp(), each.id))  # fmt: skip


async def finding_choices(store: Store) -> tuple[list[str], list[str]]:
    """(integrations, codes) of which there are findings."""
    async with store.reading() as connection:
        names, codes = [
            (await connection.execute(sa.select(column).distinct().order_by(column))).scalars().all()
            for column in (FINDINGS.c.integration, FINDINGS.c.code)
        ]
    return list(names), list(codes)


async def pages(
    store: Store, now: datetime, which: FindingFilter = ANY, *, catalogue: Catalogue | None = None
) -> list[FindingPage]:
    """The same with samples and codes, for letters; their days and histories are left out."""
    listed = await findings(store, now, which, catalogue=catalogue)
    query = sa.select(FINDINGS).where(*_conditions(which, now))
    async with store.reading() as connection:
        samples = {row["id"]: _sample(row) for row in (await connection.execute(query)).mappings()}
    return [_page(row, samples.get(row.id)) for row in listed]


async def finding(
    store: Store, now: datetime, id: int, *, catalogue: Catalogue | None = None
) -> FindingPage | None:
    """One finding with its sample, its days and its history; None when there is none."""
    async with store.reading() as connection:
        read = (await connection.execute(sa.select(FINDINGS).where(FINDINGS.c.id == id))).mappings().all()
        if not read:
            return None
        used = await _used(connection, read, _successors_of(catalogue))
        days = (await connection.execute(_of(FINDING_DAYS, id).order_by(FINDING_DAYS.c.day))).mappings().all()
        events = (await connection.execute(_of(FINDING_EVENTS, id).order_by(FINDING_EVENTS.c.id))).all()
    return replace(
        _page(_finding(read[0], used, now), _sample(read[0])),
        days=tuple((date.fromisoformat(each["day"]), each["count"]) for each in days),
        history=tuple(
            FindingEvent(utc(each.at), each.who, each.was, each.became, each.text) for each in events
        ),
    )


def _page(row: FindingRow, sample: Sample | None) -> FindingPage:
    kind = kind_of(row.code) or _NO_KIND
    return FindingPage(row=row, meaning=kind.meaning, do=kind.do, sample=sample, days=(), history=())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


_SHORT = tuple(column for column in FINDINGS.c if column.name not in ("sample", "sample_at"))


def _conditions(which: FindingFilter, now: datetime) -> list[sa.ColumnElement[bool]]:
    """The part of a filter that the database can do; the rest depends on what is derived."""
    given = {name: getattr(which, name) for name in ("integration", "operation", "code", "severity")}
    conditions: list[sa.ColumnElement[bool]] = [
        FINDINGS.c[name] == value for name, value in given.items() if value is not None
    ]
    row = FINDINGS.c
    if which.text:
        titles = [code for code, kind in KINDS.items() if which.text.lower() in kind.title.lower()]
        named = [each.icontains(which.text, autoescape=True) for each in (row.operation, row.path, row.code)]
        conditions.append(sa.or_(*named, row.code.in_(titles)))
    if which.since is not None:
        conditions.append(row.last_seen >= _midnight(which.since))
    if which.until is not None:
        conditions.append(row.first_seen < _midnight(which.until + timedelta(days=1)))
    if which.serious:
        conditions.append(row.severity.in_(SERIOUS))
    if which.open is not None:
        conditions.append(still_open(now) if which.open else sa.not_(still_open(now)))
    return conditions


def _fits(row: FindingRow, which: FindingFilter) -> bool:
    return which.state in (None, row.state) and which.open in (None, row.open)


async def _used(
    connection: AsyncConnection, read: Iterable[sa.RowMapping], known: Mapping[str, SuccessorCalls]
) -> dict[int, datetime]:
    """When the operation of each fixed finding, or a successor of it, was last called."""
    fixed = [each for each in read if each["state"] == "fixed"]
    if not fixed:
        return {}
    names = {
        each["operation"]: (each["operation"], *known.get(each["operation"], UNKNOWN).becomes) for each in fixed
    }
    last = await rows.last_used(
        connection,
        min(utc(each["state_at"]) for each in fixed),
        (each["integration"] for each in fixed),
        (name for each in names.values() for name in each),
    )
    used = {
        each["id"]: [
            last[each["integration"], name]
            for name in names[each["operation"]]
            if (each["integration"], name) in last
        ]
        for each in fixed
    }
    return {id: max(times) for id, times in used.items() if times}


def _finding(row: sa.RowMapping, used: Mapping[int, datetime], now: datetime) -> FindingRow:
    state_at, last_seen = utc(row["state_at"]), utc(row["last_seen"])
    until = utc(row["until"]) if row["until"] else None
    state = effective(row["state"], state_at, until, last_seen, used.get(row["id"]), now)
    return FindingRow(
        id=row["id"],
        integration=row["integration"],
        operation=row["operation"],
        code=row["code"],
        path=row["path"],
        severity=row["severity"],
        title=KINDS[row["code"]].title if row["code"] in KINDS else row["code"],
        because=row["because"],
        place=row["place"],
        count=row["count"],
        first_seen=utc(row["first_seen"]),
        last_seen=last_seen,
        state=state,
        state_at=state_at,
        until=until,
        open=state in OPEN,
    )


def _sample(row: sa.RowMapping) -> Sample | None:
    if row["sample"] is None:
        return None
    content = json.loads(row["sample"])
    calls = tuple(
        SampleCall(each["operation"], each["endpoint"], each["soap_action"], each["xml"])
        for each in content["calls"]
    )
    at = utc(row["sample_at"]) if row["sample_at"] else utc(row["last_seen"])
    return Sample(at.astimezone(UTC), content["old"], calls, content.get("more", 0))


def _of(table: sa.Table, id: int) -> sa.Select[Any]:
    return sa.select(table).where(table.c.finding == id)


@cache
def _shipped() -> Mapping[str, SuccessorCalls]:
    return successors(shipped())


def _successors_of(catalogue: Catalogue | None) -> Mapping[str, SuccessorCalls]:
    return successors(catalogue) if catalogue is not None else _shipped()
