"""Recovery: finishes or undoes what calls left behind, at the start and ever after; keeps leases alive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from shim.core.catalogue.translation import Catalogue
from shim.core.commands.caller import Caller
from shim.core.commands.journal import Close, Opened
from shim.core.context import CallContext
from shim.core.errors import Fault
from shim.core.journal.recovery import recover
from shim.core.journal.writes import JournalRun as Journalled
from shim.core.message import Element
from shim.edge.exchange.performer import Performer, Performers, run
from shim.edge.journal.journal import JournalStore
from shim.edge.journal.operating import BRIEFLY
from shim.edge.journal.tables import JournalEntry
from shim.edge.settings.model import Integration

log = structlog.get_logger()

_PURGE_EVERY = 240
_SOON = 1.0
"""Seconds until recovery looks again where the store did not let it."""
_LONGEST = 300.0
"""Seconds that recovery may work on an entry at a time: what hangs is put off, and not held for ever."""


class Recovery:
    """Works through the entries that nobody holds. `integration` finds one by its name."""

    def __init__(
        self,
        catalogue: Catalogue,
        performers: Performers,
        journal: JournalStore,
        integration: Callable[[str], Integration | None],
    ) -> None:
        self._catalogue = catalogue
        self._performers = performers
        self._journal = journal
        self._integration = integration
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: set[str] = set()
        self.looked_at = journal.monotonic()
        """When the journal was last looked through to its end, on the monotonic clock."""

    @property
    def problem(self) -> str | None:
        """Why calls that were left behind may not be ended; None when they are looked after."""
        settings = self._journal.settings
        since = self._journal.monotonic() - self.looked_at
        if since <= settings.lease + 3 * settings.sweep:
            return None
        return f"nobody could look after calls that were left behind for {since:.0f} seconds"

    async def start(self) -> None:
        """Take over what the last process left, and go on looking. Raises StoreError."""
        if not self._journal.store.shared:
            await self._journal.release()
        self._tasks = [asyncio.create_task(self._sweeping()), asyncio.create_task(self._renewing())]

    async def stop(self) -> None:
        """Stop, and let others have what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._journal.release(BRIEFLY)
        except Fault as fault:  # others have to wait until they run out
            log.warning("leases not given back", reason=fault.reason)

    async def sweep(self) -> list[tuple[str, str]]:
        """Recover all that is due: (entry, what became of it)."""
        ended: dict[str, str] = {}
        while entries := await self._journal.take():
            before = len(ended)
            ended |= await asyncio.gather(*(self._recover(each) for each in entries))
            if len(ended) == before:  # the same again: it could not even be put off
                break
        return list(ended.items())

    async def _recover(self, entry: JournalEntry) -> tuple[str, str]:
        opened = Opened(entry.id, entry.epoch)
        integration = self._integration(entry.integration)
        try:
            if integration is None:
                await self._pause(opened, "integration-gone")
                return entry.id, "paused"
            async with asyncio.timeout(_LONGEST):
                ended = await self._drive(entry, opened, integration)
        except TimeoutError:
            self._journal.abandon(opened, wake=False)
            log.error("journal recovery put off", entry=entry.id, reason="timeout")
            return entry.id, "timeout"
        except Fault as fault:
            self._journal.abandon(opened, wake=False)
            log.error("journal recovery put off", entry=entry.id, reason=fault.reason)
            return entry.id, fault.reason
        except Exception:  # a defect of ours must not stop the recovery of others, and not repeat itself
            log.exception("journal recovery failed", entry=entry.id)
            with suppress(Fault):  # then it comes up again when its lease has run out, and is logged again
                await self._pause(opened, "internal-error")
            return entry.id, "paused"
        return entry.id, ended

    async def _drive(self, entry: JournalEntry, opened: Opened, integration: Integration) -> str:
        context = CallContext(
            self._catalogue, Element("recovery"), Caller(integration.name, integration.settings)
        )
        journalled = Journalled(context, entry.policy, opened, list(entry.steps))
        performer = Performer(self._performers, "", integration, opened)
        return (await run(recover(journalled, entry.left), performer)).state

    async def _pause(self, opened: Opened, why: str) -> None:
        await self._journal.close(Close(opened, "paused", why=why), recovered=True)

    async def _sweeping(self) -> None:
        sweeps = 0
        while True:
            self._journal.wake.clear()
            done = await self._guarded("sweep", self._once, sweeps % _PURGE_EVERY == 0)
            sweeps += done
            pause = self._journal.settings.sweep
            with suppress(TimeoutError):
                await asyncio.wait_for(self._journal.wake.wait(), pause if done else min(_SOON, pause))

    async def _once(self, purge: bool) -> None:
        await self._journal.store.keep_time()
        await self.sweep()
        if purge:
            await self._journal.purge()
        standing = await self._journal.standing()
        metrics = self._journal.metrics
        metrics.journal_under_way.set(standing.under_way)
        metrics.journal_overdue.set(standing.overdue)
        metrics.journal_paused.set(standing.paused)
        metrics.journal_oldest.set(standing.oldest)
        self.looked_at = self._journal.monotonic()

    async def _renewing(self) -> None:
        while True:
            await asyncio.sleep(self._journal.settings.renew)
            await self._guarded("renew", lambda _: self._journal.renew(), False)

    async def _guarded(self, what: str, act: Callable[[bool], Awaitable[None]], argument: bool) -> bool:
        """Go on whatever fails: the database may be back by the next time. Whether it did not fail.

        A store that is away is told once, and told again when it is there.
        """
        try:
            await act(argument)
        except Fault as fault:
            if what not in self._failing:
                log.error("journal unavailable", what=what, reason=fault.reason)
            self._failing.add(what)
            return False
        except Exception:  # what is not foreseen must not end recovery for good
            log.exception("journal recovery failed")
            return True
        if what in self._failing:
            self._failing.discard(what)
            log.info("journal available again", what=what)
        return True
