"""Group commit: what waits together is kept together, and what fails takes nothing of the others with it."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shim.core.errors import StoreError
from shim.edge.store.audit import AUDIT
from shim.edge.store.database import Store, is_busy
from tests.edge.store.test_transactions import note, noted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shim.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{path}", busy_timeout=0.2)
    yield store
    await store.close()


class Held:
    """A change under way in its thread, until `release`: whatever is asked for meanwhile waits together."""

    def __init__(self, store: Store) -> None:
        self._began, self._may_end = threading.Event(), threading.Event()
        self._task = asyncio.create_task(store.write(self._wait))

    def _wait(self, connection: sa.Connection) -> None:
        self._began.set()
        self._may_end.wait(30)

    async def began(self) -> None:
        await asyncio.to_thread(self._began.wait, 30)

    async def release(self) -> None:
        self._may_end.set()
        await self._task


async def waiting(
    store: Store, *changes: Callable[[sa.Connection], Any]
) -> tuple[Held, list[asyncio.Task[Any]]]:
    held = Held(store)
    await held.began()
    tasks = [asyncio.create_task(store.write(each)) for each in changes]
    await asyncio.sleep(0)
    return held, tasks


def counted(store: Store) -> list[int]:
    """Gets one for each transaction that begins from now on."""
    begun: list[int] = []
    for engine in store.engines:
        sa.event.listen(engine, "begin", lambda _: begun.append(1))
    return begun


def refuse(connection: sa.Connection) -> None:
    note(connection, "taken back")
    raise LookupError("its own")


async def test_changes_that_wait_together_are_one_transaction(store: Store) -> None:
    begun = counted(store)
    held, tasks = await waiting(store, *(partial(note, text=str(number)) for number in range(5)))
    await held.release()
    await asyncio.gather(*tasks)
    assert len(begun) == 2, "the one that they waited for, and theirs"
    assert await store.read(noted) == ["0", "1", "2", "3", "4"]


async def test_a_change_that_fails_takes_back_only_its_own(store: Store) -> None:
    broken = partial(sa.Connection.exec_driver_sql, statement="SELECT canary FROM nowhere")
    held, tasks = await waiting(store, partial(note, text="one"), refuse, broken, partial(note, text="two"))
    await held.release()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each).__name__ for each in ended] == [
        "NoneType",
        "LookupError",
        "StoreUnavailable",
        "NoneType",
    ]
    assert await store.read(noted) == ["one", "two"]


async def test_no_change_is_kept_by_a_commit_that_fails_and_all_hear_of_it(store: Store) -> None:
    def full(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        note(connection, "x" * 100_000)

    held, tasks = await waiting(store, partial(note, text="one"), full, partial(note, text="two"))
    await held.release()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, StoreError) for each in ended] == [True, True, True]
    assert await store.read(noted) == []


async def test_nobody_is_told_before_the_commit_has_ended(store: Store, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    try:
        for number in range(20):
            await store.write(partial(note, text=str(number)))
            assert other.execute(f"SELECT count(*) FROM {AUDIT.name}").fetchone() == (number + 1,)
    finally:
        other.close()


async def test_what_was_cancelled_before_it_began_is_not_made(store: Store) -> None:
    held, (first, second) = await waiting(store, partial(note, text="one"), partial(note, text="two"))
    first.cancel()
    await held.release()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await store.read(noted) == ["two"]


async def test_each_waits_for_another_program_as_long_as_was_said(store: Store, path: Path) -> None:
    held = Held(store)
    await held.began()
    patient = asyncio.create_task(store.write(partial(note, text="patient"), 30))
    hasty = asyncio.create_task(store.write(partial(note, text="hasty"), 0.01))
    await asyncio.sleep(0)
    await held.release()
    await asyncio.gather(patient, hasty)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    patient = asyncio.create_task(store.write(partial(note, text="again"), 30))
    await asyncio.sleep(0)
    with pytest.raises(StoreError) as caught:
        await asyncio.gather(*(store.within(0.05).write(partial(note, text="hasty")) for _ in range(2)))
    assert is_busy(caught.value)
    other.close()
    await patient
    assert await store.read(noted) == ["patient", "hasty", "again"]


async def test_one_in_a_hurry_does_not_wait_for_its_turn_and_is_not_made_later(store: Store) -> None:
    held = Held(store)
    await held.began()
    with pytest.raises(StoreError, match="has not ended yet") as caught:
        await store.within(0.01).write(partial(note, text="hasty"))
    assert is_busy(caught.value)
    await held.release()
    await store.write(partial(note, text="after"))
    assert await store.read(noted) == ["after"]


async def test_a_fault_holds_nothing_of_the_change(store: Store) -> None:
    class Big:
        pass

    def alive() -> weakref.ref[Big]:
        big = Big()

        def change(connection: sa.Connection, big: Big = big) -> None:
            raise LookupError

        changes.append(change)
        return weakref.ref(big)

    changes: list[Callable[[sa.Connection], None]] = []
    left = alive()
    held, tasks = await waiting(store, partial(note, text="one"), changes.pop(), partial(note, text="two"))
    await held.release()
    await asyncio.gather(*tasks, return_exceptions=True)
    del held, tasks
    await store.write(partial(note, text="after"))
    gc.collect()
    assert left() is None


async def test_what_is_under_way_at_the_end_is_kept(path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{path}")
    task = asyncio.create_task(store.write(partial(note, text="last")))
    await asyncio.sleep(0)
    await store.close()
    await task
    other = sqlite3.connect(path)
    assert other.execute(f"SELECT action FROM {AUDIT.name}").fetchall() == [("last",)]
    other.close()


async def test_a_closed_store_takes_nothing(path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{path}")
    await store.close()
    with pytest.raises(StoreError):
        await store.write(partial(note, text="late"))


async def test_without_a_thread_a_change_fails_and_the_next_one_is_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_to_be_had(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_to_be_had)
        with pytest.raises(StoreError):
            await store.write(partial(note, text="lost"))
    await store.write(partial(note, text="kept"))
    assert await store.read(noted) == ["kept"]
