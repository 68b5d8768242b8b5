"""Writes a batch of the deprecation log into the store: in one transaction, once, adding to what is there.

Laws: the first thing that a transaction writes is the batch's ID, where two cannot stand; so a batch whose
commit was not seen may be offered again, also while the first commit is still under way. Rows are written in
the order of their keys, so that two shims never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.errors import StoreError
from shim.edge.deprecation.batch import Batch, Calls, FindingCount, FindingKey
from shim.edge.deprecation.tables import (
    BATCHES,
    CALLERS,
    CLOSED,
    FAULTS,
    FINDING_DAYS,
    FINDING_EVENTS,
    FINDINGS,
    LOGIN_FORMS,
    REFUSED_LOGINS,
    USAGE,
)
from shim.edge.store.database import Store, utc
from shim.edge.store.inserts import insert as insert_into

BUSY = 0.5
"""Seconds that a write waits for another program at an SQLite file: then it is tried again later."""

_REMEMBERED = timedelta(days=90)
_MOST_AT_ONCE = 500
_FINDING = ("integration", "operation", "code", "path")
_AGAIN = "It came again."


async def write(store: Store, batch: Batch, settled: Collection[str] = ()) -> bool:
    """Write a batch; False when it was there already. `settled` are written ones that will not come again.

    Raises StoreError (`store-unavailable`), after which it may be there or not: see `is_permanent`.
    """
    async with store.writing(BUSY) as connection:
        await forget(connection, settled)
        mark = {"id": batch.id, "written_at": store.now()}
        marked = await connection.execute(_insert(connection, BATCHES).on_conflict_do_nothing(), mark)
        if marked.rowcount != 1:
            return False
        if any(day < store.now().date().isoformat() for day, *_ in batch.usage):
            await reopen_days(connection)
        await _write_calls(connection, USAGE, batch.usage)
        await _write_calls(connection, CALLERS, batch.callers)
        await _write_calls(connection, FAULTS, batch.faults)
        await _write_calls(connection, REFUSED_LOGINS, batch.logins)
        await _write_calls(connection, LOGIN_FORMS, batch.forms)
        await _write_findings(connection, batch.findings)
    return True


async def reopen_days(connection: AsyncConnection) -> None:
    """Say that days that are over change, so that their sums (`closed`) do not hold any more. It comes before
    the change: who adds up meanwhile waits for its end, and sees that it was."""
    await connection.execute(sa.update(CLOSED).values(until="", changes=CLOSED.c.changes + 1))


def is_permanent(error: BaseException) -> bool:
    """True if writing the same again would fail the same way, so that it must not hold up the rest."""
    cause = error.__cause__ if isinstance(error, StoreError) else error
    return not isinstance(error, StoreError) or isinstance(cause, DataError | IntegrityError)


async def forget(connection: AsyncConnection, settled: Iterable[str]) -> None:
    """Forget the IDs of batches that will not come again."""
    ids = list(settled)
    for start in range(0, len(ids), _MOST_AT_ONCE):
        some = BATCHES.c.id.in_(ids[start : start + _MOST_AT_ONCE])
        await connection.execute(sa.delete(BATCHES).where(some))


async def forget_old(store: Store) -> None:
    """Forget IDs of batches that nobody was left to forget. Raises StoreError."""
    old = BATCHES.c.written_at < store.now() - _REMEMBERED
    async with store.writing(BUSY) as connection:
        await connection.execute(sa.delete(BATCHES).where(old))


async def known(
    store: Store, most: int
) -> tuple[list[tuple[FindingKey, datetime | None]], list[Any], list[Any]]:
    """Findings that have rows, with when they were sampled; callers; refused logins. Raises StoreError."""
    query = sa.select(*(FINDINGS.c[name] for name in _FINDING), FINDINGS.c.sample_at)
    async with store.reading() as connection:
        rows = (await connection.execute(query.limit(most))).all()
        callers, logins = [
            [tuple(row) for row in (await connection.execute(sa.select(*keys.columns).limit(most))).all()]
            for keys in (CALLERS.primary_key, REFUSED_LOGINS.primary_key)
        ]
    findings = [(tuple(row[:4]), utc(row[4]) if row[4] else None) for row in rows]
    return findings, callers, logins


# ---- use and callers ----


async def _write_calls(connection: AsyncConnection, table: sa.Table, totals: Mapping[Any, Calls]) -> None:
    if not totals:
        return
    keys = [column.name for column in table.primary_key.columns]
    counted = [name for name in ("calls", "faults", "unchecked") if name in table.c]
    insert = _insert(connection, table)
    fresh = {name: table.c[name] + insert.excluded[name] for name in counted} | _seen(table, insert.excluded)
    rows = [
        dict(zip(keys, key, strict=True))
        | {"calls": each.calls, "first_seen": each.first, "last_seen": each.last}
        | dict.fromkeys(counted[1:], each.faults)
        for key, each in sorted(totals.items(), key=_key)
    ]
    await connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh), rows)


def _seen(table: sa.Table, excluded: Any) -> dict[str, Any]:
    first, last = table.c.first_seen, table.c.last_seen
    return {
        "first_seen": sa.case((excluded.first_seen < first, excluded.first_seen), else_=first),
        "last_seen": sa.case((excluded.last_seen > last, excluded.last_seen), else_=last),
    }


# ---- findings ----


async def _write_findings(connection: AsyncConnection, findings: Mapping[FindingKey, FindingCount]) -> None:
    if not findings:
        return
    ordered = sorted(findings.items(), key=_key)
    await connection.execute(_upsert_findings(connection), [_row(*each) for each in ordered])
    await _reopen(connection, findings)
    days = [
        _named(key) | {"day_": day, "count_": count}
        for key, counted in ordered
        for day, count in sorted(counted.days.items())
    ]
    await connection.execute(_upsert_days(connection), days)


def _row(key: FindingKey, counted: FindingCount) -> dict[str, Any]:
    return dict(zip(_FINDING, key, strict=True)) | {
        "severity": counted.severity,
        "because": counted.because,
        "place": counted.v3_path,
        "count": counted.count,
        "first_seen": counted.first,
        "last_seen": counted.last,
        "sample": counted.sample,
        "sample_at": counted.sample_at,
        "state": "new",
        "state_at": counted.first,
    }


def _upsert_findings(connection: AsyncConnection) -> Any:
    """Counts add up; what is said of it and its sample follow the newest; its state stays."""
    insert = _insert(connection, FINDINGS)
    was, new = FINDINGS.c, insert.excluded
    newest = new.last_seen >= was.last_seen
    fresh = {name: sa.case((newest, new[name]), else_=was[name]) for name in ("severity", "because", "place")}
    sampled = sa.and_(new.sample.is_not(None), sa.or_(was.sample_at.is_(None), new.sample_at >= was.sample_at))
    fresh |= {name: sa.case((sampled, new[name]), else_=was[name]) for name in ("sample", "sample_at")}
    fresh |= {"count": was.count + new["count"]} | _seen(FINDINGS, new)
    return insert.on_conflict_do_update(index_elements=_FINDING, set_=fresh)


def _upsert_days(connection: AsyncConnection) -> Any:
    chosen = sa.select(
        FINDINGS.c.id,
        sa.bindparam("day_", type_=sa.Text),
        sa.bindparam("count_", type_=sa.BigInteger),
    ).where(*_that())
    insert = _insert(connection, FINDING_DAYS)
    fresh = {"count": FINDING_DAYS.c["count"] + insert.excluded["count"]}
    return insert.from_select(["finding", "day", "count"], chosen).on_conflict_do_update(
        index_elements=["finding", "day"], set_=fresh
    )


async def _reopen(connection: AsyncConnection, findings: Mapping[FindingKey, FindingCount]) -> None:
    """Make findings new again that came after they were said to be fixed. Their rows are locked already."""
    columns = [FINDINGS.c[name] for name in ("id", *_FINDING, "state_at")]
    among = FINDINGS.c.integration.in_({key[0] for key in findings})
    for row in (await connection.execute(sa.select(*columns).where(FINDINGS.c.state == "fixed", among))).all():
        counted = findings.get(tuple(row[1:5]))
        if counted is None or counted.last <= utc(row.state_at):
            continue
        again = {"state": "new", "state_at": counted.last, "until": None}
        await connection.execute(sa.update(FINDINGS).where(FINDINGS.c.id == row.id).values(**again))
        event = {"finding": row.id, "at": counted.last, "who": "shim", "was": "fixed", "became": "new"}
        await connection.execute(sa.insert(FINDING_EVENTS).values(**event, text=_AGAIN))


def _that() -> list[sa.ColumnElement[bool]]:
    return [FINDINGS.c[name] == sa.bindparam(f"{name}_", type_=sa.Text) for name in _FINDING]


def _named(key: FindingKey) -> dict[str, str]:
    return {f"{name}_": value for name, value in zip(_FINDING, key, strict=True)}


def _key(item: tuple[Any, Any]) -> Any:
    return item[0]


def _insert(connection: AsyncConnection, table: sa.Table) -> Any:
    return insert_into(connection.dialect.name, table)
