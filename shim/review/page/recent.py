"""Overviews of much, kept for a moment: pages of a long list are turned faster than its figures change.

What is small is read anew each time. What is large is kept for seconds, or until something is changed here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from shim.review.reading.model import Overview

LARGE = 2_000
"""Operations of integrations from which on an overview is kept."""
SECONDS = 10.0


class Recent:
    """Overviews by the days that they look back. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[int, tuple[float, Overview]] = {}
        self._turn = asyncio.Lock()
        self._changes = 0

    async def get(self, days: int, read: Callable[[], Awaitable[Overview]]) -> Overview:
        """The value that is kept, else that of `read`; several who ask at once read one after the other."""
        async with self._turn:
            kept = self._kept.get(days)
            if kept is not None and self._clock() - kept[0] < SECONDS:
                return kept[1]
            changes = self._changes
            overview = await read()
            if (
                changes == self._changes
                and sum(len(each.operations) for each in overview.integrations) >= LARGE
            ):
                self._kept[days] = self._clock(), overview
            else:
                self._kept.pop(days, None)
            return overview

    def forget(self) -> None:
        """Something was changed here: the next one reads anew."""
        self._changes += 1
        self._kept.clear()
