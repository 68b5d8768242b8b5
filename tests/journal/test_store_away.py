"""A store that fails under a call, at each of its writes: the call says so, and recovery ends it at once.

Real faults of real databases: an SQLite file that another program locks, that is full, that its disk refuses; a
PostgreSQL that is restarted or killed; and a commit that took place although nobody was told.
"""

from __future__ import annotations

import itertools
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
import sqlalchemy as sa

from shim.core.errors import ShimError, StoreUnavailable
from shim.core.pipeline import Outcome
from shim.edge.store.database import Store
from tests.journal.fixture import JournalFixture, snapshot
from tests.journal.test_calls import ADDING, ADDING_CLIENT, DELETING, EDITING, Plan, ending, seeded

if TYPE_CHECKING:
    from tests.support.postgres import Restartable

pytest_plugins = ["tests.support.postgres"]

_Result = TypeVar("_Result")
PLANS = [ADDING, DELETING, EDITING, ADDING_CLIENT]


class Struck(Store):
    """A store in which something happens at its nth write. `fault` begins a fault and gives what ends it."""

    at: int = 10**9
    writes: int = 0
    fault: Callable[[], Callable[[], None]] | None = None
    over: Callable[[], None] | None = None

    async def write(self, work: Callable[[sa.Connection], _Result], busy: float | None = None) -> _Result:
        self.writes += 1
        here = self.writes - 1 == self.at
        if here and self.fault is not None:
            self.over = self.fault()
        result = await super().write(work, busy)
        if here and self.fault is None:
            raise StoreUnavailable("store-unavailable", "The connection ended before the commit was confirmed.")
        return result

    def strike(self, at: int, fault: Callable[[], Callable[[], None]] | None) -> None:
        self.at, self.writes, self.fault = at, 0, fault

    def lift(self) -> None:
        """The fault, if there was one, is over."""
        self.at, over, self.over = 10**9, self.over, None
        if over is not None:
            over()


async def _struck(fixture: JournalFixture, plan: Plan) -> bool:
    """A call whose store fails, the store again, one look of recovery, and an equal call. Whether it failed."""
    store = fixture.store
    assert isinstance(store, Struck)
    process = fixture.process()
    outcome: Outcome | None = None
    with suppress(ShimError):  # what could not be noted about the delivery
        outcome = await process.call(plan.operation, plan.fields)
    came = store.over is not None or (store.fault is None and store.writes > store.at)
    store.lift()
    if outcome is not None and outcome.fault is not None:
        assert outcome.fault.reason in ("store-unavailable", "unfinished", "undone"), outcome.fault.reason
    assert not process.journal._held, "whoever ended by a fault works on it still"
    await process.recovery.sweep()
    for _ in range(3):  # what may still be late is looked for again
        fixture.ahead += 31
        await process.recovery.sweep()
    assert not await process.journal.entries("running", "undoing"), "recovery did not get it"
    assert not process.journal._abandoned
    end = await ending(fixture, plan, outcome)
    assert end in ("all done", "nothing done")
    if came and end == "nothing done":
        again = await process.call(plan.operation, plan.fields)
        assert again.fault is None
        await fixture.look()
        assert plan.done(fixture)
    return came


async def _every_write(store: Struck, plan: Plan, fault: Callable[[], Callable[[], None]] | None) -> None:
    for at in itertools.count():
        fixture = seeded(JournalFixture(store))
        await fixture.clear()
        store.strike(at, fault)
        came = await _struck(fixture, plan)
        assert snapshot(fixture.world) != fixture.first
        if not came:
            assert at >= 4, "these calls write more often"
            return


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shim.db"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[Struck]:
    store = await Struck.open(f"sqlite+aiosqlite:///{path}", busy_timeout=0.05)
    try:
        yield store
    finally:
        store.lift()
        await store.close()


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.operation)
class TestSqlite:
    async def test_locked_by_another_program(self, sqlite: Struck, path: Path, plan: Plan) -> None:
        def locked() -> Callable[[], None]:
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            return other.close

        await _every_write(sqlite, plan, locked)

    async def test_full(self, sqlite: Struck, plan: Plan) -> None:
        full = False

        def begun(connection: sa.Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {1 if full else 1_000_000}")

        for engine in sqlite.engines:
            sa.event.listen(engine, "begin", begun)

        def fill() -> Callable[[], None]:
            nonlocal full
            full = True

            def empty() -> None:
                nonlocal full
                full = False

            return empty

        await _every_write(sqlite, plan, fill)

    async def test_a_disk_that_takes_nothing(self, sqlite: Struck, plan: Plan) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

        def refuse() -> Callable[[], None]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
            return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

        await _every_write(sqlite, plan, refuse)

    async def test_a_commit_that_nobody_was_told_of(self, sqlite: Struck, plan: Plan) -> None:
        await _every_write(sqlite, plan, None)


@pytest.fixture
async def shared(restartable: Restartable) -> AsyncIterator[Struck]:
    store = await Struck.open(restartable.url)
    try:
        yield store
    finally:
        store.lift()
        await store.close()


@contextmanager
def _running(server: Restartable) -> Iterator[None]:
    """Whatever a test that fails leaves behind, the next one finds the server."""
    try:
        yield
    finally:
        server.start()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("plan", PLANS[:2], ids=lambda plan: plan.operation)
async def test_postgresql_restarted_and_killed(
    shared: Struck, restartable: Restartable, end: str, plan: Plan
) -> None:
    def away() -> Callable[[], None]:
        getattr(restartable, end)()
        return restartable.start

    with _running(restartable):
        await _every_write(shared, plan, away)
