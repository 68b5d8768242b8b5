"""The journal as its operator sees it: what is under way, what waits for a person, and what a person may do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from shim.edge.journal.tables import ENTRIES, STEPS, UNDER_WAY, JournalEntry, drop_payloads, entry_of
from shim.edge.settings.model import JournalSettings
from shim.edge.store.database import Store, utc
from shim.edge.telemetry.metrics import Metrics

BRIEFLY = 1.0
"""Seconds that what is done beside the calls waits for another program that writes into an SQLite store: it is
tried again soon, and must not hold up the end of the shim."""


@dataclass(frozen=True, slots=True)
class JournalStanding:
    """How many entries are under way, how many of those longer than a lease, how many paused.

    `oldest` is the age of the oldest that is under way, seconds.
    """

    under_way: int = 0
    overdue: int = 0
    paused: int = 0
    oldest: float = 0.0


@dataclass(slots=True)
class JournalDesk:
    """The journal as commands, metrics and readiness need it. Methods raise StoreError.

    `wake` is set when there is work for recovery; `metrics` count how entries ended.
    """

    store: Store
    settings: JournalSettings = field(default_factory=JournalSettings)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    metrics: Metrics = field(default_factory=Metrics)

    async def entries(self, *states: str) -> list[JournalEntry]:
        """The entries in these states, or all, oldest first."""
        query = sa.select(ENTRIES).order_by(ENTRIES.c.created_at, ENTRIES.c.id)
        if states:
            query = query.where(ENTRIES.c.state.in_(states))
        now = self.store.steady()

        def read(connection: sa.Connection) -> list[JournalEntry]:
            return [entry_of(connection, row, row.epoch, now) for row in connection.execute(query).all()]

        return await self.store.read(read)

    async def paused(self) -> list[JournalEntry]:
        """An entry that can neither be finished nor undone: `repairs` has the v3 calls that would."""
        return await self.entries("paused")

    async def redrive(self, entry: str) -> bool:
        """Let recovery try an entry now that is paused, or under way. False when there is none.

        Whoever works on it loses it: its next step finds another epoch, and is not made.
        """
        now = self.store.steady()
        again = {"attempts": 0, "due_at": now, "lease_until": now, "epoch": ENTRIES.c.epoch + 1}
        paused = sa.case((ENTRIES.c.policy == "undo", "undoing"), else_="running")
        state = sa.case((ENTRIES.c.state == "paused", paused), else_=ENTRIES.c.state)
        query = sa.update(ENTRIES).where(ENTRIES.c.id == entry, ENTRIES.c.state.in_((*UNDER_WAY, "paused")))
        changed = await self.store.write(
            lambda connection: connection.execute(query.values(state=state, **again)).rowcount
        )
        self.wake.set()
        return changed == 1

    async def standing(self) -> JournalStanding:
        """The counts to watch."""
        now = self.store.steady()
        began = now - timedelta(seconds=self.settings.lease)
        under_way = ENTRIES.c.state.in_(UNDER_WAY)
        query = sa.select(
            sa.func.count().filter(under_way),
            sa.func.count().filter(sa.and_(under_way, ENTRIES.c.created_at < began)),
            sa.func.count().filter(ENTRIES.c.state == "paused"),
            sa.func.min(ENTRIES.c.created_at).filter(under_way),
        ).where(ENTRIES.c.state.in_((*UNDER_WAY, "paused")))
        row = await self.store.read(lambda connection: connection.execute(query).one())
        running, overdue, paused, first = row
        oldest = max(0.0, (now - utc(first)).total_seconds()) if first else 0.0
        return JournalStanding(running, overdue, paused, oldest)

    async def dismiss(self, entry: str, reason: str) -> bool:
        """The operator has seen to a paused entry. False when there is none."""
        query = sa.update(ENTRIES).where(ENTRIES.c.id == entry, ENTRIES.c.state == "paused")
        values = {"state": "undone", "why": f"dismissed: {reason}", "answer": None, "subject": None}

        def write(connection: sa.Connection) -> bool:
            done = connection.execute(query.values(updated_at=self.store.steady(), **values))
            if done.rowcount == 1:
                drop_payloads(connection, [entry])
            return done.rowcount == 1

        return await self.store.write(write)

    async def purge(self) -> None:
        """Drop what ended longer ago than answers are kept."""
        before = self.store.steady() - timedelta(seconds=self.settings.keep)
        over = (ENTRIES.c.state.in_(("done-clean", "done-unclean", "undone")), ENTRIES.c.updated_at < before)
        old = sa.select(ENTRIES.c.id).where(*over)

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(STEPS).where(STEPS.c.entry.in_(old)))
            connection.execute(sa.delete(ENTRIES).where(*over))

        await self.store.write(write, BRIEFLY)
