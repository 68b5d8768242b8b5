"""Engines of the store's database: how SQLite and PostgreSQL are opened, and how a transaction begins."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shim.core.errors import StoreError, StoreUnavailable

JournalMode = Literal["wal", "delete"]
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


def async_engine(
    text: str, journal_mode: JournalMode, busy_timeout: float, answer_timeout: float | None
) -> AsyncEngine:
    """The engine of a database's address. Raises StoreUnavailable."""
    try:
        url = make_url(text)
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        _prepare(url)
        options: dict[str, Any] = {}
        if url.get_backend_name() == "postgresql":
            waits = {"timeout": answer_timeout or 60.0, "command_timeout": answer_timeout}
            options = {"pool_pre_ping": True, "connect_args": waits}
        engine = create_async_engine(url, hide_parameters=True, **options)
    except ModuleNotFoundError as error:
        raise unavailable(f"the database driver {error.name} is not installed") from None
    except (ArgumentError, SQLAlchemyError):
        raise unavailable("store.url is no database address") from None
    except OSError as error:
        raise unavailable(f"its file cannot be opened ({error.strerror})") from None
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine.sync_engine, journal_mode, busy_timeout)

        @sa.event.listens_for(engine.sync_engine, "begin")
        def begun(connection: sa.Connection) -> None:
            options = connection.get_execution_options()
            begin(connection, options.get("busy"), "BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")

    return engine


def direct_engine(text: str, journal_mode: JournalMode, busy_timeout: float) -> sa.Engine | None:
    """An engine without asyncio in between, for an SQLite file; None for other databases."""
    try:
        url = make_url(text)
    except ArgumentError:
        return None  # opening it says what is wrong
    if database_file(url) is None:
        return None
    engine = sa.create_engine(url.set(drivername="sqlite"), hide_parameters=True)
    _tune_sqlite(engine, journal_mode, busy_timeout)
    return engine


def _prepare(url: URL) -> None:
    """An SQLite file is for its owner's eyes only, and so are the files that SQLite puts beside it."""
    path = database_file(url)
    if path is not None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _tune_sqlite(engine: sa.Engine, journal_mode: JournalMode, busy_timeout: float) -> None:
    synchronous = {"wal": "FULL", "delete": "EXTRA"}[journal_mode]
    patience = round(busy_timeout * 1000)

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        record.info["busy"] = record.info["patience"] = patience
        connection.isolation_level = None  # transactions begin below, where SQLAlchemy says
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
            cursor.execute(f"PRAGMA journal_mode = {journal_mode}")
            cursor.execute(f"PRAGMA synchronous = {synchronous}")
            cursor.execute("PRAGMA foreign_keys = ON")


def begin(connection: sa.Connection, busy: float | None, statement: str) -> None:
    """Begin a transaction of SQLite, in which another program is waited for `busy` seconds."""
    kept = connection.connection.info
    milliseconds = kept["patience"] if busy is None else round(busy * 1000)
    if kept["busy"] != milliseconds:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")
        kept["busy"] = milliseconds
    run = connection.exec_driver_sql if connection.dialect.is_async else driver_of(connection).execute
    run(statement)


def driver_of(connection: sa.Connection) -> Any:
    """The connection of `sqlite3` below one of an engine without asyncio."""
    return connection.connection.dbapi_connection


def wal_reset_bug(version: tuple[int, ...]) -> bool:
    """True if an SQLite version has the WAL-reset corruption bug: 3.7.0 to 3.51.2, but two repaired lines."""
    if (3, 44, 6) <= version < (3, 45) or (3, 50, 7) <= version < (3, 51):
        return False
    return (3, 7, 0) <= version < (3, 51, 3)


def database_file(url: URL) -> Path | None:
    """The file of an SQLite database; None when it has none."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return None if str(url.database).startswith("file:") else Path(str(url.database))


def unavailable(why: str) -> StoreError:
    """The error of a store that cannot be used, with the reason why."""
    return StoreUnavailable(
        "store-unavailable", f"The shim cannot use its store: {why}. Its operator has to look."
    )
