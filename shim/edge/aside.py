"""Work aside: what the core wants done without keeping others waiting runs in threads of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_AT_ONCE = 2
_TURN = 0.0005
"""Seconds that such a thread keeps the interpreter while the event loop wants it: a tenth of the usual."""


class Threads:
    """Runs pure work in threads, a few at a time; the rest waits its turn.

    Each thread ends with its work, and lxml forgets with it what names it read: see `shim.core.familiar`.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._running = 0
        self._usual = sys.getswitchinterval()

    async def run(self, work: Callable[[], T]) -> T:
        """The result. Raises what the work raises. Cancelled, the work still ends, for nobody."""
        async with self._places:
            thread = ThreadPoolExecutor(1, "aside")
            self._begin()
            try:
                return await asyncio.get_running_loop().run_in_executor(thread, work)
            finally:
                self._end()
                thread.shutdown(wait=False)

    def _begin(self) -> None:
        self._running += 1
        sys.setswitchinterval(min(_TURN, self._usual))

    def _end(self) -> None:
        self._running -= 1
        if not self._running:
            sys.setswitchinterval(self._usual)
