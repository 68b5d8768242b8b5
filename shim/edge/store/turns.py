"""Turns: who may write into an SQLite file, one after the other in the order in which they asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Turns:
    """One turn at a time. Whoever has it says `end` once."""

    def __init__(self) -> None:
        self._taken = False
        self._line: deque[Callable[[], None]] = deque()

    def ask(self, begin: Callable[[], None]) -> None:
        """Call `begin` when it is the caller's turn, which may be at once."""
        if self._taken:
            self._line.append(begin)
        else:
            self._taken = True
            begin()

    def end(self) -> None:
        """It is the turn of the next."""
        if self._line:
            self._line.popleft()()
        else:
            self._taken = False

    async def wait(self, patience: float | None) -> None:
        """Wait for a turn, for at most so many seconds. Raises TimeoutError."""
        turn = asyncio.get_running_loop().create_future()

        def begin() -> None:
            if turn.done():
                self.end()
            else:
                turn.set_result(None)

        self.ask(begin)
        try:
            async with asyncio.timeout(patience):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it came, but we did not hear of it any more
                self.end()
            turn.cancel()
            raise
