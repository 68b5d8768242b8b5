"""A process that serves as one of several: it tells its metrics to the first, and ends with the parent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shim.edge.app import Application
from shim.edge.workers.place import Worker
from shim.edge.workers.scrape import telling


@asynccontextmanager
async def one_of_several(worker: Worker, application: Application) -> AsyncIterator[None]:
    """For as long as the block runs, the application is that of a worker."""
    application.worker = worker
    application.reload = worker.reload
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(worker.alive)
        worker.end_with_parent()

    loop.add_reader(worker.alive, gone)
    try:
        async with telling(worker, application.own_metrics):
            yield
    finally:
        loop.remove_reader(worker.alive)
