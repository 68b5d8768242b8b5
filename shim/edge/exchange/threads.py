"""Work aside: what the core wants done without keeping others waiting runs in threads of its own."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_AT_ONCE = 2
_TURN = 0.0005
"""Seconds that such a thread keeps the interpreter while the event loop wants it: a tenth of the usual."""

_OLDER = 500
"""Collections of young garbage before one that looks at all of a long tree, which has no cycles: to look at
millions of elements stops everybody. What others leave behind is young when it is garbage."""


class Threads:
    """Runs pure work in threads, a few at a time; the rest waits its turn.

    Each thread ends with its work, and lxml forgets with it what names it read:
    see `shim.core.reading.known_names`.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)
        self.running = 0
        """Threads that work now, those that nobody waits for included."""
        self._usual = sys.getswitchinterval()
        self._collections = gc.get_threshold()

    async def run(self, work: Callable[[], T]) -> T:
        """The result. Raises what the work raises. Cancelled, the work still ends, for nobody.

        It keeps its place until then: calls that are given up must not add up to more threads at once.
        """
        await self._places.acquire()
        thread = ThreadPoolExecutor(1, "aside")
        self._begin()
        try:
            under_way = asyncio.get_running_loop().run_in_executor(thread, work)
        except BaseException:  # there is no thread to be had
            self._end()
            raise
        under_way.add_done_callback(self._end)
        thread.shutdown(wait=False)
        return await asyncio.shield(under_way)

    def _begin(self) -> None:
        if not self.running:
            self._collections = gc.get_threshold()
            gc.set_threshold(self._collections[0], _OLDER, self._collections[2])
        self.running += 1
        sys.setswitchinterval(min(_TURN, self._usual))

    def _end(self, ended: object = None) -> None:
        self._places.release()
        self.running -= 1
        if not self.running:
            sys.setswitchinterval(self._usual)
            gc.set_threshold(*self._collections)
