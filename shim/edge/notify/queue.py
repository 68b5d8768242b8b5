"""The queue of notifications in the store: a restart loses none, and replicas do not send the same twice.

Laws: a notice and its deliveries are written together, or not at all; a delivery is claimed before it is sent,
for a while after which another may try; what was sent and not noted goes out again under the same ID.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.edge.notify.notice import Notice, Sending
from shim.edge.notify.tables import DELIVERIES, MARKS, NOTICES
from shim.edge.settings.notify import Notify
from shim.edge.store.database import Store, utc
from shim.edge.store.inserts import insert

KEPT = timedelta(days=30)
"""How long it is remembered what was told."""
_CLAIM = 120.0
_AT_ONCE = 20
_KEYS = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way to a receiver, as `shim notify list` shows it."""

    notice: str
    event: str
    subject: str
    receiver: str
    state: str
    attempts: int
    at: datetime
    due_at: datetime
    done_at: datetime | None
    problem: str


async def put(
    connection: AsyncConnection, notice: Notice, receivers: Mapping[str, Iterable[str]], now: datetime
) -> bool:
    """Queue a notice for everybody who wants its event; False when it was told already."""
    row = {
        "id": secrets.token_hex(8),
        "key": notice.key,
        "event": notice.event,
        "at": now,
        "body": notice.body(),
    }
    insert = insert_into(connection, NOTICES).on_conflict_do_nothing(index_elements=["key"])
    if (await connection.execute(insert.values(**row))).rowcount != 1:
        return False
    fresh = {"notice": row["id"], "state": "waiting", "attempts": 0, "due_at": now, "problem": ""}
    rows = [{**fresh, "receiver": name} for name, events in receivers.items() if notice.event in events]
    if rows:
        await connection.execute(sa.insert(DELIVERIES), rows)
    return True


async def known(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    """Those of these keys that were told already."""
    known_keys: set[str] = set()
    for start in range(0, len(keys), _KEYS):
        query = sa.select(NOTICES.c.key).where(NOTICES.c.key.in_(keys[start : start + _KEYS]))
        known_keys |= set((await connection.execute(query)).scalars())
    return known_keys


async def claim(store: Store) -> list[Sending]:
    """Deliveries that are due and now this process's to send; the oldest first. Raises BackendError."""
    now = store.now()
    due = (DELIVERIES.c.state == "waiting") & (DELIVERIES.c.due_at <= now)
    columns = (*DELIVERIES.c, NOTICES.c.at, NOTICES.c.body)
    query = sa.select(*columns).join(NOTICES, NOTICES.c.id == DELIVERIES.c.notice).where(due)
    async with store.reading() as connection:
        rows = (await connection.execute(query.order_by(NOTICES.c.at, NOTICES.c.id).limit(_AT_ONCE))).all()
    if not rows:
        return []
    ours = []
    async with store.writing() as connection:
        for row in rows:
            taken = {"due_at": now + timedelta(seconds=_CLAIM), "attempts": row.attempts + 1}
            change = sa.update(DELIVERIES).where(due, *_this(row.notice, row.receiver)).values(**taken)
            if (await connection.execute(change)).rowcount == 1:
                body = json.loads(row.body)
                ours.append(Sending(row.notice, row.receiver, utc(row.at), row.attempts + 1, body))
    return ours


async def sent(store: Store, sending: Sending) -> None:
    """Note that a receiver has it. Raises BackendError."""
    await _note(store, sending, {"state": "sent", "done_at": store.now(), "problem": ""})


async def failed(store: Store, sending: Sending, problem: str, settings: Notify) -> datetime | None:
    """Note that it was not taken, and why: when it is tried again, or None when it is given up. Raises
    BackendError."""
    now = store.now()
    wait = min(settings.first_retry * 2 ** min(sending.attempts - 1, 30), settings.longest_retry)
    again = now + timedelta(seconds=wait)
    if again > sending.at + timedelta(seconds=settings.give_up):
        await _note(store, sending, {"state": "given-up", "done_at": now, "problem": problem})
        return None
    await _note(store, sending, {"due_at": again, "problem": problem})
    return again


async def _note(store: Store, sending: Sending, values: Mapping[str, Any]) -> None:
    async with store.writing() as connection:
        change = sa.update(DELIVERIES).where(*_this(sending.id, sending.receiver)).values(**values)
        await connection.execute(change)


def _this(notice: str, receiver: str) -> tuple[sa.ColumnElement[bool], ...]:
    return DELIVERIES.c.notice == notice, DELIVERIES.c.receiver == receiver


async def deliveries(store: Store, *, everything: bool = False) -> list[Delivery]:
    """Deliveries that wait and that were given up, newest first; or everything. Raises BackendError."""
    query = sa.select(*DELIVERIES.c, NOTICES.c.at, NOTICES.c.event, NOTICES.c.body).join(
        NOTICES, NOTICES.c.id == DELIVERIES.c.notice
    )
    if not everything:
        query = query.where(DELIVERIES.c.state != "sent")
    async with store.reading() as connection:
        rows = (await connection.execute(query.order_by(NOTICES.c.at.desc(), NOTICES.c.id))).all()
    return [
        Delivery(
            row.notice,
            row.event,
            json.loads(row.body)["subject"],
            row.receiver,
            row.state,
            row.attempts,
            utc(row.at),
            utc(row.due_at),
            utc(row.done_at) if row.done_at else None,
            row.problem,
        )
        for row in rows
    ]


async def forget_old(store: Store) -> None:
    """Forget what was told long ago. Raises BackendError."""
    old = NOTICES.c.at < store.now() - KEPT
    async with store.writing() as connection:
        gone = sa.select(NOTICES.c.id).where(old)
        await connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.notice.in_(gone)))
        await connection.execute(sa.delete(NOTICES).where(old))


# ---- marks ----


async def mark(connection: AsyncConnection, name: str) -> str | None:
    query = sa.select(MARKS.c.value).where(MARKS.c.name == name)
    value: str | None = (await connection.execute(query)).scalar_one_or_none()
    return value


async def set_mark(connection: AsyncConnection, name: str, value: str) -> None:
    insert = insert_into(connection, MARKS)
    fresh = {"value": insert.excluded.value}
    await connection.execute(
        insert.on_conflict_do_update(index_elements=["name"], set_=fresh), {"name": name, "value": value}
    )


def insert_into(connection: AsyncConnection, table: sa.Table) -> Any:
    """An insert that knows conflicts, for the engine of a connection."""
    return insert(connection.dialect.name, table)
