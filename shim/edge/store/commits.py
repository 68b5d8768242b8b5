"""Group commit: the changes of an SQLite file that wait for their turn together are one transaction.

A commit waits for the disk, and all that wait meanwhile can share the next one. Laws: nobody hears that a
change is kept before its commit has ended; a change that fails takes back what it did itself and nothing of
the others; a commit that fails keeps none of them, and all of them hear of it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

import sqlalchemy as sa

from shim.edge.store.engines import begin, driver_of
from shim.edge.store.turns import Turns

_Result = TypeVar("_Result")
_Outcome = tuple[Any, BaseException | None]


@dataclass(slots=True, eq=False)
class _Change:
    """One caller's change. `busy` is how long another program is waited for; `done` gets what came of it."""

    work: Callable[[sa.Connection], Any]
    busy: float | None
    done: asyncio.Future[Any]
    context: Context = field(default_factory=copy_context)


class GroupCommit:
    """Makes changes in a thread of its own, on a connection that stays open; takes turns with other writers."""

    def __init__(self, engine: sa.Engine, turns: Turns) -> None:
        self._engine = engine
        self._turns = turns
        self._waiting: list[_Change] = []
        self._in_line = False
        self._batches: SimpleQueue[tuple[asyncio.AbstractEventLoop, list[_Change]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sa.Connection | None = None
        self._closed = False

    async def change(
        self, work: Callable[[sa.Connection], _Result], busy: float | None, patience: float | None
    ) -> _Result:
        """The result of a change once it is kept. Raises TimeoutError when it has not begun in `patience`
        seconds, and otherwise what it or its commit raises.

        One that is cancelled before it has begun is not made; later nobody is told what came of it.
        """
        loop = asyncio.get_running_loop()
        change = _Change(work, busy, loop.create_future())
        self._waiting.append(change)
        if not self._in_line:
            self._in_line = True
            self._turns.ask(self._begin)
        if patience is not None and change in self._waiting:
            loop.call_later(patience, self._give_up, change)
        result: _Result = await change.done
        return result

    def _give_up(self, change: _Change) -> None:
        if change in self._waiting and not change.done.done():
            change.done.set_exception(TimeoutError())

    def _begin(self) -> None:
        """It is our turn: whatever waits with the same patience as the first is made now."""
        self._in_line = False
        waiting = [each for each in self._waiting if not each.done.done()]
        batch = [each for each in waiting if each.busy == waiting[0].busy]
        self._waiting = [each for each in waiting if each.busy != waiting[0].busy]
        if not batch:
            self._turns.end()
            return
        if self._closed:
            self._ended(batch, [(None, sqlite3.ProgrammingError("the store is closed"))] * len(batch))
            return
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # there is no thread to be had now: the next change tries again
                self._ended(batch, [(None, sqlite3.OperationalError(str(error)))] * len(batch))
                return
            self._thread = thread
        self._batches.put((batch[0].done.get_loop(), batch))

    def _ended(self, batch: Sequence[_Change], outcomes: Sequence[_Outcome]) -> None:
        if self._waiting and not self._in_line:
            self._in_line = True
            self._turns.ask(self._begin)
        self._turns.end()
        for change, (result, error) in zip(batch, outcomes, strict=True):
            if change.done.done():
                continue
            if error is None:
                change.done.set_result(result)
            else:
                change.done.set_exception(error)

    async def close(self) -> None:
        """Wait for what is under way, and close the connection; later changes fail."""
        self._closed = True  # in the event loop, as `_begin`: nothing is given to the thread after its end
        if self._thread is not None:
            self._batches.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    # ---- in the thread ----

    def _run(self) -> None:
        while self._take():
            pass
        self._disconnect()

    def _take(self) -> bool:
        """Make what is given next; False at the end."""
        given = self._batches.get()
        if given is not None:
            loop, batch = given
            outcomes = self._commit(batch)
            with suppress(RuntimeError):  # the loop has ended, and whoever waited in it
                loop.call_soon_threadsafe(self._ended, batch, outcomes)
        return given is not None

    def _commit(self, batch: Sequence[_Change]) -> list[_Outcome]:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                begin(self._connection, batch[0].busy, "BEGIN IMMEDIATE")
                if len(batch) == 1:
                    return [(_result_of(batch[0], self._connection), None)]
                return [_outcome_of(each, self._connection) for each in batch]
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for those who wait
            self._disconnect()
            return [(None, error)] * len(batch)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def _result_of(change: _Change, connection: sa.Connection) -> Any:
    return change.context.run(change.work, connection)


def _outcome_of(change: _Change, connection: sa.Connection) -> _Outcome:
    """The same so that the others stay when it fails. Raises what ended the whole transaction."""
    driver = driver_of(connection)
    driver.execute("SAVEPOINT change")
    try:
        return _result_of(change, connection), None
    except BaseException as error:
        if not driver.in_transaction:  # a full disk, say: SQLite has taken back everything
            raise
        driver.execute("ROLLBACK TO change")
        return None, error
    finally:
        if driver.in_transaction:
            driver.execute("RELEASE change")
