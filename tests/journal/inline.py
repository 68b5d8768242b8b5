"""SQLite in memory and without a thread: a store whose every statement is over when it returns.

For simulations, which make millions of them: nothing waits, and what runs when is decided by the seed alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite.core
import pytest

from shim.edge.store.database import Store

_Work = tuple[asyncio.Future[Any] | None, Callable[[], Any]]


class _Inline:
    """Stands where aiosqlite has the queue to its thread: does the work at once."""

    def put_nowait(self, work: _Work) -> None:
        future, function = work
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001  # it is the caller's, who awaits the future
            if future is not None:
                future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class _NoThread:
    daemon = True

    def __init__(self, **_: Any) -> None: ...

    def start(self) -> None: ...


@asynccontextmanager
async def inline_store() -> AsyncIterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiosqlite.core, "SimpleQueue", _Inline)
        patch.setattr(aiosqlite.core, "Thread", _NoThread)
        store = await Store.open("sqlite+aiosqlite:///:memory:")
        try:
            yield store
        finally:
            await store.close()
