"""Looks for what is worth telling, and sends what is queued, while the shim runs.

Laws: calls never wait for it; a receiver that is slow or away holds up no other; what was noticed is in the
store before anything is sent, so that a restart, or a store that is away for a while, loses none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.errors import Fault
from shim.edge.deprecation.tables import USAGE
from shim.edge.notify import queue
from shim.edge.notify.events import Since, highest, noticed
from shim.edge.notify.notice import Notice, Sending
from shim.edge.notify.send import deliver
from shim.edge.notify.webhook import NotTaken
from shim.edge.settings.notify import Notify
from shim.edge.store.database import Store
from shim.edge.telemetry.metrics import Metrics

log = structlog.get_logger()

_BEGAN, _LOOKED, _FINDING, _EVENT = "began", "looked", "finding", "finding-event"
_LOOKED_EVERY = timedelta(minutes=10)
_LONG = timedelta(days=3)
"""After so long without a look, telling begins anew."""
_REACH = timedelta(hours=1)
"""How far back rows are looked at again: numbers are given before a row is there for others to see."""
_FORGET = timedelta(hours=6)

Totals = dict[tuple[str, str], tuple[int, int]]
"""(calls, faults) by day and integration."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of faults that went above its threshold (with a notice) or below; `mark` is where it is kept."""

    mark: str
    value: str
    notice: Notice | None


class Watcher:
    """The watcher of one shim. `settings` are read anew at each look; `metrics` count what was sent."""

    def __init__(self, store: Store, settings: Callable[[], Notify], metrics: Metrics) -> None:
        self._store = store
        self._settings = settings
        self._metrics = metrics
        metrics.notifications_ok.set(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._sending: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._seen: deque[tuple[datetime, int, int]] = deque()
        self._totals: deque[tuple[datetime, Totals]] = deque()
        self._forgot: datetime | None = None
        self._trouble: str | None = None

    async def start(self) -> Watcher:
        """Itself, looking from now on."""
        self._tasks = [asyncio.create_task(self._running())]
        return self

    async def stop(self) -> None:
        """End it. Deliveries under way are given up; each goes out again under its ID after the next start."""
        tasks = [*self._tasks, *self._sending.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _running(self) -> None:
        while True:
            settings = self._settings()
            try:
                if settings.receivers():
                    await self.look()
                    await self.send_due()
                self._well()
            except Fault as fault:
                self._ill(fault.reason)
            except Exception as error:  # noqa: BLE001  # telling must not end for good because of one bad row
                self._ill(type(error).__name__)
            await asyncio.sleep(settings.look)

    def _ill(self, reason: str) -> None:
        if self._trouble != reason:
            log.error("notifications not looked after", reason=reason)
        self._trouble = reason
        self._metrics.notifications_ok.set(0)

    def _well(self) -> None:
        if self._trouble is not None:
            log.info("notifications looked after again")
        self._trouble = None
        self._metrics.notifications_ok.set(1)

    # ---- what is worth telling ----

    async def look(self) -> int:
        """Queue what is new; how much it was. Raises BackendError.

        It is looked for in a transaction that reads; the one that writes is short, and only there when needed.
        """
        settings, now = self._settings(), self._store.now()
        async with self._store.reading() as connection:
            since, marks = await self._since(connection, now)
            notices = [notice async for notice in noticed(connection, since, settings, now)]
            known = await queue.known(connection, [each.key for each in notices])
            rates = await self._fault_rates(connection, settings, now)
        fresh = [each for each in notices if each.key not in known]
        count = 0
        if fresh or marks or rates:
            count = await self._keep(fresh, marks, rates, settings, now)
        if self._forgot is None or now - self._forgot > _FORGET:
            await queue.forget_old(self._store)
            self._forgot = now
        return count

    async def _keep(
        self, fresh: list[Notice], marks: Mapping[str, str], rates: list[Rate], settings: Notify, now: datetime
    ) -> int:
        receivers, count = settings.receivers(), 0
        async with self._store.writing() as connection:
            for name, value in marks.items():
                await queue.set_mark(connection, name, value)
            for notice in fresh:
                count += await queue.put(connection, notice, receivers, now)
            for rate in rates:
                if await queue.mark(connection, rate.mark) == rate.value:
                    continue  # another shim on this store was first
                await queue.set_mark(connection, rate.mark, rate.value)
                if rate.notice is not None:
                    count += await queue.put(connection, rate.notice, receivers, now)
        return count

    async def _since(self, connection: AsyncConnection, now: datetime) -> tuple[Since, dict[str, str]]:
        """From where on things are new, and marks to write. The first look says that what is there is not; so
        does one after a long time in which nobody was to be told."""
        began, looked = await queue.mark(connection, _BEGAN), await queue.mark(connection, _LOOKED)
        findings, events = await highest(connection)
        if began is None or looked is None or now - datetime.fromisoformat(looked) > _LONG:
            at = now.isoformat()
            fresh = {_BEGAN: at, _LOOKED: at, _FINDING: str(findings), _EVENT: str(events)}
            return Since(now, findings, events), fresh
        finding = int(await queue.mark(connection, _FINDING) or 0)
        event = int(await queue.mark(connection, _EVENT) or 0)
        marks: dict[str, str] = {}
        self._seen.append((now, findings, events))
        while self._seen and now - self._seen[0][0] > _REACH:
            _, finding, event = self._seen.popleft()
            marks = {_FINDING: str(finding), _EVENT: str(event)}
        if now - datetime.fromisoformat(looked) > _LOOKED_EVERY:
            marks[_LOOKED] = now.isoformat()
        return Since(datetime.fromisoformat(began), finding, event), marks

    # ---- rates of faults ----

    async def _fault_rates(self, connection: AsyncConnection, settings: Notify, now: datetime) -> list[Rate]:
        """Integrations whose share of faults went above the threshold or below it since the last look."""
        totals = await _totals(connection, now)
        self._totals.append((now, totals))
        window = timedelta(seconds=settings.fault_window)
        while len(self._totals) > 2 and now - self._totals[1][0] >= window:
            self._totals.popleft()
        began, before = self._totals[0]
        rates = []
        for name in sorted({integration for _, integration in totals}):
            calls, faults = _grown(totals, before, name)
            if calls < settings.fault_calls:
                continue
            mark, above = f"fault-rate:{name}", faults / calls >= settings.fault_rate
            if above != (await queue.mark(connection, mark) == "above"):
                notice = _fault_rate_notice(name, calls, faults, began, now, settings) if above else None
                rates.append(Rate(mark, "above" if above else "below", notice))
        return rates

    # ---- sending ----

    async def send_due(self) -> None:
        """Begin to send what is due. One task for each, so that a slow receiver holds up no other."""
        for sending in await queue.claim(self._store):
            key = sending.id, sending.receiver
            task = asyncio.create_task(self._send(sending))
            self._sending[key] = task
            task.add_done_callback(partial(self._sent, key))

    def _sent(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._sending.pop(key, None)

    async def idle(self) -> None:
        """Wait until nothing is being sent."""
        while self._sending:
            await asyncio.gather(*self._sending.values(), return_exceptions=True)

    async def _send(self, sending: Sending) -> None:
        about = {"notice": sending.id, "receiver": sending.receiver, "kind": sending.fields.get("event")}
        settings = self._settings()
        try:
            try:
                await deliver(settings, sending, self._store.now())
            except NotTaken as refused:
                again = await queue.failed(self._store, sending, str(refused), settings)
                result = "given-up" if again is None else "not-taken"
                self._metrics.count(self._metrics.notifications, sending.receiver, result)
                if again is None:
                    log.error("notification given up", **about, problem=str(refused), attempts=sending.attempts)
                else:
                    log.warning(
                        "notification not taken", **about, problem=str(refused), again=again.isoformat()
                    )
            else:
                await queue.sent(self._store, sending)
                self._metrics.count(self._metrics.notifications, sending.receiver, "sent")
                log.info("notification sent", **about, attempts=sending.attempts)
        except Fault as fault:  # it is sent again when its claim has ended
            log.error("notification not noted", **about, reason=fault.reason)


async def _totals(connection: AsyncConnection, now: datetime) -> Totals:
    """Calls of 2.5 and their faults, of today and yesterday."""
    days = [(now - timedelta(days=back)).date().isoformat() for back in (0, 1)]
    columns = (USAGE.c.day, USAGE.c.integration, sa.func.sum(USAGE.c.calls), sa.func.sum(USAGE.c.faults))
    old = (USAGE.c.side == "old") & USAGE.c.day.in_(days)
    query = sa.select(*columns).where(old).group_by(USAGE.c.day, USAGE.c.integration)
    rows = (await connection.execute(query)).all()
    return {(day, name): (int(calls), int(faults)) for day, name, calls, faults in rows}


def _grown(now: Totals, before: Totals, name: str) -> tuple[int, int]:
    """By how much an integration's calls and faults have grown."""
    calls = faults = 0
    for key, (some, bad) in now.items():
        if key[1] == name:
            was = before.get(key, (0, 0))
            calls += some - was[0]
            faults += bad - was[1]
    return calls, faults


def _fault_rate_notice(
    name: str, calls: int, faults: int, began: datetime, now: datetime, settings: Notify
) -> Notice:
    share = faults / calls
    minutes = max(1, round((now - began).total_seconds() / 60))
    text = (
        f"{faults} of {calls} calls of {name} in {minutes} minutes ended in a fault ({share:.0%}, told "
        f"from {settings.fault_rate:.0%} on).\nshim tail --integration {name} --faults shows them."
    )
    facts = {
        "calls": calls,
        "faults": faults,
        "share": round(share, 4),
        "seconds": (now - began).total_seconds(),
    }
    subject = f"Faults: {share:.0%} of the calls of {name}"
    key = f"fault-rate:{name}:{now.isoformat()}"
    return Notice(key, "fault_rate", now, subject, text, name, facts)
