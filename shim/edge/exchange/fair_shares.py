"""Fair shares: no integration takes the v3 backend, or the shim, from the others.

Calls to v3 that may not be made yet wait in a line for each integration, and lines are served in turn: a call
of somebody quiet waits for one place to get free, however long the line of somebody noisy is.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Line:
    """Who waits of one party, the oldest first, and how many places it may have."""

    most: int
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    def first(self) -> asyncio.Future[None] | None:
        """The first who has not given up."""
        while self.waiting and self.waiting[0].done():
            self.waiting.popleft()
        return self.waiting[0] if self.waiting else None


class Places:
    """`most` places that are held for a while, each party at most as many as it says when it takes one."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._held: Counter[str] = Counter()
        self._lines: OrderedDict[str, _Line] = OrderedDict()

    def free_for(self, party: str, most: int) -> bool:
        """True if a place can be taken at once: nobody who could have it waits for it then."""
        return self._free > 0 and self._held.get(party, 0) < most and party not in self._lines

    def take_free(self, party: str, most: int) -> bool:
        """Take a place if one can be had at once; True if it was."""
        if not self.free_for(party, most):
            return False
        self._hold(party)
        return True

    async def take(self, party: str, most: int) -> None:
        """A place for a party, which may have `most`. Waits until it is the party's turn."""
        if self.take_free(party, most):
            return
        turn = asyncio.get_running_loop().create_future()
        line = self._lines.setdefault(party, _Line(most))
        line.most = most
        line.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(party)  # it was given a place that it does not take any more
            self._pass_on()
            raise

    def give(self, party: str) -> None:
        """A place back, for whoever's turn it is."""
        self._free += 1
        self._held[party] -= 1
        if not self._held[party]:
            del self._held[party]
        if self._lines:
            self._pass_on()

    def _hold(self, party: str) -> None:
        self._free -= 1
        self._held[party] = self._held.get(party, 0) + 1

    def _pass_on(self) -> None:
        """Give free places to those who wait, one for a line at a time."""
        for name in [name for name, line in self._lines.items() if line.first() is None]:
            del self._lines[name]
        while self._free and (party := self._next()):
            line = self._lines[party]
            self._hold(party)
            line.waiting.popleft().set_result(None)
            if line.first() is None:
                del self._lines[party]
            else:
                self._lines.move_to_end(party)

    def _next(self) -> str | None:
        return next((party for party, line in self._lines.items() if self._held[party] < line.most), None)


class Rates:
    """How often each party may call: so many a second over time, and `burst` at once. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        """Calls that are left of each, and when that was."""

    def wait(self, party: str, per_second: float | None, burst: int) -> int | None:
        """None when a party may call now, which is counted; else the seconds until it may."""
        if per_second is None:
            self._left.pop(party, None)
            return None
        now = self._clock()
        left, at = self._left.get(party, (float(burst), now))
        left = min(float(burst), left + (now - at) * per_second)
        if left < 1:
            self._left[party] = (left, now)
            return max(1, math.ceil((1 - left) / per_second))
        self._left[party] = (left - 1, now)
        return None
