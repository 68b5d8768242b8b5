"""Queries of page, report and exports: the nouns of `model`, read from a store.

Every function does a fixed number of queries. `config` says who may call, so that integrations that were never
seen appear, too, and on which rungs of the porting ladder they are; what the store says of the same scope goes
before that. Whoever asks again and again gives `closed`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
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
from shim.edge.settings.load import Config
from shim.edge.settings.logins import Integration
from shim.edge.store.database import Store, utc
from shim.review.reading import rows
from shim.review.reading.closed_days import DAYS, ClosedDays, read
from shim.review.reading.effort import UNKNOWN, SuccessorCalls, successors
from shim.review.reading.failures import failures
from shim.review.reading.model import (
    About,
    Day,
    FindingEvent,
    FindingFilter,
    FindingPage,
    FindingRow,
    LoginPage,
    OperationUse,
    Overview,
    Sample,
    SampleCall,
    Scorecard,
    ShownBrownout,
)
from shim.review.reading.rows import Placed, Window
from shim.review.reading.scorecard import SEVERITIES, LastSeen, began_of, build, days_of, is_nameless
from shim.review.reading.states import OPEN, effective
from shim.review.reading.trend import trend

ANY = FindingFilter()
_NO_KIND = FindingKind(
    "info", "", "This version of the shim does not know the code.", "Look at the finding itself."
)


async def overview(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    days: int = 30,
    *,
    config: Config,
    closed: ClosedDays | None = None,
) -> Overview:
    """All integrations: those whose calls fail first, then those with most left to do; what is done last."""
    window = Window.of(now, days)
    cards, seen = await _cards(store, catalogue, now, window, config, closed)
    cards.sort(key=_failing_first)
    findings: Counter[str] = Counter()
    for each in cards:
        findings.update(each.findings)
    named = [each for name, each in seen.items() if not is_nameless(name)]
    recent = days_of([day for each in named for day in each.days], Window.of(now, DAYS))
    ever = [each.observed for each in cards if each.last_old or each.last_new]
    observed = max(ever, default=len(window))
    return Overview(
        since=window.since,
        until=window.until,
        days=_sum(each.days for each in cards) or tuple(Day(day, 0, 0) for day in window),
        integrations=tuple(cards),
        left=sum(each.left for each in cards),
        ported=sum(each.ported for each in cards),
        findings={severity: findings[severity] for severity in SEVERITIES if findings[severity]},
        failures=failures(
            [day for each in seen.values() for day in each.days],
            [fault for each in seen.values() for fault in each.faults],
            window.until,
        ),
        trend=trend(recent, window.until, began_of(named)),
        recent=recent,
        observed=observed,
        old_per_day=sum(each.old_calls for each in cards) / observed,
        new_per_day=sum(each.new_calls for each in cards) / observed,
    )


async def scorecard(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    integration: str,
    days: int = 30,
    *,
    config: Config,
) -> Scorecard | None:
    """One integration with its callers; None when it is neither configured nor was ever seen."""
    window = Window.of(now, days)
    cards, _ = await _cards(store, catalogue, now, window, config, None, integration)
    return cards[0] if cards else None


async def operations(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    days: int = 30,
    *,
    config: Config,
    operation: str | None = None,
    closed: ClosedDays | None = None,
) -> list[OperationUse]:
    """Who uses which old operation, by operation, the one that calls it most first."""
    cards, _ = await _cards(store, catalogue, now, Window.of(now, days), config, closed)
    return _by_operation(cards, operation)


def uses_of(seen: Overview, operation: str | None = None) -> list[OperationUse]:
    """The same of an overview that is there already."""
    return _by_operation(seen.integrations, operation)


def _by_operation(cards: Iterable[Scorecard], operation: str | None) -> list[OperationUse]:
    found = [use for each in cards for use in each.operations if operation in (None, use.operation)]
    return sorted(found, key=lambda each: (each.operation, -each.calls, each.integration))


async def findings(
    store: Store, now: datetime, which: FindingFilter = ANY, *, catalogue: Catalogue | None = None
) -> list[FindingRow]:
    """The findings that fit, open ones first, the worst first, then those seen last. `catalogue` knows the
    successors, whose native calls verify what was fixed; the shim's own when it is left out."""
    async with store.reading() as connection:
        query = sa.select(*_SHORT).where(*_conditions(which, now))
        found = (await connection.execute(query)).mappings().all()
        used = await _used(connection, found, _successors_of(catalogue))
    made = [_finding(each, used, now) for each in found]
    chosen = [each for each in made if _fits(each, which)]
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
    found = await findings(store, now, which, catalogue=catalogue)
    query = sa.select(FINDINGS).where(*_conditions(which, now))
    async with store.reading() as connection:
        samples = {row["id"]: _sample(row) for row in (await connection.execute(query)).mappings()}
    return [_page(row, samples.get(row.id)) for row in found]


async def logins(
    store: Store, integration: str | None = None, *, start: int = 0, most: int = 5, text: str = ""
) -> LoginPage:
    """Refused logins, those that came last first, of one integration or of all."""
    async with store.reading() as connection:
        return await rows.logins(connection, integration, start, most, text)


async def planned(store: Store, now: datetime, integration: str) -> list[ShownBrownout]:
    """Planned refusals of 2.5 calls that are under way or to come."""
    async with store.reading() as connection:
        return await rows.planned(connection, now, integration)


async def finding(
    store: Store, now: datetime, id: int, *, catalogue: Catalogue | None = None
) -> FindingPage | None:
    """One finding with its sample, its days and its history; None when there is none."""
    async with store.reading() as connection:
        found = (await connection.execute(sa.select(FINDINGS).where(FINDINGS.c.id == id))).mappings().all()
        if not found:
            return None
        used = await _used(connection, found, _successors_of(catalogue))
        days = (await connection.execute(_of(FINDING_DAYS, id).order_by(FINDING_DAYS.c.day))).mappings().all()
        events = (await connection.execute(_of(FINDING_EVENTS, id).order_by(FINDING_EVENTS.c.id))).all()
    return replace(
        _page(_finding(found[0], used, now), _sample(found[0])),
        days=tuple((date.fromisoformat(each["day"]), each["count"]) for each in days),
        history=tuple(
            FindingEvent(utc(each.at), each.who, each.was, each.became, each.text) for each in events
        ),
    )


def _page(row: FindingRow, sample: Sample | None) -> FindingPage:
    kind = kind_of(row.code) or _NO_KIND
    return FindingPage(row=row, meaning=kind.meaning, do=kind.do, sample=sample, days=(), history=())


# ---- scorecards ----


async def _cards(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    window: Window,
    config: Config,
    closed: ClosedDays | None,
    only: str | None = None,
) -> tuple[list[Scorecard], Mapping[str, LastSeen]]:
    """Scorecards of all, or of one, and what was read for them; without the callers, when it is of all."""
    configured = {each.name for each in config.integrations}
    async with store.reading() as connection:
        climbing = {each.name for each in config.integrations if each.porting}
        seen = await _seen(connection, window, now, closed, only, climbing)
        noted = await rows.notes(connection, only)
        if only is not None:
            seen[only].callers, seen[only].more_callers = await rows.callers(connection, only)
    for each in config.integrations:
        seen[each.name].about = _about(each, noted.get(each.name))
        for scope, rung in each.porting.items():
            seen[each.name].rungs.setdefault(scope, Placed(each.name, scope, rung, None))
    for name, note in noted.items():
        if name not in configured:
            seen[name].about = _about(None, note)
    known = successors(catalogue)
    names = sorted(configured | {name for name, each in seen.items() if each.old or each.new or each.called})
    cards = []
    for name in names if only is None else {only} & set(names):
        cards.append(build(name, seen[name], known, window, now, configured=name in configured))
        await asyncio.sleep(0)  # calls are served by the same loop
    return cards, seen


async def _seen(
    connection: AsyncConnection,
    window: Window,
    now: datetime,
    closed: ClosedDays | None,
    only: str | None,
    climbing: Collection[str],
) -> defaultdict[str, LastSeen]:
    seen: defaultdict[str, LastSeen] = defaultdict(LastSeen)
    if closed is not None and only is None:
        uses, days = await closed.read(connection, window, now)
    else:
        uses, days = await read(connection, window, only, days=DAYS)
    for use in uses:
        if use.side == "old":
            seen[use.integration].old.append(use)
        else:
            seen[use.integration].new[use.operation] = use
    for count in days:
        seen[count.integration].days.append(count)
    for met in await rows.met(connection, window, now, only, climbing):
        seen[met.integration].met[met.operation].append(met)
    for placed in await rows.placed(connection, only):
        seen[placed.integration].rungs[placed.operation] = placed
    for name, called in (await rows.called(connection, only)).items():
        seen[name].called = called
    for fault in await rows.faults(connection, window, only):
        seen[fault.integration].faults.append(fault)
    return seen


def _about(written: Integration | None, note: rows.Note | None) -> About:
    """Notes of the page over those of the configuration."""
    about = About()
    if written is not None:
        about = About(written.owner or "", written.contact or "", written.link or "", written.notes or "")
    return about if note is None else replace(about, notes=note.text, by=note.who, at=note.at)


def _failing_first(card: Scorecard) -> tuple[bool, int, bool, int, int, str]:
    """Who fails needs help today; after that, the most left to do."""
    failing = card.failures.failing
    faults = card.failures.faults.week if failing else 0
    return not failing, -faults, card.done, -card.left, -card.old_calls, card.integration


def _sum(of: Iterable[tuple[Day, ...]]) -> tuple[Day, ...]:
    return tuple(
        Day(each[0].day, sum(day.old for day in each), sum(day.new for day in each))
        for each in zip(*of, strict=True)
    )


# ---- findings ----

SERIOUS = ("refused", "loss", "warning")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


_SHORT = tuple(column for column in FINDINGS.c if column.name not in ("sample", "sample_at"))


def _conditions(which: FindingFilter, now: datetime) -> list[sa.ColumnElement[bool]]:
    """The part of a filter that the database can do; the rest depends on what is derived."""
    wanted = {name: getattr(which, name) for name in ("integration", "operation", "code", "severity")}
    found: list[sa.ColumnElement[bool]] = [
        FINDINGS.c[name] == value for name, value in wanted.items() if value is not None
    ]
    row = FINDINGS.c
    if which.text:
        titles = [code for code, kind in KINDS.items() if which.text.lower() in kind.title.lower()]
        named = [each.icontains(which.text, autoescape=True) for each in (row.operation, row.path, row.code)]
        found.append(sa.or_(*named, row.code.in_(titles)))
    if which.since is not None:
        found.append(row.last_seen >= _midnight(which.since))
    if which.until is not None:
        found.append(row.first_seen < _midnight(which.until + timedelta(days=1)))
    if which.serious:
        found.append(row.severity.in_(SERIOUS))
    if which.open is not None:
        found.append(still_open(now) if which.open else sa.not_(still_open(now)))
    return found


def _fits(row: FindingRow, which: FindingFilter) -> bool:
    return which.state in (None, row.state) and which.open in (None, row.open)


async def _used(
    connection: AsyncConnection, found: Iterable[sa.RowMapping], known: Mapping[str, SuccessorCalls]
) -> dict[int, datetime]:
    """When the operation of each fixed finding, or a successor of it, was last called."""
    fixed = [each for each in found if each["state"] == "fixed"]
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
    told = json.loads(row["sample"])
    calls = tuple(
        SampleCall(each["operation"], each["endpoint"], each["soap_action"], each["xml"])
        for each in told["calls"]
    )
    at = utc(row["sample_at"]) if row["sample_at"] else utc(row["last_seen"])
    return Sample(at.astimezone(UTC), told["old"], calls, told.get("more", 0))


def _of(table: sa.Table, id: int) -> sa.Select[Any]:
    return sa.select(table).where(table.c.finding == id)


@cache
def _shipped() -> Mapping[str, SuccessorCalls]:
    return successors(shipped())


def _successors_of(catalogue: Catalogue | None) -> Mapping[str, SuccessorCalls]:
    return successors(catalogue) if catalogue is not None else _shipped()
