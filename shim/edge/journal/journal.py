"""Journal: the entries of calls that become several writes, in the same store, with leases.

Laws: an entry is one owner's at a time, told by epoch and lease, and no write is made for one that is not held;
whatever lease has run out may be taken over by any replica; an answer is kept until the client has it, else for
a day; what was needed to redo or undo is dropped when an entry ends, and none of it is logged.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from shim.core.commands.extensions import Identity
from shim.core.commands.journal import Begin, Close, MarkSteps, Opened, lock_of
from shim.edge.journal.faults import client_left, lost, still_paused, still_running
from shim.edge.journal.operating import BRIEFLY, JournalDesk
from shim.edge.journal.tables import (
    BY_ID,
    DELIVERED,
    ENTRIES,
    HELD,
    UNDER_WAY,
    JournalEntry,
    drop_payloads,
    entry_of,
    equal_entries,
    new_entry,
    supersede,
    write_steps,
)
from shim.edge.store.database import utc
from shim.edge.store.elements import from_json, to_json
from shim.edge.store.statements import StoredRow, execute

log = structlog.get_logger()

_POLL = 0.1
_LONGEST_PAUSE = 300.0
_BATCH = 8


@dataclass(slots=True)
class _Held:
    """An entry that is ours; `worker` is the task that works on it: once that has ended, nobody does."""

    epoch: int
    until: float
    worker: asyncio.Task[Any] | None = field(default_factory=asyncio.current_task)


@dataclass(frozen=True, slots=True)
class _Blocked:
    entry: str
    paused: bool


@dataclass(frozen=True, slots=True)
class ClosedEntry:
    """How an entry was ended, or left, in a transaction: the row before it, and the state after it.

    `to_deliver`: its answer is kept, and the entry stays ours for a lease, until `JournalStore.delivered` says
    whether the client has it.
    """

    row: StoredRow
    state: str
    why: str
    recovered: bool
    to_deliver: bool


@dataclass(slots=True)
class JournalStore(JournalDesk):
    """The journal of one process. Methods raise StoreError (`store-unavailable`) when the database fails."""

    monotonic: Callable[[], float] = time.monotonic
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    _held: dict[str, _Held] = field(default_factory=dict)
    _abandoned: set[str] = field(default_factory=set)
    _receipts: dict[str, bool] = field(default_factory=dict)
    _newer: set[str] = field(default_factory=set)

    # ---- a call under way ----

    async def begin(
        self, integration: str, command: Begin, has_left: Callable[[], bool] = lambda: False
    ) -> Opened:
        """Open an entry, or give the answer that nobody received. See `shim.core.commands.journal.Begin`.

        A call whose client `has_left` is not begun: it may have called again since, and would be served twice.
        Raises ShimError (`client-left`) then.
        """
        until = self.monotonic() + self.settings.wait
        driven: str | None = None
        while True:
            if has_left():
                raise client_left()
            opened = await self._open(integration, command)
            if isinstance(opened, Opened):
                return opened
            if opened.paused and driven == opened.entry:
                raise still_paused(opened.entry)
            if opened.paused:
                driven = opened.entry
                await self.redrive(opened.entry)
            self.wake.set()
            if self.monotonic() >= until:
                raise still_running(opened.entry)
            await asyncio.sleep(_POLL)

    async def _open(self, integration: str, command: Begin) -> Opened | _Blocked:
        key = f"{integration} {command.operation} {command.key}"
        began, now = self.monotonic(), self.store.steady()
        entry = JournalEntry.new(integration, command, key, self.owner, now, self._lease(now))
        opened = Opened(entry["id"], 1)

        def write(connection: sa.Connection) -> Opened | _Blocked:
            for row in equal_entries(connection, key, command.lock):
                outcome = self._equal(connection, row, now)
                if outcome is not None:
                    return outcome
            if execute(connection, new_entry(connection.dialect.name), entry).count != 1:
                return _Blocked("", paused=False)
            write_steps(connection, opened.entry, enumerate(command.steps), now)
            return opened

        with self._unless_told([opened.entry]):
            outcome = await self.store.write(write)
        if outcome is opened:
            self._held[opened.entry] = _Held(1, began + self.settings.lease)
        return outcome

    @contextmanager
    def _unless_told(self, entries: Sequence[str]) -> Iterator[None]:
        """Entries that may be in the store, as ours, although it did not say so: recovery may have them."""
        try:
            yield
        except BaseException:
            self._abandoned.update(entries)
            raise

    def _equal(self, connection: sa.Connection, row: StoredRow, now: datetime) -> Opened | _Blocked | None:
        """The meaning of an entry of an equal call, or of one with the same lock, for a new call."""
        if row.state != "done-unclean":
            return _Blocked(row.id, paused=row.state == "paused")
        if utc(row.lease_until) > now:
            return _Blocked(row.id, paused=False)
        if row.answer is None or utc(row.updated_at) < now - timedelta(seconds=self.settings.keep):
            return None
        taken = {"owner": self.owner, "epoch": row.epoch + 1, "lease_until": self._lease(now)}
        connection.execute(sa.update(ENTRIES).where(ENTRIES.c.id == row.id).values(**taken))
        return Opened(row.id, row.epoch + 1, from_json(row.answer))

    async def mark(self, command: MarkSteps) -> None:
        """Write down where steps stand, and hold the entry for another lease."""
        began, now = self.monotonic(), self.store.steady()

        def write(connection: sa.Connection) -> None:
            self._update(connection, command.opened, {"state": command.state}, self._lease(now))
            write_steps(connection, command.opened.entry, command.steps, now)

        await self.store.write(write)
        held = self._held.get(command.opened.entry) or _Held(command.opened.epoch, 0)
        self._held[command.opened.entry] = replace(held, until=began + self.settings.lease)

    async def close(self, command: Close, *, recovered: bool = False, delivers: bool = False) -> ClosedEntry:
        """End an entry, or leave it.

        `recovered`: no client waits for its answer, which is kept for an equal call. `delivers`: one does, and
        the caller says with `delivered` whether it got there. Without both the answer is not kept.
        """
        end = partial(self.end, command=command, learned=(), recovered=recovered, delivers=delivers)
        ended = await self.store.write(end)
        self.ended(ended)
        return ended

    def end(
        self,
        connection: sa.Connection,
        command: Close,
        learned: tuple[Identity, ...],
        *,
        recovered: bool = False,
        delivers: bool = False,
    ) -> ClosedEntry:
        """The same in a transaction of the caller's, who says `ended` once it is committed."""
        opened, now = command.opened, self.store.steady()
        row = _row(connection, opened.entry)
        answer = to_json(command.answering(learned)) if command.answering is not None else row.answer
        values, lease = self._closed(command, row, answer, now, recovered=recovered, delivers=delivers)
        over = values["state"] not in ("paused", *UNDER_WAY)
        if over:
            values["subject"] = None
        self._update(connection, opened, values, lease)
        write_steps(connection, opened.entry, command.steps, now, over=over)
        if over:
            drop_payloads(connection, [opened.entry])
        if command.state == "done" and row.subject is not None:
            supersede(connection, row.subject)
        for number in command.gone:
            supersede(connection, lock_of(number))
        return ClosedEntry(row, values["state"], command.why, recovered, lease > now)

    def ended(self, ended: ClosedEntry) -> None:
        """Note that the writes of `end` are committed."""
        entry = ended.row.id
        self._held.pop(entry, None)
        self.metrics.journal_ended(ended.state, recovered=ended.recovered)
        if ended.recovered or ended.state not in ("done-clean", "done-unclean"):
            about = {"integration": ended.row.integration, "operation": ended.row.operation}
            log.warning(
                "journal", entry=entry, result=ended.state, why=ended.why, recovered=ended.recovered, **about
            )

    def _closed(
        self,
        command: Close,
        row: StoredRow,
        answer: str | None,
        now: datetime,
        *,
        recovered: bool,
        delivers: bool,
    ) -> tuple[dict[str, Any], datetime]:
        """The new values of an entry, and how long it stays ours."""
        if command.state == "done":
            kept = answer is not None and (recovered or delivers)
            state, answer = ("done-unclean", answer) if kept else ("done-clean", None)
            waits = kept and not recovered
            return {"state": state, "answer": answer, "why": ""}, self._lease(now) if waits else now
        if command.state in ("undone", "paused"):
            answer = row.answer if command.state == "paused" else None
            return {"state": command.state, "answer": answer, "why": command.why}, now
        attempts = row.attempts + (recovered and not command.settling)
        pause = self.settings.settle if command.settling else min(_LONGEST_PAUSE, 2.0**attempts)
        values = {"attempts": attempts, "due_at": now + timedelta(seconds=pause), "why": command.why}
        state = "paused" if attempts >= self.settings.attempts else command.state
        return {**values, "state": state}, now

    async def delivered(self, entry: str, received: bool) -> None:
        """Note that the client has the answer of an entry, or not: then an equal call gets it.

        What the store does not take now is written when it is there again, with the next `take`.
        """
        try:
            await self._deliver(entry, received)
        except BaseException:
            self._receipts[entry] = received
            raise

    async def _deliver(self, entry: str, received: bool) -> None:
        now = self.store.steady()
        values: dict[str, Any] = {"lease_until": now, "updated_at": now, "told": entry, "held_by": self.owner}
        if received:
            values |= {"state": "done-clean", "answer": None}
        await self.store.write(partial(execute, statement=DELIVERED, values=values))
        self.metrics.journal_ended("delivered" if received else "undelivered", recovered=False)

    async def revoke(self, entries: Sequence[str]) -> None:
        """Drop the answers of entries whose writes were taken back, so that an equal call is made anew."""
        values = {"state": "done-clean", "answer": None, "updated_at": self.store.steady()}
        where = (ENTRIES.c.id.in_(entries), ENTRIES.c.state == "done-unclean")
        query = sa.update(ENTRIES).where(*where).values(**values)
        await self.store.write(partial(_count, query=query))

    # ---- leases ----

    def require(self, opened: Opened) -> None:
        """Raises EntryLost when the entry is not, or not any more, held by us."""
        held = self._held.get(opened.entry)
        if held is None or held.epoch != opened.epoch or self.monotonic() >= held.until:
            raise lost()

    def abandon(self, opened: Opened, *, wake: bool = True) -> None:
        """A call ended without an end: recovery may have its entry, at once or when it looks again."""
        if self._held.pop(opened.entry, None) is not None:
            self._abandoned.add(opened.entry)
            if wake:
                self.wake.set()

    async def renew(self) -> None:
        """Hold what is held for another lease; what nobody works on any more is for recovery instead."""
        for entry, held in list(self._held.items()):
            if held.worker is not None and held.worker.done():
                self.abandon(Opened(entry, held.epoch))
                continue
            began, now = self.monotonic(), self.store.steady()
            ours = {"held": entry, "held_epoch": held.epoch, "held_by": self.owner}
            values = {**ours, "lease_until": self._lease(now)}
            renewed = await self.store.write(partial(execute, statement=HELD, values=values), BRIEFLY)
            if self._held.get(entry) is not held:
                continue
            if renewed.count == 1:
                held.until = began + self.settings.lease
            else:
                self._held.pop(entry, None)

    async def release(self, patience: float | None = None) -> None:
        """Give all leases back: we are about to stop. An SQLite store has no other owner: so at the start.

        A busy SQLite store is waited for `patience` seconds, or as long as for any write. Raises StoreError.
        """
        self._held.clear()
        query = sa.update(ENTRIES).where(ENTRIES.c.state.in_((*UNDER_WAY, "done-unclean")))
        if self.store.shared:
            query = query.where(ENTRIES.c.owner == self.owner)
        now = self.store.steady()
        soon = now + timedelta(
            seconds=_LONGEST_PAUSE
        )  # later than that it can only be by a clock set back since
        due = sa.case((ENTRIES.c.due_at > soon, now), else_=ENTRIES.c.due_at)
        await self.store.write(partial(_count, query=query.values(lease_until=now, due_at=due)), patience)

    async def take(self) -> list[JournalEntry]:
        """Take over entries that nobody holds and that are due, a few at a time.

        Those that a newer release wrote, in a rolling upgrade or before a way back, are left to that one.
        """
        await self._give_up()
        began, now = self.monotonic(), self.store.steady()
        due = (ENTRIES.c.state.in_(UNDER_WAY), ENTRIES.c.due_at <= now, ENTRIES.c.lease_until <= now)
        known = ENTRIES.c.id.not_in(self._newer)
        query = sa.select(ENTRIES).where(*due, known).order_by(ENTRIES.c.due_at, ENTRIES.c.id).limit(_BATCH)
        settled = now - timedelta(seconds=self.settings.settle)
        ours: list[str] = []

        def write(connection: sa.Connection) -> list[JournalEntry]:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            entries = [entry_of(connection, row, row.epoch + 1, settled) for row in rows]
            for entry in entries:
                if not entry.newer:
                    ours.append(entry.id)
                    values = {"owner": self.owner, "epoch": entry.epoch, "lease_until": self._lease(now)}
                    connection.execute(sa.update(ENTRIES).where(ENTRIES.c.id == entry.id).values(**values))
            return entries

        with self._unless_told(ours):
            entries = await self.store.write(write, BRIEFLY)
        for entry in entries:
            if entry.newer:
                self._leave(entry)
        taken = [entry for entry in entries if not entry.newer]
        for entry in taken:
            self._held[entry.id] = _Held(entry.epoch, began + self.settings.lease)
        return taken

    def _leave(self, entry: JournalEntry) -> None:
        self._newer.add(entry.id)
        about = {"integration": entry.integration, "operation": entry.operation}
        log.warning("journal entry of a newer release", entry=entry.id, **about)

    async def _give_up(self) -> None:
        """Let go of what is ours and what nobody works on, and write down what was delivered meanwhile."""
        for entry, received in list(self._receipts.items()):
            await self._deliver(entry, received)
            self._receipts.pop(entry, None)
        given_up = [each for each in self._abandoned if each not in self._held]
        if given_up:
            where = (ENTRIES.c.id.in_(given_up), ENTRIES.c.owner == self.owner)
            left = ENTRIES.c.state.in_((*UNDER_WAY, "done-unclean"))
            query = sa.update(ENTRIES).where(*where, left).values(lease_until=self.store.steady())
            await self.store.write(partial(_count, query=query), BRIEFLY)
        self._abandoned.difference_update(given_up)

    def _lease(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.settings.lease)

    def _update(
        self, connection: sa.Connection, opened: Opened, values: dict[str, Any], lease: datetime
    ) -> None:
        values = {**values, "lease_until": lease, "updated_at": self.store.steady()}
        ours = {"held": opened.entry, "held_epoch": opened.epoch, "held_by": self.owner}
        if execute(connection, HELD, {**values, **ours}).count != 1:
            self._held.pop(opened.entry, None)
            raise lost()


# ---- rows ----


def _count(connection: sa.Connection, query: sa.Update) -> int:
    """How many rows it changed."""
    return connection.execute(query).rowcount


def _row(connection: sa.Connection, entry: str) -> StoredRow:
    rows = execute(connection, BY_ID, {"entry": entry}).rows
    if not rows:
        raise lost()
    return rows[0]
