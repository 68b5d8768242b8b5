"""Cut: a block of a task that may be ended from outside, and raises TimeoutError then.

Laws: what `asyncio.timeout` promises holds: a cancellation from elsewhere stays one, and a block that ends by
itself ends as it did. It costs no timer and no look at the clock; whoever cuts has one.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Cut:
    """A context within one task, which `end` ends."""

    _task: asyncio.Task[object] | None = None
    _before = 0
    _ended = False

    @property
    def ended(self) -> bool:
        """True if it was cut off."""
        return self._ended

    def end(self) -> None:
        """Cut the block off where it waits. Nothing happens when it is over."""
        if self._task is not None and not self._ended:
            self._ended = True
            self._task.cancel()

    def __enter__(self) -> Cut:
        task = asyncio.current_task()
        assert task is not None, "only a task can be cut off"
        self._task, self._before = task, task.cancelling()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if not self._ended or task is None:
            return
        if task.uncancel() <= self._before and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error
