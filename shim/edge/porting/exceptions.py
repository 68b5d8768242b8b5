"""Exceptions to a lock: one more while for a program that is not ready, with somebody who answers for it.

Laws: each has an owner, a reason and an end, and ends by itself; while it holds, a locked call is served as on
the rung `v3`, and is a finding; it lifts nothing but locks. Both its ends stand in the history.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from shim.core.admit import covers, pattern_problem, scope_of
from shim.core.commands.caller import Rung
from shim.edge.deprecation.tables import FAULTS, LOCK_EXCEPTIONS
from shim.edge.porting.brownouts import PortingRefused, note
from shim.edge.store.database import Store, utc
from shim.interfaces.load import old

LONGEST = timedelta(days=90)
_LONGEST_TEXT = 500
_LONGEST_OWNER = 200


@dataclass(frozen=True, slots=True)
class LockException:
    """Calls of an operation, of `Service.*` or `*` pass although they are locked, until then."""

    id: str
    integration: str
    operation: str
    owner: str
    reason: str
    who: str
    created_at: datetime
    until: datetime
    ended_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.until


def lifted(rungs: Mapping[str, Rung], exceptions: Iterable[str]) -> Mapping[str, Rung]:
    """Rungs by scope, with the locks that exceptions for these scopes take in lifted to `v3`."""
    lower = dict(rungs)
    for scope in exceptions:
        for each, rung in rungs.items():
            if rung == "locked" and covers(scope, each):
                lower[each] = "v3"
        decides = scope_of(scope, rungs)
        if decides is not None and rungs[decides] == "locked":
            lower[scope] = "v3"
    return lower


async def read_exceptions(
    store: Store, integration: str | None = None, *, everything: bool = False
) -> list[LockException]:
    """Those that hold now, of one integration or of all, by their end; with `everything` those that are over as
    well. Raises StoreError when the store fails."""
    row = LOCK_EXCEPTIONS.c
    query = sa.select(LOCK_EXCEPTIONS).order_by(row.until, row.id)
    if integration is not None:
        query = query.where(row.integration == integration)
    if not everything:
        query = query.where(row.ended_at.is_(None), row.until > store.now())
    async with store.reading() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [_exception(each) for each in rows]


async def grant_exception(
    store: Store, integration: str, operation: str, owner: str, reason: str, until: datetime, who: str
) -> LockException:
    """Let locked calls pass until then. Raises PortingRefused when something is missing or makes no sense."""
    now = store.now()
    _judge(operation, owner.strip(), reason.strip(), until, now)
    exception = LockException(
        secrets.token_hex(4), integration, operation, owner.strip(), reason.strip(), who, now, until
    )
    values = {name: getattr(exception, name) for name in LOCK_EXCEPTIONS.c.keys()}  # noqa: SIM118  # columns
    async with store.writing() as connection:
        await connection.execute(sa.insert(LOCK_EXCEPTIONS).values(**values))
        text = f"{exception.owner}, until {until:%Y-%m-%d %H:%M} UTC: {exception.reason}"
        await note(connection, now, who, integration, operation, "locked", "exception", text)
    return exception


async def end_exception(store: Store, id: str, who: str) -> LockException | None:
    """End one before its time; None when it is over, or there is none of that ID."""
    now, row = store.now(), LOCK_EXCEPTIONS.c
    holds = sa.and_(row.id == id, row.ended_at.is_(None), row.until > now)
    async with store.writing() as connection:
        query = sa.select(LOCK_EXCEPTIONS).where(holds).with_for_update()
        columns = (await connection.execute(query)).mappings().first()
        if columns is None:
            return None
        await connection.execute(sa.update(LOCK_EXCEPTIONS).where(row.id == id).values(ended_at=now))
        exception = _exception({**columns, "ended_at": now})
        await note(
            connection, now, who, exception.integration, exception.operation, "exception", "locked", "ended"
        )
    return exception


@dataclass(frozen=True, slots=True)
class LockedCalls:
    """Calls of an operation that locks refused on the days looked at; `days` counts those with such calls."""

    integration: str
    operation: str
    calls: int
    days: int
    last_seen: datetime


async def refused_by_locks(store: Store, days: int, integration: str | None = None) -> list[LockedCalls]:
    """The calls that locks refused in the last days, today included, and no exception lets pass now: those that
    an exception could be granted for. Those with most calls first. Raises StoreError when the store fails."""
    since = (store.now() - timedelta(days=days - 1)).date()
    row = FAULTS.c
    query = (
        sa.select(
            row.integration,
            row.operation,
            sa.func.sum(row.calls).label("calls"),
            sa.func.count().label("days"),
            sa.func.max(row.last_seen).label("last_seen"),
        )
        .where(row.reason == "locked", row.day >= since.isoformat())
        .group_by(row.integration, row.operation)
    )
    if integration is not None:
        query = query.where(row.integration == integration)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    holding = await read_exceptions(store, integration)
    refused = [
        LockedCalls(each.integration, each.operation, int(each.calls), each.days, utc(each.last_seen))
        for each in rows
        if not any(
            held.integration == each.integration and covers(held.operation, each.operation) for held in holding
        )
    ]
    return sorted(refused, key=lambda each: (-each.calls, each.integration, each.operation))


def _judge(operation: str, owner: str, reason: str, until: datetime, now: datetime) -> None:
    if problem := pattern_problem(old(), operation):
        raise PortingRefused(problem)
    if not owner or not reason:
        raise PortingRefused("an exception needs an owner, who answers for it, and a reason")
    if len(owner) > _LONGEST_OWNER or len(reason) > _LONGEST_TEXT or not (owner + reason).isprintable():
        raise PortingRefused(f"owner and reason are one line each, of at most {_LONGEST_TEXT} characters")
    if until <= now:
        raise PortingRefused("an exception ends in the future")
    if until - now > LONGEST:
        raise PortingRefused(f"an exception lasts {LONGEST.days} days at most: take the lock back instead")


def _exception(row: Mapping[str, object] | sa.RowMapping) -> LockException:
    plain = {str(name): value for name, value in row.items()}
    times = {name: utc(plain[name]) for name in ("created_at", "until")}  # type: ignore[arg-type]
    ended = plain["ended_at"]
    return LockException(**plain | times | {"ended_at": utc(ended) if ended else None})  # type: ignore[arg-type]
