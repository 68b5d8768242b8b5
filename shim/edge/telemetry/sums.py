"""Sums: log lines that strangers cause. The first comes at once, the rest as one line every so many seconds.

A line for each connection that is refused would let whoever makes them fill the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger()

EVERY = 10.0
"""Seconds that are summed up in one line."""


@dataclass(slots=True)
class _Sum:
    """The events since the last line, and the facts of the last of them."""

    count: int
    facts: dict[str, Any]
    timer: asyncio.TimerHandle


class Sums:
    """Lines of one event, summed up by their reason. There have to be few reasons, and none from a stranger.

    `count` hears the reason each time.
    """

    def __init__(self, event: str, every: float = EVERY, count: Callable[[str], object] | None = None) -> None:
        self._event = event
        self._every = every
        self._count = count
        self._sums: dict[str, _Sum] = {}

    def add(self, reason: str, **facts: Any) -> None:
        """It happened once more; a line tells the `facts` of the last time."""
        if self._count is not None:
            self._count(reason)
        under_way = self._sums.get(reason)
        if under_way is not None:
            under_way.count += 1
            under_way.facts = facts
            return
        log.warning(self._event, reason=reason, count=1, **facts)
        self._sums[reason] = _Sum(0, facts, self._later(reason))

    def close(self) -> None:
        """Tell what was not told yet."""
        for reason, ended in self._sums.items():
            ended.timer.cancel()
            self._tell(reason, ended)
        self._sums.clear()

    def _later(self, reason: str) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._every, self._over, reason)

    def _over(self, reason: str) -> None:
        ended = self._sums.pop(reason)
        if ended.count:
            self._tell(reason, ended)
            self._sums[reason] = _Sum(0, ended.facts, self._later(reason))

    def _tell(self, reason: str, ended: _Sum) -> None:
        if ended.count:
            log.warning(self._event, reason=reason, count=ended.count, **ended.facts)
