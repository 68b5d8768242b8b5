"""Deadline: how long an exchange may take, which is another thing for a list of a hundred megabytes.

Laws: until an exchange has written, its time begins anew with each part of a v3 answer that comes, and stands
still while the shim works on one; so what is bounded is silence, and the whole by a bound of its own. From the
first write on nothing is granted any more: whoever waits for a write has to know soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from shim.edge.exchange.cut import Cut

_GRAIN = 0.001
"""Seconds that a timer may come too early: event loops round."""


class Deadline:
    """An asynchronous context that raises TimeoutError. `seconds` bounds silence and writes, `longest` all.

    It has one timer, which is not set anew when time is granted: when it comes, it sees that it is too early.
    """

    def __init__(self, seconds: float, longest: float) -> None:
        self._seconds = seconds
        self._longest = longest
        self._cut = Cut()
        self._end = 0.0
        self._when = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._wrote = False
        self._working = 0
        self._over = False

    async def __aenter__(self) -> Deadline:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._end = now + max(self._longest, self._seconds)
        self._cut.__enter__()
        self._until(now + self._seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._cut.__exit__(kind, error, trace)

    def progress(self) -> None:
        """Something came: the time begins anew, unless something was written."""
        if not self._wrote and not self._working:
            self._until(self._loop.time() + self._seconds)

    @contextmanager
    def working(self) -> Iterator[None]:
        """The shim itself is at work: that is no silence of the backend's."""
        self._working += 1
        if not self._wrote:
            self._until(self._end)
        try:
            yield
        finally:
            self._working -= 1
            self.progress()

    def writes(self) -> None:
        """Something is about to be written."""
        if not self._wrote:
            self.progress()
            self._wrote = True

    def _until(self, when: float) -> None:
        """End it then; a timer that comes before is left alone."""
        if self._over:
            return
        self._when = min(when, self._end)
        if self._timer is not None:
            if self._timer_at <= self._when:
                return
            self._timer.cancel()
        self._set_timer()

    def _set_timer(self) -> None:
        self._timer_at = self._when
        self._timer = self._loop.call_at(self._when, self._due)

    def _due(self) -> None:
        if self._when - self._loop.time() > _GRAIN:
            self._set_timer()
        else:
            self._cut.end()
