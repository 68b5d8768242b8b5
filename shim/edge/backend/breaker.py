"""Breakers: which addresses of the v3 backend may be asked now, so that nobody waits for one that is away.

Laws: an address that failed so often in a row rests, and is then tried with one call; one that does not even
answer a health check rests until it does, at once when calls wait for it as well; these are told, and wait no
longer; an answer to anybody in the meantime is a sign of life; what the backend asks for by Retry-After is
granted. Resting refuses at once, and what is refused never ran.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import aiohttp
import structlog

from shim.core.errors import BackendError
from shim.edge.exchange.cut import Cut
from shim.edge.settings.backend import BackendSettings, BreakerSettings
from shim.edge.telemetry.metrics import Metrics

log = structlog.get_logger()

_UNANSWERED = 2
"""Health checks in a row that were not answered before an address rests; where calls wait as well, one does."""


BUSY = frozenset({429, 503})
"""The statuses of a server that asks to be left alone for a while."""


class Breaker:
    """One address. `clock` gives seconds that never go back."""

    def __init__(
        self, url: str, settings: BreakerSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = url
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._rests = 0
        self._until: float | None = None
        self._trying = False
        self._unanswered = 0
        self._life = clock()
        self._waiting: dict[Cut, float] = {}

    @property
    def resting(self) -> bool:
        """True if it may not be asked now."""
        return self._until is not None and (self._trying or not self._rested)

    @property
    def now(self) -> float:
        """The time by its clock."""
        return self._clock()

    def waits(self, seconds: float) -> bool:
        """True if a call has been waiting for it so long."""
        return any(self._clock() - since >= seconds for since in self._waiting.values())

    @property
    def _rested(self) -> bool:
        over = self._until is None or self._clock() >= self._until
        return over and self._unanswered < _UNANSWERED

    @property
    def seconds(self) -> int:
        """After how long it is worth trying again, as far as is known."""
        left = (self._until or 0.0) - self._clock()
        return max(1, round(left if left > 0 else self._settings.rest))

    def asking(self) -> AbstractContextManager[object]:
        """A call to it. Say `answered` or `failed` within; one that is broken off says nothing."""
        return _Asking(self)

    def begins(self) -> bool:
        """A call begins; True if it is the one that tries an address which rested."""
        trial = self._until is not None
        self._trying = self._trying or trial
        return trial

    def tried(self) -> None:
        """The call that tried it is over."""
        self._trying = False

    def waiting(self) -> Cut:
        """Wait for its answer. Raises TimeoutError as soon as health checks say that nobody is there."""
        return _Waiting(self._waiting, self._clock())

    def lives(self) -> None:
        """A part of an answer came: somebody is there."""
        self._life = self._clock()

    def answered(self) -> None:
        """It answered, whatever it said."""
        self.lives()
        if self._until is not None:
            log.info("backend answers again", url=self.url)
        self._failures, self._rests, self._until = 0, 0, None

    def failed(self) -> None:
        """A call was not answered: no connection, a broken one, or too late."""
        if self._until is None:
            self._failures += 1
        elif self._trying:  # others began before it rested
            self._rests += 1
        if self._trying or (self._until is None and self._failures >= self._settings.failures):
            self.rest(self._settings.rest * 2.0 ** min(self._rests, 16), "no answer")

    def rest(self, seconds: float, why: str) -> None:
        """Leave it alone for so long."""
        if self._until is None:
            log.warning("backend rests", url=self.url, why=why, seconds=round(seconds, 1))
        self._until = max(self._until or 0.0, self._clock() + min(seconds, self._settings.longest))

    def checked(self, answered: bool, began: float | None = None) -> None:
        """How a health check went that `began` then, by the clock; None: just now.

        Calls that have waited as long as one that was not answered count as a second one. One that is answered
        ends a rest that came of checks: the next call may try.
        """
        began = self._clock() if began is None else began
        if answered:
            if self._unanswered >= _UNANSWERED and self._until is not None:
                self._until = min(self._until, self._clock())
            self._unanswered = 0
            return
        if self._life > began:
            return
        self._unanswered += 1
        if any(since <= began for since in self._waiting.values()):
            self._unanswered = max(self._unanswered, _UNANSWERED)
        if self._unanswered >= _UNANSWERED:
            if not self.resting:
                self.rest(self._settings.rest, "no answer to health checks")
            self._end_waiting()

    def _end_waiting(self) -> None:
        """End them in the loop's next round, so that whoever has just been answered takes the answer first."""
        for cut in tuple(self._waiting):
            asyncio.get_running_loop().call_soon(cut.end)


class _Asking:
    """A call to an address; it tries the address when that rested."""

    __slots__ = ("_address", "_trial")

    def __init__(self, address: Breaker) -> None:
        self._address = address
        self._trial = False

    def __enter__(self) -> None:
        self._trial = self._address.begins()

    def __exit__(self, *_: object) -> None:
        if self._trial:
            self._address.tried()


class _Waiting(Cut):
    """One who waits for an answer: it is among `those` meanwhile, with the time since when."""

    def __init__(self, those: dict[Cut, float], since: float) -> None:
        self._those = those
        self._since = since

    def __enter__(self) -> Cut:
        self._those[self] = self._since
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._those[self]
        super().__exit__(kind, error, trace)


class Addresses:
    """The addresses of one backend in the order in which they are preferred."""

    def __init__(
        self,
        settings: BackendSettings,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.all = tuple(Breaker(url, settings.breaker, clock) for url in (settings.url, *settings.others))
        self._settings = settings
        self._metrics = metrics or Metrics()

    def choose(self, tried: Collection[str] = ()) -> Breaker:
        """The one to ask next: one that was not tried if there is one. Raises BackendError when all rest."""
        free: Breaker | None = None
        for each in self.all:
            if not each.resting:
                if each.url not in tried:
                    return each
                free = free or each
        if free is not None:
            return free
        seconds = min(each.seconds for each in self.all)
        fault = BackendError(
            "backend-unreachable",
            "The v3 backend has not answered lately, and is left alone a while: the call was not made, "
            f"nothing was changed; try again in {seconds} seconds.",
        )
        fault.retry_after = seconds
        raise fault

    @property
    def problem(self) -> str | None:
        """Why no address may be asked now; None when one may."""
        if any(not each.resting for each in self.all):
            return None
        seconds = min(each.seconds for each in self.all)
        return f"no address of the v3 backend answers; the next try is in {seconds} s"

    async def checking(self, session: aiohttp.ClientSession) -> None:
        """Check all of them again and again, until cancelled; not at all when `health.every` is 0."""
        while self._settings.health.every:
            await asyncio.gather(*(self.check(session, each) for each in self.all))
            await self._until_needed()

    async def _until_needed(self) -> None:
        """Wait until a call has waited for `health.after`, or for `health.every` where none does."""
        health = self._settings.health
        end = self.all[0].now + health.every
        await asyncio.sleep(min(health.after, health.every))
        while self.all[0].now < end and not any(each.waits(health.after) for each in self.all):  # noqa: ASYNC110
            await asyncio.sleep(min(health.after, health.every) / 5)

    async def check(self, session: aiohttp.ClientSession, address: Breaker) -> None:
        """Any HTTP answer will do: what counts is whether somebody is there."""
        health = self._settings.health
        deadline = aiohttp.ClientTimeout(total=health.timeout)
        began = address.now
        try:
            async with session.get(address.url + health.path, timeout=deadline, allow_redirects=False):
                address.checked(True)
        except (aiohttp.ClientError, OSError, ValueError):  # TimeoutError is an OSError
            address.checked(False, began)
        self._metrics.backend_up.labels(address.url).set(0 if address.resting else 1)


def retry_after(status: int, header: str | None) -> float | None:
    """For how many seconds a busy server (429, 503) asks not to be asked again; None when it does not."""
    if status not in BUSY or not header:
        return None
    if header.strip().isdecimal():
        return float(header.strip()[:6])
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
