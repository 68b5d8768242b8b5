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


class Deadline:
    """An asynchronous context that raises TimeoutError. `seconds` bounds silence and writes, `longest` all."""

    def __init__(self, seconds: float, longest: float) -> None:
        self._seconds = seconds
        self._longest = longest
        self._timeout = asyncio.timeout(seconds)
        self._end = 0.0
        self._wrote = False
        self._working = 0
        self._over = False

    async def __aenter__(self) -> Deadline:
        self._end = asyncio.get_running_loop().time() + max(self._longest, self._seconds)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        await self._timeout.__aexit__(kind, error, trace)

    def progress(self) -> None:
        """Something came: the time begins anew, unless something was written."""
        if not self._wrote and not self._working:
            self._until(asyncio.get_running_loop().time() + self._seconds)

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
        if not self._over and not self._timeout.expired():
            self._timeout.reschedule(min(when, self._end))
