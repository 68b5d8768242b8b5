"""Delivery of batches: one of the deprecation log goes to the store, else to the spool, else waits in memory.

Laws: nothing is given up before it is in one of them; what is in the spool goes before what is newer; a write
whose end was not seen is offered again under its ID, which the store takes once. The store has `patience`
seconds: then what it is busy with is spooled as well, and the next is not offered before it has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from shim.core.errors import Fault
from shim.edge.deprecation.batch import Batch, from_line, to_line
from shim.edge.deprecation.spool import Segment, Spool
from shim.edge.deprecation.writer import BUSY, forget, is_permanent, write
from shim.edge.store.database import Store
from shim.edge.telemetry.metrics import Metrics

log = structlog.get_logger()


class BatchDelivery:
    """Takes batches to the store or the spool. One turn at a time."""

    def __init__(self, store: Store, spool: Spool, patience: float, metrics: Metrics) -> None:
        self._store = store
        self._spool = spool
        self._patience = patience
        self._metrics = metrics
        self._batch: Batch | None = None
        self._settled: list[str] = []
        self._busy: asyncio.Task[bool] | None = None
        self._down = False
        self._until: float | None = None

    @property
    def held(self) -> int:
        """Calls of the batch that neither store nor spool took."""
        return self._batch.calls if self._batch else 0

    async def turn(self, take: Callable[[], Awaitable[Batch]]) -> None:
        """Keep what was counted, and what is in the spool. `take` gives the next batch."""
        if self._batch is None:
            self._batch = await take() or None
        if await self._drained():
            await self._to_store()
        aside = self._down or self._until is not None
        if aside and self._batch and await asyncio.to_thread(self._spool.append, to_line(self._batch)):
            self._batch = None
        self._metrics.spool_bytes.set(await asyncio.to_thread(lambda: self._spool.size))

    def end(self) -> None:
        """Take in no more of the spool than is possible within the patience: the next start goes on with it."""
        self._until = asyncio.get_running_loop().time() + self._patience

    async def close(self, uncounted: int) -> None:
        """The end: says what is lost. `uncounted` calls were told after the last turn."""
        if self._busy is not None:
            self._busy.cancel()
            await asyncio.gather(self._busy, return_exceptions=True)
        elif self._settled and not self._down:
            await self._forget_settled()
        await asyncio.to_thread(self._spool.close)
        if self.held or uncounted:
            log.error("deprecation log lost", calls=self.held + uncounted)

    async def _forget_settled(self) -> None:
        with suppress(Fault, TimeoutError):  # then they are forgotten when they are old
            async with asyncio.timeout(self._patience), self._store.writing(BUSY) as connection:
                await forget(connection, self._settled)

    async def _to_store(self) -> None:
        if self._batch is not None and await self._written(self._batch, self._settled):
            self._settled = [self._batch.id]
            self._batch = None

    # ---- the spool ----

    async def _drained(self) -> bool:
        """True if nothing is left in the spool, after trying to write what is there."""
        for segment in await asyncio.to_thread(self._spool.segments):
            if not await self._taken_in(segment):
                return False
            try:
                await asyncio.to_thread(self._spool.remove, segment)
            except OSError as error:
                log.error("deprecation spool stays", reason=type(error).__name__)
            else:
                self._settled += segment.ids
        return True

    async def _taken_in(self, segment: Segment) -> bool:
        """True if all lines of a segment are in the store."""
        for line in segment.lines():
            if self._until is not None and asyncio.get_running_loop().time() > self._until:
                return False
            try:
                batch = from_line(line)
            except ValueError:
                await asyncio.to_thread(self._spool.put_aside, line, "unreadable")
            else:
                if not await self._written(batch, ()):
                    return False
                segment.ids.append(batch.id)
            segment.position += len(line)
        return True

    # ---- the store ----

    async def _written(self, batch: Batch, settled: Sequence[str]) -> bool:
        """True if the batch is in the store, or put aside because it never will be."""
        if self._busy is not None and not self._busy.done():
            return False
        task = self._busy = asyncio.create_task(write(self._store, batch, settled))
        await asyncio.wait({task}, timeout=self._patience)
        if not task.done():
            task.add_done_callback(_taken_note_of)
            self._failed("store-slow")
            return False
        self._busy = None
        error = task.exception()
        if error is None:
            self._succeeded()
        elif is_permanent(error):
            await asyncio.to_thread(self._spool.put_aside, to_line(batch), _reason(error))
        else:
            self._failed(_reason(error))
            return False
        return True

    def _succeeded(self) -> None:
        self._metrics.store_down.set(0)
        if self._down:
            log.info("deprecation log written again")
        self._down = False

    def _failed(self, reason: str) -> None:
        self._metrics.flush_failures.inc()
        self._metrics.store_down.set(1)
        if not self._down:
            log.error("deprecation log not written", reason=reason, spool_bytes=self._spool.size)
        self._down = True


def _taken_note_of(task: asyncio.Task[bool]) -> None:
    """Its result does not matter: its batch is offered again."""
    if not task.cancelled():
        task.exception()


def _reason(error: BaseException) -> str:
    return error.reason if isinstance(error, Fault) else type(error).__name__
