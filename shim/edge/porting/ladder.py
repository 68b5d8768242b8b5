"""Porting: how far each integration's operations are ported, for calls that come in and whoever changes it.

Laws: a call never waits for the store: what was read last counts, also while the store is down, and is read
anew every few seconds, so that this process and all others notice a change. A row of the store goes over what
the configuration says of the same scope; among scopes the exact operation goes over `Service.*` over `*`.
Every change is in the history with who made it and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.admit import RUNGS, pattern_problem
from shim.core.commands.caller import Brownout, Caller, Rung
from shim.core.errors import Fault
from shim.edge.deprecation.tables import PORTING, PORTING_EVENTS
from shim.edge.porting.brownouts import (
    PlannedBrownout,
    PortingRefused,
    note,
    plan_brownout,
    read_brownouts,
    stop_brownout,
)
from shim.edge.porting.exceptions import LockException, lifted, read_exceptions
from shim.edge.settings.model import Integration
from shim.edge.store.database import Store, utc
from shim.interfaces.load import old

__all__ = [
    "Porting",
    "PortingRefused",
    "RungChange",
    "RungRule",
    "RungStanding",
    "history",
    "plan_brownout",
    "reset_rung",
    "rules",
    "set_rung",
    "standings",
    "stop_brownout",
]

log = structlog.get_logger()

REFRESH = 2.0
"""Seconds between two readings of the store: how late a change is noticed."""


@dataclass(frozen=True, slots=True)
class RungRule:
    """A rung that was set in the store; `operation` is a full name, `Service.*` or `*`."""

    integration: str
    operation: str
    rung: Rung
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RungStanding:
    """The rung of a scope, and where it comes from; `who` and `at` are the store's."""

    operation: str
    rung: Rung
    source: Literal["configuration", "store"]
    who: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RungChange:
    """One entry of the history; `was` and `became` are '' where the store had, or has, nothing."""

    at: datetime
    who: str
    integration: str
    operation: str
    was: str
    became: str
    text: str


class Porting:
    """The rungs, brownouts and exceptions of now, in memory. `refresh` is in seconds."""

    def __init__(self, store: Store, refresh: float = REFRESH) -> None:
        self._store = store
        self._every = refresh
        self._rungs: dict[str, dict[str, Rung]] = {}
        self._brownouts: tuple[PlannedBrownout, ...] = ()
        self._exceptions: tuple[LockException, ...] = ()
        self._callers: dict[str, tuple[Integration, Caller]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the store, and go on reading it. Raises StoreError when it cannot be read."""
        await self.refresh()
        self._task = asyncio.create_task(self._refreshing())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def caller(self, integration: Integration) -> Caller:
        """The integration as the core gets it, with its rungs and the brownouts that hold now."""
        name, rungs = integration.name, self.rungs(integration)
        brownouts = self.brownouts(name)
        known = self._callers.get(name)
        if known is not None and known[0] is integration:
            caller = known[1]
            if caller.rungs == rungs and caller.brownouts == brownouts:
                return caller
        caller = replace(integration.caller, rungs=rungs, brownouts=brownouts)
        self._callers[name] = integration, caller
        return caller

    def rungs(self, integration: Integration) -> Mapping[str, Rung]:
        """Rungs by scope."""
        changed = self._rungs.get(integration.name)
        held = {**integration.porting, **changed} if changed else integration.porting
        if not self._exceptions:
            return held
        now = self._store.now()
        scopes = [
            each.operation
            for each in self._exceptions
            if each.integration == integration.name and each.holds(now)
        ]
        return lifted(held, scopes) if scopes else held

    def brownouts(self, integration: str) -> tuple[Brownout, ...]:
        """Those that hold now for an integration."""
        if not self._brownouts:
            return ()
        now = self._store.now()
        return tuple(each.brownout for each in self._brownouts if each.holds(integration, now))

    async def refresh(self) -> None:
        """Read the store. Raises StoreError, and then what was known stays."""
        by_integration: dict[str, dict[str, Rung]] = {}
        for each in await rules(self._store):
            by_integration.setdefault(each.integration, {})[each.operation] = each.rung
        self._exceptions = tuple(await read_exceptions(self._store))
        self._brownouts = tuple(await read_brownouts(self._store))
        self._rungs = by_integration

    async def _refreshing(self) -> None:
        down = False
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.refresh()
            except Fault as fault:
                if not down:
                    log.error("porting not reread: the last known state counts", reason=fault.reason)
                down = True
            except Exception:  # what is not foreseen must not end the reading for good
                log.exception("porting not reread: the last known state counts")
            else:
                down = False


# ---- what is read ----


async def rules(store: Store) -> list[RungRule]:
    """All rungs that were set in the store, by integration and operation."""
    query = sa.select(PORTING).order_by(PORTING.c.integration, PORTING.c.operation)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [RungRule(row.integration, row.operation, row.rung, row.who, utc(row.at)) for row in rows]


def standings(
    integration: str, configured: Mapping[str, Rung], read_rules: Iterable[RungRule]
) -> list[RungStanding]:
    """The rungs of an integration, by scope: the store's rows over its configuration."""
    held = {scope: RungStanding(scope, rung, "configuration") for scope, rung in configured.items()}
    for each in read_rules:
        if each.integration == integration:
            held[each.operation] = RungStanding(each.operation, each.rung, "store", each.who, each.at)
    return [held[scope] for scope in sorted(held)]


async def history(store: Store, integration: str | None = None, most: int = 1000) -> Sequence[RungChange]:
    """The newest changes of rungs and brownouts, newest first; of one integration if it is named."""
    query = sa.select(PORTING_EVENTS).order_by(PORTING_EVENTS.c.id.desc()).limit(most)
    if integration is not None:
        query = query.where(PORTING_EVENTS.c.integration == integration)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        RungChange(utc(row.at), row.who, row.integration, row.operation, row.was, row.became, row.text)
        for row in rows
    ]


# ---- what is changed ----


async def set_rung(store: Store, integration: str, operation: str, rung: str, who: str, text: str = "") -> None:
    """Put a scope of an integration on a rung, whatever the configuration says. `text` says why.

    Raises PortingRefused for what is no operation or no rung, StoreError when the store fails.
    """
    if rung not in RUNGS:
        raise PortingRefused(f"the rungs are {', '.join(RUNGS)}")
    if problem := pattern_problem(old(), operation):
        raise PortingRefused(problem)
    at = store.now()
    async with store.writing() as connection:
        was = await _taken(connection, integration, operation)
        row = {"integration": integration, "operation": operation, "rung": rung, "who": who, "at": at}
        await connection.execute(sa.insert(PORTING).values(row))
        await note(connection, at, who, integration, operation, was, rung, text)


async def reset_rung(store: Store, integration: str, operation: str, who: str, text: str = "") -> bool:
    """Let the configuration decide about a scope again. False when the store had nothing of it."""
    at = store.now()
    async with store.writing() as connection:
        was = await _taken(connection, integration, operation)
        if was:
            await note(connection, at, who, integration, operation, was, "", text)
    return bool(was)


async def _taken(connection: AsyncConnection, integration: str, operation: str) -> str:
    """The rung that the row of a scope had, which is gone then; '' when there was none."""
    if connection.dialect.name == "postgresql":  # changes come one after the other, also the first of a scope
        await connection.exec_driver_sql("LOCK TABLE porting IN SHARE ROW EXCLUSIVE MODE")
    here = sa.and_(PORTING.c.integration == integration, PORTING.c.operation == operation)
    was = (await connection.execute(sa.select(PORTING.c.rung).where(here))).scalar()
    await connection.execute(sa.delete(PORTING).where(here))
    return was or ""
