"""A deprecation log on its own store, with the clock in the test's hand; and how to look into its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shim.core.findings import Finding, Findings
from shim.edge.deprecation.log import DeprecationLog, SeenCall
from shim.edge.deprecation.tables import FINDINGS, USAGE
from shim.edge.settings.model import Config
from shim.edge.store.database import Store
from shim.interfaces.load import new, old

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOGIN = {"app_key": "k", "app_secret": "s"}


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@dataclass
class LogFixture:
    """What stays when a process goes: the store's address, the settings, the time."""

    url: str
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    @property
    def config(self) -> Config:
        def entry(name: str, **more: Any) -> dict[str, Any]:
            return {"name": name, "old": {"username": name, "password": "x"}, "new": LOGIN, **more}

        deprecation = {"flush": 3600, "spool": self.folder / "spool", **self.settings}
        names = [entry("billing"), entry("crm"), entry("probe", watched=False)]
        given = {"backend": {"url": "http://v3.example"}, "store": {"url": self.url}, "integrations": names}
        return Config.model_validate({**given, "deprecation": deprecation})

    @asynccontextmanager
    async def process(self) -> AsyncIterator[DeprecationLog]:
        """A process with a log; it stops as it should at the end, or at once when the block raises Killed."""
        store = await Store.open(self.url)
        store._clock = self.clock
        log = DeprecationLog(store, self.config, old(), new())
        await log.start()
        try:
            yield log
            await log.stop()
        except Killed:
            log.spool.close()  # as the system does
            if log._task is not None:
                log._task.cancel()
        finally:
            await store.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another program writes into the SQLite file, and does not end."""
        path = self.url.partition("///")[2]
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """All rows of a table, in the order of its key; times in UTC."""
        store = await Store.open(self.url)
        try:
            async with store.reading() as connection:
                found = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
                return [{key: _utc(value) for key, value in row._mapping.items()} for row in found]
        finally:
            await store.close()

    async def change(self, statement: sa.Executable) -> None:
        store = await Store.open(self.url)
        try:
            async with store.writing() as connection:
                await connection.execute(statement)
        finally:
            await store.close()

    async def calls(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """(integration, side, operation): (calls, faults), days added up."""
        made: dict[tuple[str, str, str], tuple[int, int]] = {}
        for row in await self.rows(USAGE):
            key = row["integration"], row["side"], row["operation"]
            calls, faults = made.get(key, (0, 0))
            made[key] = calls + row["calls"], faults + row["faults"]
        return made

    async def findings(self) -> dict[tuple[str, str, str, str], dict[str, Any]]:
        keys = ("integration", "operation", "code", "path")
        return {tuple(row[key] for key in keys): row for row in await self.rows(FINDINGS)}  # type: ignore[misc]


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def seen(operation: str | None = "Client.GetClients", *paths: str, **more: Any) -> SeenCall:
    """A call of `billing` with a finding at each of these paths."""
    findings = Findings()
    for path in paths:
        findings.add("field-dropped", path, "Nothing has it.")
    facts = {"integration": "billing", "version": "2.5.1", "agent": "PHP-SOAP/8.2", "toolkit": "PHP SoapClient"}
    return SeenCall(**{**facts, "operation": operation, "findings": findings, "address": "192.0.2.1", **more})


def finding(path: str, **more: Any) -> Finding:
    return Finding(**{"code": "field-kept", "because": "Kept.", "severity": "warning", **more, "path": path})
