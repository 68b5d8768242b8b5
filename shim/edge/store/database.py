"""Store: what the shim keeps because v3 cannot hold it. SQLite beside the shim, or PostgreSQL.

Laws: one data layer for both engines; a write is there when it returns, or it raises; the database is
brought up to date when it is opened. What a call reads and writes is a function of a connection: on SQLite
that is one visit to a thread, however many statements it has, and changes that wait together share a commit.
An SQLite store belongs to one process, so what was read from it stays in memory; PostgreSQL may be shared, and
is asked each time. No value stands in an error.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import copy_context
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shim.core.commands.kept import KeptBy, Shared
from shim.core.errors import Fault, StoreError
from shim.core.message import Element
from shim.edge.store.commits import GroupCommit
from shim.edge.store.elements import from_json
from shim.edge.store.engines import (
    JournalMode,
    async_engine,
    begin,
    database_file,
    direct_engine,
    unavailable,
    wal_reset_bug,
)
from shim.edge.store.kept import KEPT, drop_kept, next_number, read_kept, write_kept
from shim.edge.store.release import migrate
from shim.edge.store.turns import Turns
from shim.edge.telemetry.tracing import part

Clock = Callable[[], datetime]
"""Gives the time, in UTC."""

STORE = Shared("store")
"""The table with the store's own identity."""

_MOST_CACHED = 50_000
_BATCH = 500
_OPENINGS = 50
_THREADS = 4
_Result = TypeVar("_Result")


def utc(moment: datetime) -> datetime:
    """A time out of a row, with its zone: SQLite keeps none."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """The time of the system, in UTC."""
    return datetime.now(UTC)


class Store:
    """An open store. Every method raises StoreError (`store-unavailable`) when the database fails."""

    def __init__(self, engine: AsyncEngine, clock: Clock = utc_now, direct: sa.Engine | None = None) -> None:
        self._engine = engine
        self._direct = direct
        self._threads = ThreadPoolExecutor(_THREADS, "store")
        self._writing = engine.execution_options(immediate=True)
        self._clock = clock
        self._cache: OrderedDict[KeptBy, dict[str, str]] = OrderedDict()
        self._writes = 0
        self._turns = Turns()
        self._commits = GroupCommit(direct, self._turns) if direct is not None else None
        self._patience: float | None = None
        self.path = database_file(engine.url)
        """The file of an SQLite store; None: it is in memory, or a server's."""
        self._file = _file(self.path)
        self._anchor = (utc_now(), time.monotonic())

    @classmethod
    async def open(
        cls,
        url: str | SecretStr,
        journal_mode: JournalMode = "wal",
        busy_timeout: float = 35.0,
        clock: Clock = utc_now,
        answer_timeout: float = 20.0,
        create: bool = True,
    ) -> Self:
        """Open and migrate. SQLite's are `journal_mode`, where `delete` comes with synchronous=EXTRA, and
        `busy_timeout`, seconds; `answer_timeout` is how long PostgreSQL may take for a statement, but for those
        that migrate. `clock` gives the time of all that is written, in UTC.

        Raises StoreError: `no-store` when there is none and none is to be made (`create`), `store-newer` when
        a newer release has changed it so that this one cannot use it.
        """
        text = url.get_secret_value() if isinstance(url, SecretStr) else url
        if not create:
            _require(text)
        direct = direct_engine(text, journal_mode, busy_timeout)
        store = cls(async_engine(text, journal_mode, busy_timeout, answer_timeout), clock, direct)
        patient = (
            store if not store.shared else cls(async_engine(text, journal_mode, busy_timeout, None), clock)
        )
        try:
            if not create:
                await store._require_tables()
            await patient._bring_up_to_date()
            await store.keep_time()
        except BaseException:
            await store.close()
            raise
        finally:
            if patient is not store:
                await patient.close()
        return store

    async def _bring_up_to_date(self) -> None:
        """Migrate. SQLite switches to WAL for one opener at a time and does not wait: so we do."""
        for attempt in range(_OPENINGS):
            try:
                async with self.writing() as connection:
                    await connection.run_sync(migrate, self._clock())
                return
            except StoreError as error:
                if attempt == _OPENINGS - 1 or not is_busy(error):
                    raise
            await asyncio.sleep(0.1)

    async def _require_tables(self) -> None:
        async with self.reading() as connection:
            names = await connection.run_sync(lambda each: sa.inspect(each).get_table_names())
        if KEPT.name not in names:
            raise _no_store("its database is empty")

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        if self._commits is not None:
            await self._commits.close()
        if self._direct is not None:
            self._direct.dispose()
        await self._engine.dispose()

    @property
    def engines(self) -> tuple[sa.Engine, ...]:
        """Those that statements go through, for whoever listens to their events."""
        return (self._engine.sync_engine, *([self._direct] if self._direct is not None else []))

    async def identity(self) -> str:
        """Which store this is: a word of its own, made with the first asking."""

        def identified(connection: sa.Connection) -> str:
            if "identity" not in read_kept(connection, STORE):
                kept_identity = {"identity": Element("identity", secrets.token_hex(16))}
                write_kept(connection, STORE, kept_identity, self._clock(), anew=False)
            return read_kept(connection, STORE)["identity"]

        return from_json(await self.write(identified)).text or ""

    @property
    def shared(self) -> bool:
        """True if other processes may write too, so that what was read is soon out of date."""
        return self._engine.dialect.name != "sqlite"

    def steady(self) -> datetime:
        """The time for leases and deadlines: a system clock that jumps does not move it.

        It goes on by the monotonic clock from what the system said at the start, or from what PostgreSQL says
        each time that `keep_time` asks it, so that replicas agree. A clock given to `open` is taken as it is.
        """
        if self._clock is not utc_now:
            return self._clock()
        at, monotonic = self._anchor
        return at + timedelta(seconds=time.monotonic() - monotonic)

    async def keep_time(self) -> None:
        """Go by the clock of PostgreSQL, which all replicas share. Raises StoreError.

        An answer that took long, or was read long after it came, says less: the time is moved no further than
        it has to be to lie between the asking and the hearing.
        """
        if self.shared:
            async with self.reading() as connection:
                asked_at = time.monotonic()
                answer = await connection.exec_driver_sql("SELECT clock_timestamp()")
                earliest, heard = utc(answer.scalar_one()), time.monotonic()
            latest = earliest + timedelta(seconds=heard - asked_at)
            ours, monotonic = self._anchor
            self._anchor = (min(max(ours + timedelta(seconds=heard - monotonic), earliest), latest), heard)

    def now(self) -> datetime:
        """The time that is written into rows, in UTC."""
        return self._clock()

    def within(self, seconds: float) -> Store:
        """The same store for people, who rather hear that it is busy than wait: `reading` and `writing` alone.

        What another program or another write holds up for longer fails, and `is_busy` tells that from the rest.
        """
        hasty = copy(self)
        hasty._patience = seconds
        return hasty

    async def read(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """The result of `work` on the rows that it reads, in one transaction. Raises StoreError when that
        fails."""
        if self._direct is None:
            async with self.reading() as connection:
                return await connection.run_sync(work)
        engine = self._direct

        def transact() -> _Result:
            with engine.begin() as connection:
                begin(connection, self._patience, "BEGIN")
                return work(connection)

        with _failures():
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, transact)

    async def write(self, work: Callable[[sa.Connection], _Result], busy: float | None = None) -> _Result:
        """The same for changes, all of which are kept or, when it raises, none; see `writing`.

        Who is cancelled while it is under way is not told whether it was committed.
        """
        if self._commits is None:
            async with self.writing(busy) as connection:
                return await connection.run_sync(work)
        self._require_file()
        patience = self._patience if busy is None else busy
        with part("store write"), _failures(), _in_turn():
            return await self._commits.change(work, patience, self._patience)

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction for what is read a piece at a time. Raises StoreError when it fails."""
        return self._begin(_waiting(self._engine, self._patience))

    @asynccontextmanager
    async def writing(self, busy: float | None = None) -> AsyncIterator[AsyncConnection]:
        """The same for changes, all of which are kept or none; SQLite has one at a time.

        They wait here for each other: waiting inside SQLite, each would keep a connection from those who read.
        `busy` is how long to wait for another program there, seconds; None is `store.busy_timeout`. A file
        that was deleted or replaced takes nothing: SQLite would go on writing into what nobody can find.
        """
        self._require_file()
        engine = _waiting(self._writing, self._patience if busy is None else busy)
        async with AsyncExitStack() as entered:
            entered.enter_context(part("store write"))
            if not self.shared:
                with _in_turn():
                    await self._turns.wait(self._patience)
                entered.callback(self._turns.end)
            yield await entered.enter_async_context(self._begin(engine))

    def _require_file(self) -> None:
        if self._file != _file(self.path):
            raise unavailable("its file was deleted or replaced: restart the shim")

    async def recall(self, owner: KeptBy) -> dict[str, Element]:
        """The elements that are kept for an owner, by field; empty when there is nothing."""
        kept = self._cache.get(owner)
        if kept is None:
            writes = self._writes
            kept = await self._read(owner)
            if not self.shared and writes == self._writes:  # nothing was written while we read
                self._cache[owner] = kept
                if len(self._cache) > _MOST_CACHED:
                    self._cache.popitem(last=False)
        return {field: from_json(value) for field, value in kept.items()}

    async def _read(self, owner: KeptBy) -> dict[str, str]:
        return await self.read(partial(read_kept, owner=owner))

    async def remember(self, owner: KeptBy, fields: Mapping[str, Element]) -> None:
        """Keep fields of an owner, each in place of what was there: all of them, or none."""
        if fields:
            await self._change([owner], partial(write_kept, owner=owner, values=fields, now=self._clock()))

    async def forget(self, accounts: Iterable[str]) -> None:
        """Drop all that is kept for accounts: for all of them, or none."""
        gone = list(accounts)
        await self._change(gone, partial(drop_kept, accounts=gone))

    async def issue(self, counter: str) -> int:
        """The next number of a counter, from 1 on."""
        return await self.write(partial(next_number, counter=counter))

    async def _change(self, owners: Iterable[KeptBy], work: Callable[[sa.Connection], None]) -> None:
        """A transaction after which the owners are read afresh, however it ends."""
        try:
            await self.write(work)
        finally:
            self._writes += 1
            for owner in owners:
                self._cache.pop(owner, None)

    async def check(self) -> list[str]:
        """Warnings for the operator, each with what to do."""
        if self.shared:
            return []
        async with self.reading() as connection:
            mode = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
            version = (await connection.exec_driver_sql("SELECT sqlite_version()")).scalar_one()
        if mode == "wal" and wal_reset_bug(tuple(int(part) for part in version.split("."))):
            return [
                f"This SQLite ({version}) can corrupt a database in WAL mode; 3.51.3, 3.50.7, 3.44.6 do not: "
                "install one of them or a later one, or set store.journal_mode to delete."
            ]
        return []

    @asynccontextmanager
    async def _begin(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        with _failures():
            async with engine.begin() as connection:
                yield connection


@contextmanager
def _failures() -> Iterator[None]:
    """Raise errors of a database as those of the store."""
    try:
        yield
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise unavailable(f"its database failed ({_kind(error)})") from error


@contextmanager
def _in_turn() -> Iterator[None]:
    """Raise as one of the store that a turn did not come in time."""
    try:
        yield
    except TimeoutError as error:
        raise unavailable("a write has not ended yet") from error


def _file(path: Path | None) -> tuple[int, int] | None:
    """Which file has this name."""
    if path is None:
        return None
    try:
        at = os.stat(path)
    except OSError:
        return (0, 0)
    return at.st_dev, at.st_ino


def _require(text: str) -> None:
    """Raises StoreError when an SQLite file is not there."""
    try:
        path = database_file(make_url(text))
    except ArgumentError:
        return  # opening it says what is wrong
    if path is not None and not path.is_file():
        raise _no_store(f"there is no file {path}")


def _no_store(why: str) -> StoreError:
    return StoreError(
        "no-store",
        f"There is no store yet ({why}): `shim serve` makes it at its start, `shim check` before that.",
    )


def is_busy(fault: Fault) -> bool:
    """True if the store failed only because something else was writing into it: later it may succeed."""
    cause = fault.__cause__
    return isinstance(cause, TimeoutError) or "database is locked" in str(getattr(cause, "orig", cause))


def _waiting(engine: AsyncEngine, seconds: float | None) -> AsyncEngine:
    """The engine, where another program is waited for so long; None is `store.busy_timeout`."""
    return engine if seconds is None else engine.execution_options(busy=seconds)


def _kind(error: BaseException) -> str:
    """The kind of an error; its text may hold values."""
    inner = getattr(error, "orig", None)
    return type(inner or error).__name__
